"""Slow, obvious second implementations that judge the fast ones."""
