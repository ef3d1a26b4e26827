"""Blocks that grow leave no gaps behind: counted by the operating system, in a process of its own."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

from stream_rcf.state import allocation
from stream_rcf.state.allocation import return_large_blocks

GROWING = """
import sys
from pathlib import Path
import numpy as np
from stream_rcf.state.allocation import return_large_blocks

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

if sys.argv[1] == "set":
    assert return_large_blocks()
kept = []
before = resident()
blocks = [np.ones(1, np.uint8) for _ in range(400)]
for size in range(70_000, 290_000, 20_000):
    for i in range(400):
        blocks[i] = np.ones(size, np.uint8)
        kept.append(np.ones(2_000, np.uint8))
held = sum(array.nbytes for array in blocks + kept)
print((resident() - before) / held)
"""


def resident_share(how: str) -> float:
    """The process's growth for each byte that it holds, after blocks have grown in steps."""
    done = subprocess.run(
        [sys.executable, "-c", GROWING, how], check=True, capture_output=True, text=True, timeout=300
    )
    return float(done.stdout)


def test_blocks_that_grow_take_no_more_than_they_hold() -> None:
    assert resident_share("set") < 1.06
    assert resident_share("unset") > 1.12, "then there is nothing to set"


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for library in (object(), type("Other", (), {"mallopt": staticmethod(lambda *_: 0)})()):
        monkeypatch.setattr(allocation.ctypes, "CDLL", lambda _name, found=library: found)
        assert not return_large_blocks()


def test_no_c_library_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_name: str | None) -> ctypes.CDLL:
        raise OSError("not here")

    monkeypatch.setattr(allocation.ctypes, "CDLL", refuse)
    assert not return_large_blocks()
