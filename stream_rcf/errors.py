"""The exceptions a person may meet, apart from everything else so that each layer can raise them."""

from __future__ import annotations


class StreamRcfError(Exception):
    """Base of all expected failures; its message is a sentence for a person, without a traceback."""

    exit_code = 1


class UsageError(StreamRcfError):
    """Bad usage or settings: nothing was started."""

    exit_code = 2


class UnreachableError(StreamRcfError):
    """A required outside part (the broker, a folder of checkpoints) cannot be reached."""

    exit_code = 3


class CheckpointError(StreamRcfError):
    """A checkpoint is unreadable, corrupt, or does not belong to these settings."""


class ReloadNeededError(CheckpointError):
    """What is in memory cannot be gone on with; going back to the last checkpoint and reading on from there helps."""
