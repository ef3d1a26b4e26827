"""What the tests of checkpoints share: a partition, writing one checkpoint, reading it back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stream_rcf.state.checkpoint_files import FileCheckpointStore
from stream_rcf.state.checkpoint_store import Manifest, PartitionId

PARTITION = PartitionId("stream-rcf", "events", 3)
FINGERPRINT = "0123456789abcdef"


@dataclass(frozen=True)
class PlainSnapshot:
    """A key's state that is packed already."""

    packed: bytes

    @property
    def size(self) -> int:
        return len(self.packed)

    def pack(self) -> bytes:
        return self.packed


def file_store(root: Path) -> FileCheckpointStore:
    """A store in ``root`` whose clock stands still."""
    return FileCheckpointStore(root, clock=lambda: 1_767_225_600.5)


def write_checkpoint(
    store: FileCheckpointStore,
    states: Mapping[str, bytes],
    *,
    offset: int = 0,
    base: Manifest | None = None,
    keep: bool = False,
    number: int | None = None,
    partition: PartitionId = PARTITION,
    fingerprint: str = FINGERPRINT,
) -> Manifest:
    """Write one checkpoint with these keys."""
    writer = store.begin(partition, fingerprint, base, number)
    for key, payload in states.items():
        writer.append(key, payload)
    return writer.finish(offset, keep_segments=keep)


def read_back(
    store: FileCheckpointStore, manifest: Manifest, partition: PartitionId = PARTITION
) -> dict[str, bytes]:
    """All keys of a checkpoint; a key that is yielded twice is an error."""
    states: dict[str, bytes] = {}
    for key, payload in store.read(partition, manifest):
        assert key not in states
        states[key] = payload
    return states


def names(store: FileCheckpointStore, partition: PartitionId = PARTITION) -> list[str]:
    """The files of a partition, sorted."""
    return sorted(os.listdir(store.folder(partition)))


def manifest_at(
    offset: int,
    *,
    number: int = 1,
    fingerprint: str = FINGERPRINT,
    keys: int = 1,
    previous: int | None = None,
) -> Manifest:
    """A manifest without segments, for rules that look at nothing else."""
    return Manifest(PARTITION, number, offset, fingerprint, 1_767_225_600_500, previous, keys, ())
