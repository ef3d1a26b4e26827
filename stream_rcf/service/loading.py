"""Partitions on their way from the store to the stream, one at a time: those already live are not kept waiting."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from stream_rcf.kafka.source import Source
from stream_rcf.service.assignment import Assignment
from stream_rcf.service.checkpoints import Checkpoints
from stream_rcf.service.feedback import Feedback
from stream_rcf.service.partition import PartitionState
from stream_rcf.state.objects import StoreUnreachableError

logger = logging.getLogger(__name__)

STORE_RETRY_SECONDS = 2.0  # between attempts to read checkpoints from a store that does not answer
LISTENING_SECONDS = 0.02  # between looks whether everything was read that took effect in a replay


class Loading:
    """For the thread that owns the consumer. ``finish_batch`` lands and publishes what is in flight."""

    def __init__(
        self,
        assignment: Assignment,
        checkpoints: Checkpoints,
        feedback: Feedback | None,
        finish_batch: Callable[[], None],
    ) -> None:
        self._assignment = assignment
        self._checkpoints = checkpoints
        self._feedback = feedback
        self._finish_batch = finish_batch
        self._next_load = 0.0

    @property
    def has_work(self) -> bool:
        """Whether a partition could be loaded now."""
        return self._assignment.in_state(PartitionState.LOADING) != [] and time.monotonic() >= self._next_load

    def load_one(self, source: Source) -> None:
        """Load at most one partition. While the store does not answer, those that need it wait and the others go on."""
        if self._feedback is not None:
            for kept in self._feedback.released():
                source.resume(kept.topic, kept.number)
        if time.monotonic() < self._next_load:
            return
        if self._assignment.in_state(PartitionState.ASSIGNED):
            self._next_load = time.monotonic() + STORE_RETRY_SECONDS
            self._finish_batch()
            self._assignment.plan_waiting()
        for partition in self._assignment.in_state(PartitionState.LOADING)[:1]:
            if self._feedback is not None and not self._feedback.is_ready(partition):
                self._next_load = time.monotonic() + LISTENING_SECONDS
                return  # what took effect in its replay is still being read
            self._finish_batch()  # loading takes its time, and the outputs of the others should not wait for it
            try:
                self._checkpoints.load(partition)
            except StoreUnreachableError as failure:
                logger.warning("%r waits for the store of checkpoints: %s", partition, failure)
                self._next_load = time.monotonic() + STORE_RETRY_SECONDS
                return
            partition.loaded()
            if self._feedback is None or not self._feedback.hold(partition):
                source.resume(partition.topic, partition.number)

    def notice_ends(self, source: Source) -> None:
        """A partition whose last offsets hold no events (transaction markers) still ends its replay."""
        for partition in self._assignment.in_state(PartitionState.REPLAYING):
            position = source.position(partition.topic, partition.number)
            if position is not None and position >= partition.publish_from:
                partition.next_offset = max(partition.next_offset, partition.publish_from)
                partition.caught_up()
