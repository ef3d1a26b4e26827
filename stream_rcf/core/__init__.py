"""The detector: arrays and arithmetic. No I/O, no clock, no logging."""
