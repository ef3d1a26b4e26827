"""How large a run is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Extent:
    """The stream, the group that works on it, and its faults. Times in seconds."""

    events: int
    keys: int
    rounds: int  # how often each kind of fault happens
    gap: float  # at most, between two faults
    peace: float  # at most, until the service has caught up, before the faults that wait for it
    session: float  # after which the group gives a silent worker's partitions away
    transaction: float  # after which the broker aborts an open transaction
    checkpoint: float  # between checkpoints
    commit: float  # between commits; at the usual 0.1 three brokers take most of two processors
    patience: float  # for the last outputs, once the faults are over
    disk_megabytes: int  # room for some checkpoints of every partition
    memory_megabytes: int  # for the keys of a worker: a part of what they need
    partitions: int = 12
    workers: int = 3
    most_workers: int = 4  # while one is added
    bad_share: float = 1 / 500  # of events that cannot be scored
    trees: int = 50
    sample_size: int = 256
    shingle_size: int = 8


FULL = Extent(
    events=500_000,
    keys=2000,
    rounds=1,
    gap=5.0,
    peace=25.0,
    session=4.0,
    transaction=8.0,
    checkpoint=10.0,
    commit=0.3,
    patience=420.0,
    disk_megabytes=768,
    memory_megabytes=80,
)
# Every kind of fault once, for a few minutes.
SHORT = Extent(
    events=40_000,
    keys=200,
    rounds=1,
    gap=1.0,
    peace=0.0,
    session=3.0,
    transaction=7.0,
    checkpoint=2.0,
    commit=0.1,
    patience=300.0,
    disk_megabytes=256,
    memory_megabytes=16,
)
