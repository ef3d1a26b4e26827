from __future__ import annotations

from pathlib import Path

import pytest

from load_tests.forest import peer_environment
from load_tests.forest.peer_environment import peer_python
from tests.support.machine import MissingPartError


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """A lock that asks for nothing."""
    lock = tmp_path / "empty.lock"
    lock.write_text("")
    return lock


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the environment is to be."""
    return tmp_path / "bench"


def test_the_environment_is_made_once_for_each_lock(
    lock: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the installer, which takes seconds: the next test runs the real one."""
    commands: list[list[str]] = []

    def run(command: list[str]) -> None:
        commands.append(command)
        python = folder / "bin" / "python"
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()

    monkeypatch.setattr(peer_environment, "_run", run)
    assert peer_python(lock, folder) == peer_python(lock, folder) == folder / "bin" / "python"
    assert [command[1:3] for command in commands] == [["-m", "venv"], ["-m", "pip"]]
    assert {"--require-hashes", str(lock)} <= set(commands[1])

    (folder / "of the first").touch()
    lock.write_text("# another\n")
    peer_python(lock, folder)
    assert len(commands) == 4
    assert not (folder / "of the first").exists()


def test_an_environment_that_cannot_be_made_says_what_failed_and_is_not_taken_for_whole(
    lock: Path, folder: Path
) -> None:
    lock.write_text("this is no requirement\n")

    for _ in range(2):
        with pytest.raises(
            MissingPartError, match=r"pip install [^$]*empty\.lock\n[^$]*this is no requirement"
        ):
            peer_python(lock, folder)
