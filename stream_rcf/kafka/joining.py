"""What a member waits for between joining its group and getting its share, in words for the log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from confluent_kafka import KafkaError

from stream_rcf.errors import UsageError
from stream_rcf.settings.model import Settings

logger = logging.getLogger(__name__)

REPEAT_SECONDS = 10.0  # between two lines about the same wait
REJOIN_SECONDS = 2.0  # between two attempts to join under a name that the group still holds

# The client reports a fatal error under one code, with the cause in its text.
_FENCED = KafkaError(KafkaError.FENCED_INSTANCE_ID).str()
_UNRELEASED = KafkaError(KafkaError.UNRELEASED_INSTANCE_ID).str()


def longest_wait(settings: Settings, session_timeout_ms: object) -> str:
    """Say how long the group may keep a crashed member's partitions, and which option decides it."""
    if settings.kafka.group_protocol == "consumer":
        return "the broker's group.consumer.session.timeout.ms, 45000 ms unless it is set otherwise"
    return f"session.timeout.ms = {session_timeout_ms} ms"


class JoinNotice:
    """Says once that the member joins and what that may wait for, again while it lasts, and that it is over."""

    def __init__(self, wait: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._wait = wait
        self._clock = clock
        self._began: float | None = None
        self._next = 0.0

    def began(self) -> None:
        """The member asks to join."""
        self._began = self._clock()
        self._next = self._began + REPEAT_SECONDS
        logger.info(
            "waiting for a share of the partitions; a member that crashed keeps its own for up to %s",
            self._wait,
        )

    def look(self) -> None:
        """Call often: says now and then what is waited for."""
        if self._began is None or self._clock() < self._next:
            return
        self._next = self._clock() + REPEAT_SECONDS
        logger.info(
            "waiting for a share of the partitions for %.0f s; a member that crashed keeps its own for up to %s",
            self._clock() - self._began,
            self._wait,
        )

    def joined(self) -> None:
        """The group has given the member its share."""
        if self._began is not None:
            logger.info("joined the group after %.1f s", self._clock() - self._began)
            self._began = None


def is_name_still_held(error: KafkaError) -> bool:
    """Tell whether the group (KIP-848) still holds a member of this name, alive or crashed: it may let go."""
    return error.code() == KafkaError.UNRELEASED_INSTANCE_ID or _UNRELEASED in error.str()


def require_own_name(error: KafkaError, settings: Settings) -> None:
    """Raise ``UsageError`` when another process has joined under our name, which put this one out."""
    if error.code() == KafkaError.FENCED_INSTANCE_ID or _FENCED in error.str():
        kafka = settings.kafka
        raise UsageError(
            f"kafka.group_instance_id {kafka.group_instance_id!r}: another process has joined the group "
            f"{kafka.group_id!r} under this name, and so put this one out. Give every process a name of its own"
        )
