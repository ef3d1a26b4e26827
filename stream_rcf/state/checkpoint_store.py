"""Checkpoints in a store of objects: immutable segments and numbered manifests in ``<group>/<topic>/<partition>/``."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from stream_rcf.errors import CheckpointError
from stream_rcf.state.manifest import (
    MAXIMUM_MANIFEST_BYTES,
    Manifest,
    ManifestList,
    PartitionId,
    decode_manifest,
    manifest_name,
    manifest_number,
    segment_number,
)
from stream_rcf.state.names import folder_name, folder_of, name_of_folder, number_of_folder
from stream_rcf.state.object_urls import open_objects
from stream_rcf.state.objects import ObjectMissingError, Objects
from stream_rcf.state.segment_folder import SegmentFolder
from stream_rcf.state.segments import SegmentIndex

KEPT_CHECKPOINTS = 2  # the newest may be damaged, or ahead of an offset that was set back
# Older manifests stay a while, without their segments: a listing that lags behind then still leads to the newest, and
# no number is given twice.
KEPT_MANIFESTS = 64
_MOST_UNLISTED = 10_000  # newer than a listing says; more than a store can have withheld


class CheckpointStore:
    """Checkpoints of many partitions, shared by many processes. All methods may be called from any thread.

    Each may raise ``StoreUnreachableError``. ``clock`` gives epoch seconds and is replaced in tests.
    """

    def __init__(self, objects: Objects, clock: Callable[[], float] = time.time) -> None:
        self.objects = objects
        self.clock = clock

    def require(self) -> None:
        """Raise ``StoreUnreachableError`` where the store is not there or not ours to read."""
        self.objects.folders("")

    def where(self, partition: PartitionId, name: str = "") -> str:
        """A partition's folder, or an object in it, for messages."""
        return f"{self.objects.root}/{folder_of(partition)}" + (f"/{name}" if name else "")

    def partitions(self) -> list[PartitionId]:
        """Every partition that has a folder here, in order; other folders are not ours."""
        found: list[PartitionId] = []
        for group_folder in self.objects.folders(""):
            group = name_of_folder(group_folder)
            if group is None:
                continue
            for topic_folder in self.objects.folders(group_folder):
                topic = name_of_folder(topic_folder)
                if topic is not None:
                    found += self.partitions_of(group, topic)
        return sorted(found)

    def partitions_of(self, group: str, topic: str) -> list[PartitionId]:
        """The partitions of one topic, as one group reads it, that have a folder here, in order."""
        folders = self.objects.folders(f"{folder_name(group)}/{folder_name(topic)}")
        numbers = [number for folder in folders if (number := number_of_folder(folder)) is not None]
        return [PartitionId(group, topic, number) for number in sorted(numbers)]

    def manifests(self, partition: PartitionId) -> ManifestList:
        """A partition's newest checkpoints, newest first, at most ``KEPT_CHECKPOINTS`` that can be read."""
        folder = folder_of(partition)
        numbers = self._numbers(folder)
        manifests: list[Manifest] = []
        problems: list[str] = []
        for number in numbers:
            if len(manifests) == KEPT_CHECKPOINTS:
                break
            try:
                manifests.append(self._manifest(partition, number))
            except ObjectMissingError:
                continue  # a writer that finished newer ones tidied up meanwhile
            except CheckpointError as error:
                problems.append(str(error))
        return ManifestList(manifests, problems, numbers[0] if numbers else 0)

    def _numbers(self, folder: str) -> list[int]:
        """Numbers of all manifests, newest first: those listed, and any that a late listing does not show yet."""
        listed = {
            number for name in self.objects.list(folder) if (number := manifest_number(name)) is not None
        }
        newest = max(listed, default=0)
        for number in range(newest + 1, newest + _MOST_UNLISTED):
            try:
                self.objects.read(f"{folder}/{manifest_name(number)}", MAXIMUM_MANIFEST_BYTES)
            except ObjectMissingError:
                break
            except CheckpointError:
                pass  # too large to be one of ours; who reads it in earnest says so
            listed.add(number)
        return sorted(listed, reverse=True)

    def _manifest(self, partition: PartitionId, number: int) -> Manifest:
        name = manifest_name(number)
        data = self.objects.read(f"{folder_of(partition)}/{name}", MAXIMUM_MANIFEST_BYTES)
        return decode_manifest(data, partition, number, self.where(partition, name))

    def indexes(self, manifest: Manifest) -> list[SegmentIndex]:
        """Where each key stands, by segment, oldest first. Raises ``CheckpointError`` for what was not written so."""
        return self._segments(manifest.partition).indexes(manifest.segments)

    def payloads(self, partition: PartitionId, index: SegmentIndex, rows: Sequence[int]) -> list[bytes]:
        """The states in these frames of a segment, each checked. Raises ``CheckpointError``."""
        return self._segments(partition).payloads(index, rows)

    def verify(self, manifest: Manifest) -> None:
        """Read a whole checkpoint and check every byte. Raises ``CheckpointError`` saying what is wrong."""
        keys = self._segments(manifest.partition).verify(manifest.segments, manifest.fingerprint)
        if len(keys) != manifest.keys:
            raise CheckpointError(
                f"checkpoint {manifest.number} in {self.where(manifest.partition)} is corrupt: its segments hold"
                f" {len(keys)} keys, but its manifest says {manifest.keys}"
            )

    def _segments(self, partition: PartitionId) -> SegmentFolder:
        return SegmentFolder(self.objects, folder_of(partition))

    def remove_superseded(self, partition: PartitionId) -> None:
        """Keep the newest checkpoints, and remove all objects of the partition that no kept manifest names.

        A segment written for a number that is still free may be a living writer's and stays. So does every segment
        while a manifest among the newest cannot be read: nobody knows which ones it names.
        """
        found = self.manifests(partition)
        if found.problems or not found.manifests:
            return
        folder = folder_of(partition)
        named = {segment.name for manifest in found.manifests for segment in manifest.segments}
        for name in self.objects.list(folder):
            number, attempt = manifest_number(name), segment_number(name)
            outdated = number is not None and number <= found.newest_number - KEPT_MANIFESTS
            unnamed = attempt is not None and attempt <= found.newest_number and name not in named
            if outdated or unnamed:
                self.objects.remove(f"{folder}/{name}")


def open_store(url: str) -> CheckpointStore:
    """The store that ``checkpoint.url`` names; nothing is read or created yet. Raises ``UsageError``."""
    return CheckpointStore(open_objects(url))
