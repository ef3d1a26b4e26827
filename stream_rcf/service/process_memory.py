"""What a worker's process takes before it has any keys, as far as one without a broker can tell."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

from stream_rcf.core.warmup import warm_up

# A worker that has scored a few events takes 14 MB more than a process that has only loaded the kernels: the client,
# the endpoints and the store are there, with their threads. The rest is for filled queues: the prefetch takes 16 MB.
AT_WORK_BYTES = 36 * 2**20


def process_bytes() -> int:
    """Bytes of a worker without keys: this process with its kernels loaded, and what a worker has beside.

    To be called before this process has grown keys of its own.
    """
    warm_up()
    return resident_bytes() + AT_WORK_BYTES


def resident_bytes() -> int:
    """Memory of this process that is in use: now on Linux, elsewhere the most it ever was."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024  # kB but on macOS
