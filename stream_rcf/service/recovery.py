"""Going back to the last commit after a failure, again and again until it works or nothing speaks for it any more."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from stream_rcf.errors import (
    RegistryUnavailableError,
    ReloadNeededError,
    StreamRcfError,
    UnreachableError,
)
from stream_rcf.kafka.failures import DeliveryFailed, Remedy
from stream_rcf.kafka.messages import ClientError
from stream_rcf.kafka.source import OffsetsTrimmed, describe
from stream_rcf.observe.metrics import Metrics
from stream_rcf.service.saved_state import DamagedCheckpointError
from stream_rcf.state.objects import StoreUnreachableError

logger = logging.getLogger(__name__)

RETRY_SECONDS = (0.5, 1.0, 2.0, 5.0)  # waits between attempts to recover; the last one repeats
RECOVERY_SECONDS = 240.0  # of failing attempts before giving up; the group would evict us soon after
# In a row without one successful commit: somebody fences us each time, or it will never work.
MOST_RECOVERIES = 8

# What going back to the last commit and reading on from there helps against.
RECOVERABLE = (
    DeliveryFailed,
    OffsetsTrimmed,
    DamagedCheckpointError,
    ReloadNeededError,
    StoreUnreachableError,
    RegistryUnavailableError,
    ClientError,
)


def remedy_and_reason(failure: Exception) -> tuple[Remedy, str]:
    """What to do about the transaction that is open, and a sentence. ``StreamRcfError`` for what nothing can cure."""
    remedy = failure.remedy if isinstance(failure, DeliveryFailed) else Remedy.ABORT
    return remedy, describe(failure) if isinstance(failure, ClientError) else str(failure)


class Recovery:
    """Counts failures since the last commit, and repeats a roll-back until it works."""

    def __init__(self, transactional_id: str, should_stop: Callable[[], bool], metrics: Metrics) -> None:
        self._transactional_id = transactional_id
        self._should_stop = should_stop
        self._metrics = metrics
        self._failures = 0

    def succeeded(self) -> None:
        """A commit stands: whatever failed before is over."""
        self._failures = 0

    def run(self, roll_back: Callable[[Remedy], None], remedy: Remedy, why: str) -> None:
        """Call ``roll_back`` until it works. ``StreamRcfError`` where failures follow one another without a commit.

        Raises ``UnreachableError`` when it has not worked for minutes. Returns early when the process is to stop.
        """
        logger.warning("recovering: %s", why, extra={"context": {"remedy": remedy.value}})
        self._failures += 1
        if self._failures > MOST_RECOVERIES:
            raise StreamRcfError(
                f"{why}. That was failure {self._failures} without a commit between. If the error speaks of fencing, "
                f"another process uses the transactional id {self._transactional_id!r}"
            )
        time.sleep(RETRY_SECONDS[0] * (self._failures - 1))  # a lasting failure must not become a busy loop
        self.repeat(roll_back, remedy)

    def repeat(self, roll_back: Callable[[Remedy], None], remedy: Remedy) -> None:
        """Call ``roll_back`` until it works, for something that is no failure of ours. Raises ``UnreachableError``."""
        deadline = time.monotonic() + RECOVERY_SECONDS
        attempt = 0
        while not self._should_stop():
            self._metrics.loop_ticked()
            try:
                roll_back(remedy)
                return
            except (DeliveryFailed, ClientError) as failure:
                if time.monotonic() > deadline:
                    raise UnreachableError(
                        f"Kafka did not come back within {RECOVERY_SECONDS:.0f} s: {failure}"
                    ) from None
                wait = RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)]
                logger.warning("recovery failed, trying again in %s s: %s", wait, failure)
                time.sleep(wait)
                attempt += 1
                remedy = Remedy.NEW_PRODUCER
