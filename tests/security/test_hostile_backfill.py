"""A saved state from an untrusted place is refused in a sentence: it runs nothing and takes no memory."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from tests.security.test_hostile_checkpoints import climbing, halved, huge, inspect, nested, noise, pickled
from tests.support.service import COMMAND

EVENTS = 200


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that ``stream-rcf score`` has written."""
    folder = tmp_path_factory.mktemp("honest")
    source = folder / "history.jsonl"
    lines = [orjson.dumps({"key": f"host-{n % 5}", "timestamp": n, "value": n % 7}) for n in range(EVENTS)]
    source.write_bytes(b"\n".join(lines))
    url = (folder / "state").as_uri()
    small = ("--set", "forest.trees=5", "--set", "forest.sample_size=32")
    done = subprocess.run(
        [*COMMAND, "score", str(source), "--out", str(folder / "out.csv"), "--save-state", url, *small],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder / "state"


@pytest.mark.parametrize("harm", [nested, pickled, noise, halved, huge, climbing])
def test_no_file_of_it_is_believed(state: Path, tmp_path: Path, harm: Callable[[Path, Path], None]) -> None:
    honest = inspect(state)
    assert honest.returncode == 0, honest.stderr
    mark = tmp_path / "mark"
    names = sorted(path.relative_to(state) for path in state.rglob("*") if path.is_file())
    assert len(names) == 2
    harmed = 0
    for name in names:
        copy = tmp_path / "copy"
        shutil.copytree(state, copy)
        before = (copy / name).read_bytes()
        harm(copy / name, mark)
        if harm is huge or (copy / name).read_bytes() != before:
            harmed += 1
            done = inspect(copy)
            said = done.stdout + done.stderr
            assert done.returncode == 1, said[-3000:]
            assert "corrupt: " in said
            assert "Traceback" not in said, said[-3000:]
            assert "an unexpected error" not in said, said[-3000:]
        shutil.rmtree(copy)
    assert harmed > 0
    assert not mark.exists(), "nothing was run"
