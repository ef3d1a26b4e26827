"""What the gauges say about the partitions of this process."""

from __future__ import annotations

import logging

from stream_rcf.kafka.source import Source
from stream_rcf.observe.metrics import Metrics
from stream_rcf.service.assignment import Assignment

logger = logging.getLogger(__name__)


def report_status(metrics: Metrics, assignment: Assignment, source: Source) -> int:
    """Set lag, replay progress, keys, memory and states from what is known without asking the broker.

    Returns the bytes that all keys take.
    """
    keys = 0
    memory = 0
    for partition in assignment:
        keys += len(partition.table)
        memory += partition.table.memory_bytes
        metrics.replay_remaining(partition.topic, partition.number, partition.still_to_replay)
        end = source.known_end(partition.topic, partition.number) if partition.accepts_events else None
        if end is not None:
            metrics.lag(partition.topic, partition.number, max(0, end - partition.next_offset))
    metrics.keys(keys, memory)
    metrics.partitions({partition.identity: partition.state.value for partition in assignment})
    metrics.health.group_joined(assignment.has_joined)
    return memory


class MemoryAlarm:
    """Says once that the keys have outgrown ``keys.memory_limit_mb``, and again when they grew by a tenth since."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._next = float(limit_bytes)

    def check(self, memory_bytes: int) -> None:
        """Log an error when it is time to."""
        if memory_bytes > self._next:
            self._next = memory_bytes * 1.1
            logger.error(
                "the keys take %d MB, more than keys.memory_limit_mb allows (%d MB). This version keeps every key in "
                "memory: start more copies, or give it more memory before the system ends the process",
                memory_bytes // 2**20,
                self._limit // 2**20,
            )
