"""The exceptions a person may meet, apart from everything else so that each layer can raise them."""

from __future__ import annotations

from collections.abc import Callable


class StreamRcfError(Exception):
    """Base of all expected failures; its message is a sentence for a person, without a traceback."""

    exit_code = 1


class UsageError(StreamRcfError):
    """Bad usage or settings: nothing was started."""

    exit_code = 2


class UnreachableError(StreamRcfError):
    """A required outside part (the broker, a folder of checkpoints) cannot be reached."""

    exit_code = 3


class RegistryUnavailableError(UnreachableError):
    """The schema registry gives no usable answer at present: nothing is known about the event, so wait and ask again.

    ``ask_again`` repeats the question: it returns once there is an answer of any kind, and else raises this again.
    """

    def __init__(self, message: str, ask_again: Callable[[], None]) -> None:
        super().__init__(message)
        self.ask_again = ask_again


class CheckpointError(StreamRcfError):
    """A checkpoint is unreadable, corrupt, or does not belong to these settings."""


class ReloadNeededError(CheckpointError):
    """What is in memory cannot be gone on with; going back to the last checkpoint and reading on from there helps."""
