"""What may be deleted: manifests beyond a partition's newest two, segments that no kept manifest names."""

from __future__ import annotations

import os
from pathlib import Path

from stream_rcf.errors import CheckpointError
from stream_rcf.state.durable_files import TEMPORARY_SUFFIX, lock_if_abandoned, sync_folder
from stream_rcf.state.manifest import (
    MAXIMUM_MANIFEST_BYTES,
    Manifest,
    PartitionId,
    decode_manifest,
    manifest_name,
    manifest_number,
    segment_number,
)

KEPT_MANIFESTS = 2  # the newest may be damaged, or ahead of an offset that was set back


def manifest_numbers(folder: Path) -> list[int]:
    """Numbers of all manifests in a folder, readable or not, newest first; none where there is no folder."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    return sorted((number for number in map(manifest_number, names) if number is not None), reverse=True)


def read_manifest(folder: Path, partition: PartitionId, number: int) -> Manifest:
    """Read and check one manifest.

    Raises ``FileNotFoundError`` where it is gone and ``CheckpointError`` where it is not what was written.
    """
    path = folder / manifest_name(number)
    try:
        with open(path, "rb") as file:
            data = file.read(MAXIMUM_MANIFEST_BYTES + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MAXIMUM_MANIFEST_BYTES:
        raise CheckpointError(
            f"{path} is corrupt: a manifest never has more than {MAXIMUM_MANIFEST_BYTES} bytes"
        )
    return decode_manifest(data, partition, number, str(path))


def remove_superseded(folder: Path, partition: PartitionId) -> None:
    """Keep the two newest readable manifests and what they name. Raises ``OSError``.

    While an unreadable manifest is among those kept, no segment is deleted: nobody knows which ones it names.
    """
    kept: list[Manifest] = []
    superseded: list[int] = []
    unreadable = False
    for number in manifest_numbers(folder):
        if len(kept) == KEPT_MANIFESTS:
            superseded.append(number)
            continue
        try:
            kept.append(read_manifest(folder, partition, number))
        except CheckpointError:
            unreadable = True  # recovery reports it; here it only stays the hand
    for number in superseded:
        (folder / manifest_name(number)).unlink(missing_ok=True)
    if superseded:
        sync_folder(folder)  # no manifest may come back after a power cut when its segments do not
    if not unreadable:
        _remove_unnamed_segments(folder, kept)


def _remove_unnamed_segments(folder: Path, kept: list[Manifest]) -> None:
    named = {segment.name for manifest in kept for segment in manifest.segments}
    for name in os.listdir(folder):
        if segment_number(name) is None or name in named:
            continue
        with lock_if_abandoned(folder / name) as locked:
            if not locked:
                continue  # a living writer's, whose manifest is still to come
            if manifest_numbers(folder) != [manifest.number for manifest in kept]:
                return  # its manifest has just come: the next checkpoint tidies up
            (folder / name).unlink(missing_ok=True)


def remove_temporaries(folder: Path) -> None:
    """Delete files that writers left unfinished when they died. Raises ``OSError``."""
    for name in os.listdir(folder):
        if name.endswith(TEMPORARY_SUFFIX):
            with lock_if_abandoned(folder / name) as locked:
                if locked:
                    (folder / name).unlink(missing_ok=True)
