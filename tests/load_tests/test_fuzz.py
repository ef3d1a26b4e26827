"""A short fuzz of everything, and proof that the fuzzer sees what it is there for."""

from __future__ import annotations

from pathlib import Path

import pytest

from load_tests.fuzz.__main__ import fuzz
from load_tests.fuzz.mutation import LONGEST, Mutator
from load_tests.fuzz.targets import Finding, Target, all_targets

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
