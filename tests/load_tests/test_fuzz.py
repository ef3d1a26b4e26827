"""A short fuzz of everything, and proof that the fuzzer sees what it is there for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from load_tests.fuzz.__main__ import fuzz
from load_tests.fuzz.mutation import LONGEST, Mutator
from load_tests.fuzz.targets import Finding, Target, all_targets
from tests.support.machine import ROOT

TARGETS = {target.name: target for target in all_targets()}


@pytest.mark.parametrize("name", list(TARGETS))
def test_every_mutated_input_is_answered(name: str, tmp_path: Path) -> None:
    inputs = 20_000 if name.startswith("decoder") else 2_000
    assert fuzz(TARGETS[name], inputs, seed=20261128, folder=tmp_path)


def test_the_same_seed_makes_the_same_inputs_of_bounded_length() -> None:
    first, again, other = (Mutator([b'{"value": 1}', b"x" * 90_000], seed) for seed in (1, 1, 2))
    inputs = [first.next() for _ in range(500)]
    assert inputs == [again.next() for _ in range(500)]
    assert inputs != [other.next() for _ in range(500)]
    assert max(map(len, inputs)) <= LONGEST


@pytest.mark.parametrize("error", [Finding("wrong"), RecursionError("deep"), MemoryError()])
def test_a_wrong_answer_is_reported_and_its_input_kept(error: Exception, tmp_path: Path) -> None:
    def check(data: bytes) -> None:
        if b"NaN" in data:
            raise error

    assert not fuzz(Target("planted", [b'{"value": 1}'], check), 5_000, seed=1, folder=tmp_path)
    (kept,) = tmp_path.iterdir()
    assert b"NaN" in kept.read_bytes()


def test_a_finding_stops_the_clock_that_would_end_the_process(tmp_path: Path) -> None:
    program = f"""
import sys, time
from pathlib import Path
import load_tests.fuzz.__main__ as program
from load_tests.fuzz.targets import Target

program.HANG_SECONDS = 0.3

def check(data):
    if sys.argv[1] == "hangs":
        time.sleep(60)
    raise ValueError("planted")

assert not program.fuzz(Target("planted", [b"x"], check), 10, seed=1, folder=Path({str(tmp_path)!r}))
time.sleep(0.6)
print("alive")
"""
    found, hangs = (
        subprocess.run([sys.executable, "-c", program, word], cwd=ROOT, capture_output=True, check=False)
        for word in ("finding", "hangs")
    )
    assert (found.returncode, found.stdout) == (0, b"alive\n"), found.stderr
    assert (hangs.returncode, hangs.stdout) == (1, b"")
    assert b"Timeout" in hangs.stderr
    assert b"in check" in hangs.stderr
