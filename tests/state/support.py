"""What the tests of checkpoints share: a partition, writing one checkpoint, reading it back, damaging it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from stream_rcf.state.checkpoint_build import CheckpointBuild, Heading
from stream_rcf.state.checkpoint_store import CheckpointStore
from stream_rcf.state.folder_objects import FolderObjects
from stream_rcf.state.manifest import Manifest, PartitionId
from stream_rcf.state.names import folder_of
from stream_rcf.state.objects import Objects
from stream_rcf.state.saved_keys import SavedKeys
from stream_rcf.state.segments import SavedKey
from tests.support.memory_objects import MemoryObjects

PARTITION = PartitionId("stream-rcf", "events", 3)
FOLDER = folder_of(PARTITION)
FINGERPRINT = "0123456789abcdef"
NOW = 1_767_225_600.5  # of the stores' clocks, which stand still


@dataclass(frozen=True)
class PlainSnapshot:
    """A key's state that is packed already."""

    packed: bytes
    last_event: int = 0

    @property
    def size(self) -> int:
        return len(self.packed)

    def pack(self) -> bytes:
        return self.packed


def store_of(objects: Objects) -> CheckpointStore:
    """A store whose clock stands still."""
    return CheckpointStore(objects, clock=lambda: NOW)


def memory_store() -> CheckpointStore:
    return store_of(MemoryObjects())


def folder_store(root: Path) -> CheckpointStore:
    return store_of(FolderObjects(root))


def open_saved(store: CheckpointStore, manifest: Manifest | None) -> SavedKeys:
    """Where the keys of a checkpoint are."""
    if manifest is None:
        return SavedKeys()
    return SavedKeys(store.indexes(manifest))


def begin_checkpoint(
    store: CheckpointStore,
    states: Mapping[str, bytes],
    *,
    offset: int = 0,
    base: Manifest | None = None,
    number: int | None = None,
    partition: PartitionId = PARTITION,
    fingerprint: str = FINGERPRINT,
    topic_partitions: int = 0,
    backfill: str = "",
    last_event: int = 0,
    feedback: str = "",
    alert_digest: str = "",
) -> CheckpointBuild:
    """A checkpoint that goes on from ``base``, with these keys, all of it but ``finish``."""
    continuation = open_saved(store, base).continuation(states)
    heading = Heading(
        partition,
        fingerprint,
        number or store.manifests(partition).newest_number + 1,
        offset,
        None if base is None else base.number,
        continuation.keys,
        topic_partitions,
        backfill,
        feedback,
        alert_digest,
    )
    build = CheckpointBuild(store, heading, continuation.kept)
    for key, payload in states.items():
        build.append(SavedKey(key, payload, last_event))
    for index, rows in continuation.carried:
        build.carry(index, rows)
    return build


def write_checkpoint(store: CheckpointStore, states: Mapping[str, bytes], **heading) -> Manifest:
    """Write one checkpoint; what it says beside ``states`` as for ``begin_checkpoint``."""
    return begin_checkpoint(store, states, **heading).finish()[0]


def read_back(store: CheckpointStore, manifest: Manifest) -> dict[str, bytes]:
    """All keys of a checkpoint, every byte verified."""
    store.verify(manifest)
    saved = open_saved(store, manifest)
    states: dict[str, bytes] = {}
    for key in saved.newest_first():
        frame = saved.frame(key)
        assert key not in states
        (states[key],) = store.payloads(manifest.partition, frame.segment, [frame.row])
    assert len(states) == manifest.keys
    return states


def names(store: CheckpointStore, partition: PartitionId = PARTITION) -> list[str]:
    """The objects of a partition, sorted."""
    return sorted(store.objects.list(folder_of(partition)))


def change_object(store: CheckpointStore, name: str, change: Callable[[bytes], bytes]) -> None:
    """Put other bytes in an object's place, which no writer of ours does."""
    data = store.objects.read(name, 2**40)
    store.objects.remove(name)
    store.objects.create(name, change(data))


def flip(position: int, bit: int = 0x10) -> Callable[[bytes], bytes]:
    """For ``change_object``: one bit is another."""

    def flipped(data: bytes) -> bytes:
        damaged = bytearray(data)
        damaged[position] ^= bit
        return bytes(damaged)

    return flipped


def manifest_at(
    offset: int,
    *,
    number: int = 1,
    fingerprint: str = FINGERPRINT,
    keys: int = 1,
    previous: int | None = None,
    topic_partitions: int = 0,
    backfill: str = "",
) -> Manifest:
    """A manifest without segments, for rules that look at nothing else."""
    created_at = int(NOW * 1000)
    return Manifest(
        PARTITION, number, offset, fingerprint, created_at, previous, keys, (), topic_partitions, backfill
    )
