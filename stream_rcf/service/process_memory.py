"""What a worker's process takes before it has any keys, as far as one without a broker can tell."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

from stream_rcf.core.warmup import warm_up

WORKER_MODULE = (
    "stream_rcf.service.run"  # brings all that a worker imports: the client, the endpoints, the store
)
# The clients' threads and queues at work, the endpoints, and what the allocator keeps beside: measured on workers that
# had scored a few events, 30 to 40 MB more than a process that has only loaded all of it.
AT_WORK_BYTES = 36 * 2**20


def process_bytes() -> int:
    """Bytes of a worker without keys: this process with all that a worker loads, and what comes with its work.

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
