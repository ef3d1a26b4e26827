"""The arithmetic of the benchmark report; the benchmark itself is ``make bench``."""
