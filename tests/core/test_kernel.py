"""Cached kernels are used exactly as long as no kernel's source has changed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from stream_rcf.core import kernel as kernel_module

RUN = """
import stream_rcf.core.kernel as kernel
{change}
from stream_rcf.core.arithmetic import log
log(2.0)
print(sum(log.stats.cache_hits.values()), sum(log.stats.cache_misses.values()))
"""


def hits_and_misses(cache: Path, change: str = "") -> list[int]:
    """Of one kernel's cache, in a process of its own; ``change`` runs before any kernel is declared."""
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(change=change)],
        env={**os.environ, "NUMBA_CACHE_DIR": str(cache)},
        capture_output=True,
        text=True,
        check=True,
    )
    return [int(word) for word in done.stdout.split()]


def test_a_second_process_finds_the_kernels_compiled(tmp_path: Path) -> None:
    assert hits_and_misses(tmp_path) == [0, 1]
    assert hits_and_misses(tmp_path) == [1, 0]


def test_a_change_in_any_source_compiles_every_kernel_again(tmp_path: Path) -> None:
    hits_and_misses(tmp_path)
    assert hits_and_misses(tmp_path, change="kernel.SOURCE_STAMP = 'of other sources'") == [0, 1]
    assert hits_and_misses(tmp_path, change="kernel.SOURCE_STAMP = 'of other sources'") == [1, 0]


def test_times_of_files_do_not_matter(tmp_path: Path) -> None:
    hits_and_misses(tmp_path)
    source = Path(kernel_module.__file__).with_name("arithmetic.py")
    before = source.stat()
    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns + 60 * 10**9))
    try:
        assert hits_and_misses(tmp_path) == [1, 0]
    finally:
        os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))
