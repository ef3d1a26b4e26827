"""A folder of checkpoints from an untrusted place is refused in a sentence: it runs nothing and takes no memory."""

from __future__ import annotations

import os
import pickle
import random
import resource
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.security.support import SMALL, produce
from tests.support.broker import KafkaBroker
from tests.support.service import COMMAND, Service, Topics, wait_for_outputs

ANSWER_SECONDS = 120.0
ROOM_BYTES = 4 * 2**30  # of addresses: libraries take two, so a gigabyte made up in a file does not fit often
EVENTS = 200


@pytest.fixture(scope="module")
def checkpoints(broker: KafkaBroker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that a service has written."""
    folder = tmp_path_factory.mktemp("honest")
    topics = Topics(broker, "honest", partitions=1)
    produce(topics, EVENTS)
    with Service(topics.environment(folder / "checkpoints", **SMALL), folder / "log") as service:
        wait_for_outputs(topics, EVENTS, [service])
        assert service.stop() == 0
    return folder / "checkpoints"


def inspect(folder: Path) -> subprocess.CompletedProcess[str]:
    """``stream-rcf checkpoint inspect`` in a process of bounded memory; fails when it does not come to an end."""

    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (ROOM_BYTES, ROOM_BYTES))

    return subprocess.run(
        [*COMMAND, "checkpoint", "inspect", folder.as_uri()],
        capture_output=True,
        text=True,
        check=False,
        timeout=ANSWER_SECONDS,
        preexec_fn=bound,
    )


class Runs:
    """What a pickle would run on being read."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self._mark}",)


def nested(file: Path, _mark: Path) -> None:
    file.write_bytes(b"[" * 1_000_000)


def pickled(file: Path, mark: Path) -> None:
    file.write_bytes(pickle.dumps(Runs(mark)))


def noise(file: Path, _mark: Path) -> None:
    file.write_bytes(random.Random(5).randbytes(file.stat().st_size))


def halved(file: Path, _mark: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def huge(file: Path, _mark: Path) -> None:
    os.truncate(file, 2**40)  # a terabyte that takes no room on the disk


def climbing(file: Path, _mark: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b"segment-", b"../../..", 1))


@pytest.mark.parametrize("harm", [nested, pickled, noise, halved, huge, climbing])
def test_no_file_of_it_is_believed(
    checkpoints: Path, tmp_path: Path, harm: Callable[[Path, Path], None]
) -> None:
    honest = inspect(checkpoints)
    assert honest.returncode == 0, honest.stderr
    mark = tmp_path / "mark"
    names = sorted(path.relative_to(checkpoints) for path in checkpoints.rglob("*") if path.stat().st_size)
    harmed = 0
    for name in names:
        copy = tmp_path / "copy"
        shutil.copytree(checkpoints, copy)
        if not (copy / name).is_file():
            shutil.rmtree(copy)
            continue
        before = (copy / name).read_bytes()
        harm(copy / name, mark)
        if harm is huge or (copy / name).read_bytes() != before:
            harmed += 1
            done = inspect(copy)
            said = done.stdout + done.stderr
            assert done.returncode != 0 or said != honest.stdout + honest.stderr, name
            assert "Traceback" not in said, said[-3000:]
            assert "an unexpected error" not in said, said[-3000:]
        shutil.rmtree(copy)
    assert harmed > 0
    assert not mark.exists(), "nothing was run"


def test_folders_with_names_that_climb_are_passed_over(checkpoints: Path, tmp_path: Path) -> None:
    """They are no names that a group or a topic of ours gets."""
    copy = tmp_path / "copy"
    shutil.copytree(checkpoints, copy)
    for odd in ("%2e%2e", "..%2f..%2fetc", "a\nb", "\x1b[2J"):
        (copy / odd / "x" / "0").mkdir(parents=True)
    done = inspect(copy)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == inspect(checkpoints).stdout.splitlines()[-1]
    assert "etc" not in done.stdout + done.stderr
    assert "\x1b" not in done.stdout + done.stderr
