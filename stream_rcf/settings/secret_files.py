"""Settings by file, one file a setting: what Docker, Podman and Kubernetes mount as secrets.

A file is named like the environment variable, in either case (``stream_rcf_security__password``), and holds the value.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

DIRECTORY_VARIABLE = "STREAM_RCF_SECRETS_DIR"
DEFAULT_DIRECTORY = Path("/run/secrets")  # where Docker and Podman mount theirs
MOST_BYTES = 1_000_000  # of one value; far beyond any, and a bound on what is read by mistake


class SecretFile(NamedTuple):
    """A file with a setting's value, or with what was wrong with it."""

    path: Path
    text: str
    complaint: str | None = None


def secrets_directory(environment: Mapping[str, str]) -> Path | None:
    """Return the folder that ``STREAM_RCF_SECRETS_DIR`` names, else ``/run/secrets`` where there is one."""
    named = environment.get(DIRECTORY_VARIABLE)
    if named:
        return Path(named)
    return DEFAULT_DIRECTORY if DEFAULT_DIRECTORY.is_dir() else None


def secret_files(directory: Path, prefix: str) -> Iterator[SecretFile]:
    """Read the files whose names begin with ``prefix``, whatever their case, in the order of their names.

    One newline at the end is not part of the value: editors and ``echo`` leave it there. A folder that cannot be
    listed comes as a single file with a complaint.
    """
    try:
        names = sorted(os.listdir(directory))
    except OSError as error:
        yield SecretFile(directory, "", f"{directory}: the secrets cannot be listed: {error.strerror}")
        return
    for name in names:
        if name.upper().startswith(prefix):
            yield _read(directory / name)


def _read(path: Path) -> SecretFile:
    try:
        # Without O_NONBLOCK a named pipe would hold us until somebody writes to it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return SecretFile(path, "", f"{path}: is not a file, but should hold a setting's value")
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        return SecretFile(path, "", f"{path}: cannot be read: {error.strerror}")
    if len(content) > MOST_BYTES:
        return SecretFile(path, "", f"{path}: is larger than any setting, over {MOST_BYTES} bytes")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        return SecretFile(path, "", f"{path}: is not UTF-8 text (at its byte {error.start})")
    return SecretFile(path, text.removesuffix("\n").removesuffix("\r"))
