"""A process that stays up: the partition's state machine and the loop around it."""
