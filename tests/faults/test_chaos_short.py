"""A short chaos run with the tests' own means: each kind of fault once, every output as in an undisturbed run."""

from __future__ import annotations

from pathlib import Path

from load_tests.chaos.driver import run_seed
from load_tests.chaos.extent import SHORT
from load_tests.chaos.faults import kinds_for
from load_tests.chaos.world import Parts

SEED = 20261127
PARTS = Parts(with_go=False, storage="file", protocol="classic")


def test_no_fault_loses_doubles_or_changes_an_output(tmp_path: Path) -> None:
    result = run_seed(SEED, SHORT, PARTS, tmp_path, print)

    assert result.problems == [], f"the logs are in {tmp_path}"
    assert result.verified == SHORT.events
    assert {recovery.kind for recovery in result.recoveries} == set(kinds_for(SHORT, PARTS))
    assert [recovery for recovery in result.recoveries if recovery.seconds is None] == []
