"""What happens to a batch: decode, score, encode. Deterministic, and without a broker."""
