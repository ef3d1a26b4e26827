"""Properties that hold for every input, tried on generated ones."""
