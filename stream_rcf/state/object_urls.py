"""From ``checkpoint.url``, and other options like it, to the objects they name."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from urllib.parse import unquote, urlsplit

from stream_rcf.errors import UsageError
from stream_rcf.state.bucket_url import SCHEMES, parse_bucket_url
from stream_rcf.state.folder_objects import FolderObjects
from stream_rcf.state.objects import Objects

_ADVICE = "write file:./checkpoints, file:///var/lib/stream-rcf, s3://bucket/prefix, gs://... or az://..."
_FOLDER_ADVICE = "write file:./checkpoints or file:///var/lib/stream-rcf"


def open_objects(url: str, option: str = "checkpoint.url") -> Objects:
    """Make the objects that ``url`` names, which ``option`` gave; nothing is read, created or asked of a network yet.

    ``file:./relative``, ``file:/absolute`` and ``file:///absolute`` are folders, ``s3:``, ``gs:`` and ``az:``
    buckets; a character that a URL reserves is written percent-encoded. Raises ``UsageError`` for anything else,
    and where a bucket is named but the extra ``cloud`` is not installed. No error repeats what may be a credential.
    """
    scheme = url.partition(":")[0].lower() if ":" in url else ""
    if scheme in SCHEMES:
        return _bucket(url, option)
    if scheme != "file":
        raise UsageError(f"{option} {_shown(url)} begins with none of file:, s3:, gs:, az: - {_ADVICE}")
    return FolderObjects(_folder(url, option))


def _bucket(url: str, option: str) -> Objects:
    parse_bucket_url(url, option)  # a wrong URL is the more useful complaint where the extra is missing too
    if importlib.util.find_spec("obstore") is None:
        raise UsageError(
            f"{option} {_shown(url)} names a bucket, which needs obstore: install stream-rcf[cloud]"
        )
    from stream_rcf.state.cloud_objects import (
        CloudObjects,
    )  # obstore is not everywhere, and takes time to load

    return CloudObjects(url)


def _folder(url: str, option: str) -> Path:
    try:
        parts = urlsplit(url)
    except ValueError:  # it may quote the URL, and would stay attached to an error raised here
        parts = None
    if parts is None:
        raise UsageError(f"{option} {_shown(url)} is not a URL: {_FOLDER_ADVICE}")
    if parts.netloc not in ("", "localhost"):
        raise UsageError(
            f"{option} {_shown(url)} names a host, but a folder is on this one: {_FOLDER_ADVICE}"
        )
    if parts.query or parts.fragment:
        raise UsageError(f"{option} {_shown(url)}: in the name of a folder, write ? as %3F and # as %23")
    path = unquote(parts.path)
    if not path or "\0" in path:
        raise UsageError(f"{option} {_shown(url)} names no folder: {_FOLDER_ADVICE}")
    return Path(path)


def _shown(url: str) -> str:
    """The URL for a message, or, where it may hold a credential, its scheme at most."""
    if "@" not in url and "?" not in url and "#" not in url:
        return repr(url)
    scheme, colon, _ = url.partition(":")
    return f"({scheme}: and more)" if colon and scheme.isalnum() and len(scheme) <= 8 else "(not repeated)"
