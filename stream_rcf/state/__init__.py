"""Which detector: the keys of a partition, consistent cuts of them, and checkpoints."""
