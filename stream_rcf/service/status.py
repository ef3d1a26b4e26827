"""What the gauges say about the partitions of this process."""

from __future__ import annotations

import time

from stream_rcf.kafka.source import Source
from stream_rcf.observe.metrics import Metrics
from stream_rcf.service.assignment import Assignment


def report_status(metrics: Metrics, assignment: Assignment, source: Source) -> None:
    """Set lag, replay progress, keys, memory and states from what is known without asking the broker."""
    resident = known = 0
    for partition in assignment:
        resident += len(partition.table.resident_keys())
        known += len(partition.table)
        metrics.replay_remaining(partition.topic, partition.number, partition.still_to_replay)
        end = source.known_end(partition.topic, partition.number) if partition.accepts_events else None
        if end is not None:
            metrics.lag(partition.topic, partition.number, max(0, end - partition.next_offset))
    heard = [partition.feedback.effects for partition in assignment if partition.feedback is not None]
    if heard:
        now = time.time() * 1000
        active = max(sum(one.begin <= now < one.end for one in effects.maintenances) for effects in heard)
        metrics.feedback_state(max(effects.keys for effects in heard), active)
    memory = assignment.memory
    metrics.keys(resident, memory.bytes)
    metrics.keys_away(known - resident, memory.evictions, memory.returns, memory.spilled_bytes)
    metrics.partitions({partition.identity: partition.state.value for partition in assignment})
    metrics.health.group_joined(assignment.has_joined)
