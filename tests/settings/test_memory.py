from __future__ import annotations

from pathlib import Path

import pytest

from stream_rcf.settings import memory

HUGE = 9_223_372_036_854_771_712  # what version 1 reports where there is no limit


def machine(tmp_path: Path, memberships: str, limits: dict[str, str]) -> Path:
    files = {
        "proc/self/cgroup": memberships,
        **{f"sys/fs/cgroup/{name}": text for name, text in limits.items()},
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="ascii")
    return tmp_path


@pytest.mark.parametrize(
    ("memberships", "limits", "available"),
    [
        ("0::/a/b\n", {"a/b/memory.max": "4000000\n"}, 4_000_000),
        ("0::/a/b\n", {"a/b/memory.max": "max\n", "a/memory.max": "5000000\n"}, 5_000_000),
        ("0::/\n", {"memory.max": "6000000\n"}, 6_000_000),
        ("0::/only/on/the/host\n", {"memory.max": "7000000\n"}, 7_000_000),
        ("0::/../x\n", {"memory.max": "7000000\n"}, 7_000_000),
        (
            "5:cpu,cpuacct:/a\n4:memory:/a\n0::/\n",
            {"memory/a/memory.limit_in_bytes": "8000000\n", "memory/memory.limit_in_bytes": f"{HUGE}\n"},
            8_000_000,
        ),
    ],
)
def test_the_least_limit_above_the_process_counts(
    tmp_path: Path, memberships: str, limits: dict[str, str], available: int
) -> None:
    assert memory.available_memory_bytes(machine(tmp_path, memberships, limits)) == available


@pytest.mark.parametrize(
    ("memberships", "limits"),
    [("0::/a\n", {"a/memory.max": "max\n"}), ("4:memory:/\n", {"memory/memory.limit_in_bytes": str(HUGE)})],
)
def test_without_a_limit_the_machine_has_what_it_has(
    tmp_path: Path, memberships: str, limits: dict[str, str]
) -> None:
    whole = memory.available_memory_bytes(tmp_path / "not Linux")
    assert whole > 100_000_000
    assert memory.available_memory_bytes(machine(tmp_path, memberships, limits)) == whole


def test_the_default_is_three_quarters_but_never_less_than_a_key_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "available_memory_bytes", lambda: 4 * 2**30)
    assert memory.default_memory_limit_mb() == 3072
    monkeypatch.setattr(memory, "available_memory_bytes", lambda: 2**20)
    assert memory.default_memory_limit_mb() == memory.SMALLEST_LIMIT_MB
