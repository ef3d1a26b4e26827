"""Benchmarks on a real broker, each beside a named peer measured in the same run: ``make bench``."""
