"""How much memory this process may use: the container's limit where there is one, else the machine's."""

from __future__ import annotations

import os
from pathlib import Path

BYTES_PER_MEGABYTE = 2**20
SHARE_FOR_KEYS = (
    3,
    4,
)  # three quarters; the interpreter, the Kafka client's queues and its batches need the rest
SMALLEST_LIMIT_MB = 16  # below this not even a few keys of the default forest fit


def default_memory_limit_mb() -> int:
    """Return three quarters of the memory available, in MB of 2**20 bytes."""
    numerator, denominator = SHARE_FOR_KEYS
    return max(available_memory_bytes() * numerator // denominator // BYTES_PER_MEGABYTE, SMALLEST_LIMIT_MB)


def available_memory_bytes(root: Path = Path("/")) -> int:
    """Return the least of the machine's memory and every cgroup limit (version 1 or 2) above this process.

    ``root`` is where ``proc`` and ``sys`` are found.
    """
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *_cgroup_limits(root)])


def _cgroup_limits(root: Path) -> list[int]:
    memberships = _read(root / "proc/self/cgroup")
    if memberships is None:  # not Linux
        return []
    limits: list[int] = []
    for line in memberships.splitlines():
        hierarchy, controllers, path = line.split(":", 2)
        if hierarchy == "0" and not controllers:
            limits += _limits_above(root / "sys/fs/cgroup", path, "memory.max")
        elif "memory" in controllers.split(","):
            limits += _limits_above(root / "sys/fs/cgroup/memory", path, "memory.limit_in_bytes")
    return limits


def _limits_above(mount: Path, path: str, name: str) -> list[int]:
    """Collect the limits of a group and of all groups it lies in.

    Inside a container ``path`` may name a group that only the host can see; the mount's own file then holds.
    """
    steps = [step for step in path.split("/") if step not in {"", "..", "."}]
    texts = [_read(mount.joinpath(*steps[:depth], name)) for depth in range(len(steps) + 1)]
    return [int(text) for text in texts if text is not None and text.strip().isdigit()]  # "max" is no limit


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return None
