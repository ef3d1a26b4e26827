"""Names of folders in a store: ``<group>/<topic>/<partition>``, encoded so that none leads elsewhere."""

from __future__ import annotations

from urllib.parse import quote, unquote

from stream_rcf.errors import UsageError
from stream_rcf.state.manifest import PartitionId

_MAXIMUM_NAME_BYTES = 255  # of one name in a folder, on every usual file system


def folder_of(partition: PartitionId) -> str:
    """Where a partition's checkpoints lie."""
    return f"{folder_name(partition.group)}/{folder_name(partition.topic)}/{partition.partition}"


def folder_name(name: str) -> str:
    """Make a group's or topic's name one name in a folder, reversible by percent-decoding.

    Raises ``UsageError`` for a name that fits no folder: empty, too long, or not writable as UTF-8.
    """
    try:
        encoded = quote(name, safe="")
    except UnicodeEncodeError as error:
        raise UsageError(f"{name!r} cannot name a folder of checkpoints: it is not valid Unicode") from error
    if encoded in (".", ".."):
        encoded = encoded.replace(".", "%2E")
    if not 0 < len(encoded) <= _MAXIMUM_NAME_BYTES:
        raise UsageError(
            f"{name[:40]!r} cannot name a folder of checkpoints: percent-encoded it has {len(encoded)}"
            f" characters, and 1 to {_MAXIMUM_NAME_BYTES} are possible"
        )
    return encoded


def name_of_folder(folder: str) -> str | None:
    """The name that ``folder_name`` made a folder of; ``None`` for a folder that is not ours."""
    try:
        name = unquote(folder, errors="strict")
        return name if folder_name(name) == folder else None
    except (UnicodeDecodeError, UsageError):
        return None


def number_of_folder(folder: str) -> int | None:
    """The partition whose folder it is; ``None`` for a folder that is not ours."""
    is_number = folder.isascii() and folder.isdigit() and str(int(folder)) == folder
    return int(folder) if is_number else None
