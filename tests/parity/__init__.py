"""Ours and AWS's Java forest are the same algorithm: both run on the same data, and their statistics are compared."""
