"""The committed locks pin everything by hash, agree with one another and with pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from tests.support.machine import ROOT

PIN = re.compile(r"^([a-z0-9-]+)==([^ ;\\]+)((?: ;[^\\]*)?)", re.MULTILINE)


def pins(lock: Path) -> dict[tuple[str, str], str]:
    """The version of each (package, condition) of a lock."""
    return {
        (name, condition.strip()): version
        for name, version, condition in PIN.findall(lock.read_text("utf-8"))
    }


def unhashed(text: str) -> list[str]:
    """The packages of a lock that an installer could not check."""
    blocks = re.split(r"\n(?=[a-z0-9])", text)
    return [block.split()[0] for block in blocks if "==" in block and "--hash=sha256:" not in block]


# The groups of the benchmark's peers, which have locks and environments of their own.
BENCH = {"bench": "requirements-bench.lock", "bench-quix": "requirements-quix.lock"}


def required() -> set[str]:
    """What pyproject.toml asks for itself: for running, for the extras, for development."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    asked = [*project["project"]["dependencies"]]
    for extra in project["project"]["optional-dependencies"].values():
        asked += extra
    for name, group in project["dependency-groups"].items():
        asked += [entry for entry in group if isinstance(entry, str) and name not in BENCH]
    return names(asked)


def names(requirements: list[str]) -> set[str]:
    """The packages without their versions."""
    return {re.split(r"[<>=~! \[]", entry)[0].lower() for entry in requirements}


def test_every_pin_has_hashes() -> None:
    for lock in sorted(ROOT.glob("requirements*.lock")):
        text = lock.read_text("utf-8")
        assert unhashed(text) == []
        assert "://" not in text, f"{lock.name} names an address"


def test_a_pin_without_hashes_is_seen() -> None:
    assert unhashed("a==1 \\\n    --hash=sha256:00\nb==2\nc==3 ; x < '3' \\\n    --hash=sha256:00\n") == [
        "b==2"
    ]


def test_the_lock_has_everything_that_is_required() -> None:
    locked = {name for name, _ in pins(ROOT / "requirements.lock")}

    assert required() - locked == set()


def test_the_bench_lock_has_the_peers() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    for group, lock in BENCH.items():
        locked = {name for name, _ in pins(ROOT / lock)}

        assert names(project["dependency-groups"][group]) - locked == set()


def test_the_image_runs_the_versions_that_are_tested() -> None:
    everything = pins(ROOT / "requirements.lock")
    runtime = pins(ROOT / "requirements-runtime.lock")

    assert len(runtime) > 5
    assert {key: version for key, version in runtime.items() if everything.get(key) != version} == {}
