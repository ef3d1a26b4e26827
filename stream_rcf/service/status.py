"""What the gauges say about the partitions of this process."""

from __future__ import annotations

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
    memory = assignment.memory
    metrics.keys(resident, memory.bytes)
    metrics.keys_away(known - resident, memory.evictions, memory.returns, memory.spilled_bytes)
    metrics.partitions({partition.identity: partition.state.value for partition in assignment})
    metrics.health.group_joined(assignment.has_joined)
