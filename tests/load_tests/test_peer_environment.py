from __future__ import annotations

from pathlib import Path

import pytest

from load_tests.forest import peer_environment
from load_tests.forest.peer_environment import peer_python
from tests.support.machine import MissingPartError


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock that asks for nothing, and a folder of its own for the environment."""
    lock = tmp_path / "empty.lock"
    lock.write_text("")
    monkeypatch.setattr(peer_environment, "LOCK", lock)
    monkeypatch.setattr(peer_environment, "FOLDER", tmp_path / "bench")
    return lock


def test_the_environment_is_made_once_for_each_lock(lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the installer, which takes seconds: the next test runs the real one."""
    commands: list[list[str]] = []

    def run(command: list[str]) -> None:
        commands.append(command)
        python = peer_environment.FOLDER / "bin" / "python"
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()

    monkeypatch.setattr(peer_environment, "_run", run)
    assert peer_python() == peer_python() == peer_environment.FOLDER / "bin" / "python"
    assert [command[1:3] for command in commands] == [["-m", "venv"], ["-m", "pip"]]
    assert {"--require-hashes", str(lock)} <= set(commands[1])

    (peer_environment.FOLDER / "of the first").touch()
    lock.write_text("# another\n")
    peer_python()
    assert len(commands) == 4
    assert not (peer_environment.FOLDER / "of the first").exists()


def test_an_environment_that_cannot_be_made_says_what_failed_and_is_not_taken_for_whole(lock: Path) -> None:
    lock.write_text("this is no requirement\n")

    for _ in range(2):
        with pytest.raises(
            MissingPartError, match=r"pip install [^$]*empty\.lock\n[^$]*this is no requirement"
        ):
            peer_python()
