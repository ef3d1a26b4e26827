"""Waiting a while for a store that does not answer, where the loop cannot go on without what it asked for."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from stream_rcf.observe.metrics import Metrics
from stream_rcf.state.objects import StoreUnreachableError

logger = logging.getLogger(__name__)

FETCH_SECONDS = 60.0  # that the loop waits for a key it needs while the store does not answer
FETCH_RETRY_SECONDS = 1.0
Answer = TypeVar("Answer")


def read_patiently(read: Callable[[], Answer], metrics: Metrics, clock: Callable[[], float]) -> Answer:
    """What ``read`` gives, asked again for ``FETCH_SECONDS``. Raises ``StoreUnreachableError`` after that."""
    give_up_at = clock() + FETCH_SECONDS
    while True:
        try:
            return read()
        except StoreUnreachableError as error:
            if clock() > give_up_at:
                raise
            logger.warning("a key is needed, but its state cannot be read; trying again: %s", error)
            metrics.loop_ticked()
            time.sleep(FETCH_RETRY_SECONDS)
