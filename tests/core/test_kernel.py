"""Compiled kernels are used exactly as long as no kernel's source has changed, and from wherever they are."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba.core.errors import TypingError

from stream_rcf.core import kernel_cache
from stream_rcf.core.kernel import kernel

RUN = """
import stream_rcf.core.kernel_cache as kernel_cache
{change}
from stream_rcf.core.arithmetic import log
log(2.0)
log(2)
print(sum(log.stats.cache_hits.values()), sum(log.stats.cache_misses.values()))
"""
OTHER_SOURCES = "kernel_cache.source_stamp = lambda: 'of other sources'"


def command(cache: Path, change: str = "") -> tuple[list[str], dict[str, str]]:
    """A process that calls one kernel with two types; ``change`` runs before any kernel is declared."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "PYTHONWARNINGS": "always"}
    return [sys.executable, "-c", RUN.format(change=change)], environment


def hits_and_misses(cache: Path, change: str = "") -> list[int]:
    """Of the kernel's cache, in a process of its own."""
    arguments, environment = command(cache, change)
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return [int(word) for word in done.stdout.split()]


def without_privileges(arguments: list[str]) -> list[str]:
    """The same command bound by the permissions of files, which root is not."""
    if os.getuid() != 0:
        return arguments
    assert shutil.which("setpriv"), "setpriv is missing: apt-get install util-linux"
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *arguments]


def make_read_only(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))


def make_writable(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        path.chmod(path.stat().st_mode | stat.S_IWUSR)


def test_a_second_process_finds_the_kernels_compiled(tmp_path: Path) -> None:
    assert hits_and_misses(tmp_path) == [0, 2]
    assert hits_and_misses(tmp_path) == [2, 0]


def test_a_change_in_any_source_compiles_every_kernel_again_and_leaves_the_old_ones(tmp_path: Path) -> None:
    assert hits_and_misses(tmp_path) == [0, 2]
    assert hits_and_misses(tmp_path, OTHER_SOURCES) == [0, 2]
    assert hits_and_misses(tmp_path, OTHER_SOURCES) == [2, 0]
    assert hits_and_misses(tmp_path) == [2, 0]


def test_times_of_files_do_not_matter(tmp_path: Path) -> None:
    hits_and_misses(tmp_path)
    source = Path(kernel_cache.__file__).with_name("arithmetic.py")
    before = source.stat()
    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns + 60 * 10**9))
    try:
        assert hits_and_misses(tmp_path) == [2, 0]
    finally:
        os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_processes_that_start_together_all_work_and_leave_a_whole_cache(tmp_path: Path) -> None:
    arguments, environment = command(tmp_path)
    together = [
        subprocess.Popen(
            arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for process in together:
        output, errors = process.communicate(timeout=120)
        assert (process.returncode, errors) == (0, "")
        assert sum(int(word) for word in output.split()) == 2
    hits_and_misses(tmp_path)
    assert hits_and_misses(tmp_path) == [2, 0]
    assert not list(tmp_path.rglob("*.tmp.*"))


def test_forms_that_were_saved_at_once_never_take_each_other_s_code(tmp_path: Path) -> None:
    """Each process had loaded an index without the other's entry: numba would give both forms one file."""
    first = kernel_cache.KernelFile(str(tmp_path), "kernel", "stamp")
    second = kernel_cache.KernelFile(str(tmp_path), "kernel", "stamp")
    first.save(("of floats",), "code for floats")
    (tmp_path / "kernel.nbi").unlink()  # the second process looked before the first had saved
    second.save(("of integers",), "code for integers")
    assert second.load(("of integers",)) == "code for integers"
    assert first.load(("of floats",)) in {None, "code for floats"}
    first.save(("of floats",), "code for floats")
    assert (first.load(("of floats",)), first.load(("of integers",))) == (
        "code for floats",
        "code for integers",
    )


def test_a_full_cache_that_is_read_only_is_used(tmp_path: Path) -> None:
    hits_and_misses(tmp_path)
    make_read_only(tmp_path)
    arguments, environment = command(tmp_path)
    try:
        done = subprocess.run(
            without_privileges(arguments), env=environment, capture_output=True, text=True, check=True
        )
    finally:
        make_writable(tmp_path)
    assert (done.stdout.split(), done.stderr) == (["2", "0"], "")


def test_an_empty_cache_that_is_read_only_costs_one_warning(tmp_path: Path) -> None:
    make_read_only(tmp_path)
    arguments, environment = command(tmp_path)
    try:
        done = subprocess.run(
            without_privileges(arguments), env=environment, capture_output=True, text=True, check=True
        )
    finally:
        make_writable(tmp_path)
    assert done.stdout.split() == ["0", "2"]
    assert done.stderr.count("RuntimeWarning: compiled kernels can't be saved in") == 1
    assert "Set NUMBA_CACHE_DIR" in done.stderr


def test_a_kernel_outside_the_core_follows_its_own_file(tmp_path: Path) -> None:
    source = tmp_path / "outside.py"
    source.write_text("def f(x):\n    return x\n", encoding="utf-8")
    locator = kernel_cache.KernelLocator(kernel_cache.warn_once.__wrapped__, str(source))
    before = locator.get_source_stamp()
    source.write_text("def f(x):\n    return x + 1\n", encoding="utf-8")
    assert before != locator.get_source_stamp()


def test_a_kernel_cannot_make_an_array() -> None:
    """Numba's counts of references would cost more than the forest; without them there is nothing to allocate with."""

    def allocate(count: int) -> float:
        return np.zeros(count)[0]

    with pytest.raises(TypingError, match="Only accept returning of array passed into"):
        kernel(allocate)(3)


def test_compiled_kernels_are_found_where_they_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert not kernel_cache.are_kernels_compiled()

    kernel_cache.cache_folder().mkdir(parents=True)
    (kernel_cache.cache_folder() / "process.process_batch-131.nbi").touch()
    assert kernel_cache.are_kernels_compiled()
