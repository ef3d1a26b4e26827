"""How a URL becomes a store of objects."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from stream_rcf.errors import UsageError
from stream_rcf.state.folder_objects import FolderObjects
from stream_rcf.state.objects import Objects


def open_objects(url: str) -> Objects:
    """Make the store that ``checkpoint.url`` names; nothing is read or created yet.

    ``file:./relative``, ``file:/absolute`` and ``file:///absolute`` are understood; a character that a URL
    reserves is written percent-encoded. Raises ``UsageError`` for anything else.
    """
    advice = "write file:./checkpoints or file:///var/lib/stream-rcf"
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise UsageError(f"checkpoint.url {url!r} is not a URL ({error}): {advice}") from error
    if parts.scheme in ("s3", "gs", "az"):
        raise UsageError(f"checkpoint.url {url!r}: this version keeps checkpoints in folders only: {advice}")
    if parts.scheme != "file":
        raise UsageError(f"checkpoint.url {url!r} does not begin with file: {advice}")
    if parts.netloc not in ("", "localhost"):
        raise UsageError(
            f"checkpoint.url {url!r} names the host {parts.netloc!r}, but a folder is on this one: {advice}"
        )
    if parts.query or parts.fragment:
        raise UsageError(f"checkpoint.url {url!r}: in the name of a folder, write ? as %3F and # as %23")
    path = unquote(parts.path)
    if not path or "\0" in path:
        raise UsageError(f"checkpoint.url {url!r} names no folder: {advice}")
    return FolderObjects(Path(path))
