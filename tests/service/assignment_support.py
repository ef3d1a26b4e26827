"""An assignment with everything real but the broker: its partitions are loaded from and saved to a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stream_rcf.kafka.messages import TopicPartition
from stream_rcf.pipeline.events import Event
from stream_rcf.service.assignment import Assignment
from stream_rcf.service.backfill import Backfill
from stream_rcf.service.checkpoints import Checkpoints
from stream_rcf.service.partition import Partition, PartitionState
from stream_rcf.settings.derived import state_fingerprint
from stream_rcf.settings.model import Settings
from stream_rcf.state.checkpoint_store import CheckpointStore
from stream_rcf.state.checkpoint_writer import CheckpointWriter
from stream_rcf.state.folder_objects import FolderObjects
from stream_rcf.state.manifest import Manifest, PartitionId
from stream_rcf.state.names import folder_of
from tests.service.support import (
    GROUP,
    PARAMETERS,
    SETTINGS,
    TOPIC,
    FakeSource,
    learn,
    make_stream,
    new_metrics,
    states_of,
    twin_of,
)
from tests.state.support import change_object, flip
from tests.state.support import write_checkpoint as write_states
from tests.support.memory_objects import WatchedObjects

FINGERPRINT = state_fingerprint(SETTINGS)
EVENTS = make_stream(200, 5)  # of every partition: event i lies at offset i


@dataclass
class RecordingHandover:
    """The worker's part of a rebalance: keeps what it was asked for, in order; ``can_commit`` is its answer."""

    can_commit: bool = True
    calls: list[str] = field(default_factory=list)
    saved: list[list[int]] = field(default_factory=list)
    forgotten: list[int] = field(default_factory=list)
    checkpoints: Checkpoints | None = None

    def commit_before_handover(self) -> bool:
        self.calls.append("commit")
        return self.can_commit

    def save_before_handover(self, partitions: Sequence[Partition]) -> None:
        self.calls.append("save")
        self.saved.append([partition.number for partition in partitions])

    def abandon_uncommitted(self) -> None:
        self.calls.append("abandon")

    def forget(self, partition: Partition) -> None:
        self.calls.append("forget")
        self.forgotten.append(partition.number)
        if self.checkpoints is not None:
            self.checkpoints.forget(partition)


class Member:
    """One member of the group: its assignment, its source, its checkpoints."""

    def __init__(
        self,
        root: Path,
        settings: Settings = SETTINGS,
        partitions: int = 4,
        backfill: Backfill | None = None,
    ) -> None:
        metrics = new_metrics()
        self.objects = WatchedObjects(FolderObjects(root))
        self.store = CheckpointStore(self.objects)
        self.source = FakeSource(partitions)
        self.handover = RecordingHandover()
        self.assignment = Assignment(settings, PARAMETERS, self.store, self.handover, metrics, backfill)
        self.assignment.source = self.source  # type: ignore[assignment] # -- the part of it that is asked
        self.writer = CheckpointWriter(self.store)
        self.checkpoints = Checkpoints(
            self.store,
            self.writer,
            self.assignment.partition_id,
            PARAMETERS,
            FINGERPRINT,
            30.0,
            metrics,
        )
        self.handover.checkpoints = self.checkpoints

    def assign(self, *numbers: int) -> dict[int, int]:
        """The group's decision; partition to the offset that reading starts from."""
        placed = self.assignment.on_assigned([TopicPartition(TOPIC, number) for number in numbers])
        assert all(place.topic == TOPIC for place in placed)
        return {place.partition: place.offset for place in placed}

    def revoke(self, *numbers: int) -> None:
        self.assignment.on_revoked([TopicPartition(TOPIC, number) for number in numbers])

    def lose(self, *numbers: int) -> None:
        self.assignment.on_lost([TopicPartition(TOPIC, number) for number in numbers])

    def __getitem__(self, number: int) -> Partition:
        partition = self.assignment.get(TOPIC, number)
        assert partition is not None, f"partition {number} is not held"
        return partition

    def states(self) -> dict[int, PartitionState]:
        return {partition.number: partition.state for partition in self.assignment}

    def load(self, *numbers: int) -> None:
        """What the loop does for a partition that is loading."""
        for number in numbers:
            self.checkpoints.load(self[number])
            self[number].loaded()

    def feed(self, number: int, until: int) -> None:
        """Let the partition learn its events before offset ``until``, as the loop does."""
        partition = self[number]
        assert partition.accepts_events
        learn(partition.table, EVENTS[partition.next_offset : until])
        partition.next_offset = until
        if partition.state is PartitionState.REPLAYING and until >= partition.publish_from:
            partition.caught_up()

    def commit(self, *numbers: int) -> None:
        """Make what these partitions have learned the group's."""
        for number in numbers:
            self[number].committed = self[number].next_offset
            self.source.offsets[TOPIC, number] = self[number].next_offset


def name_of(number: int) -> PartitionId:
    return PartitionId(GROUP, TOPIC, number)


def write_checkpoint(
    store: CheckpointStore, number: int, offset: int, events: Sequence[Event] = EVENTS, **heading: object
) -> Manifest:
    """A checkpoint of a partition after its events before ``offset``, as an earlier owner left it."""
    return write_states(
        store,
        states_of(twin_of(events[:offset])),
        offset=offset,
        partition=name_of(number),
        fingerprint=FINGERPRINT,
        **heading,
    )


def damage(store: CheckpointStore, number: int, manifest: Manifest) -> None:
    """Flip a bit in the index of the checkpoint's newest segment."""
    change_object(store, f"{folder_of(name_of(number))}/{manifest.segments[-1].name}", flip(-20))


def damage_states(store: CheckpointStore, number: int, manifest: Manifest) -> None:
    """Flip a bit in every key's state in the newest segment, whose index stays sound."""
    index = store.indexes(manifest)[-1]
    for start in index.start.tolist():
        change_object(store, f"{folder_of(name_of(number))}/{index.segment.name}", flip(start))
