from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stream_rcf.cli.main import main

COMMAND = [sys.executable, "-m", "stream_rcf", "demo"]
FIELDS = ["events_produced", "events_scored", "alerts", "dead_letters", "keys"]


def counts(output: str) -> dict[str, int]:
    """The last line of standard output, which is all of it."""
    (line,) = output.splitlines()
    found: dict[str, int] = json.loads(line)
    assert list(found) == FIELDS
    assert found["events_scored"] + found["dead_letters"] == found["events_produced"]
    return found


def test_twenty_seconds_show_alerts_and_account_for_every_event(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [*COMMAND, "--seconds", "20"], capture_output=True, text=True, check=False, env=environment
    )

    assert done.returncode == 0, done.stderr
    found = counts(done.stdout)
    assert found["keys"] == 20
    assert found["alerts"] > 0
    assert found["dead_letters"] > 0
    assert "proves nothing about delivery" in done.stderr
    assert "anomaly at" in done.stderr
    assert list(tmp_path.glob("stream-rcf-demo-*")) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_keyboard_ends_it_in_the_same_way(number: signal.Signals, tmp_path: Path) -> None:
    log = tmp_path / "display"
    with (
        log.open("wb") as stream,
        subprocess.Popen([*COMMAND, "--keys", "3"], stdout=subprocess.PIPE, stderr=stream, text=True) as demo,
    ):
        deadline = time.monotonic() + 120.0
        while "keys, all ready" not in log.read_text() and "keys ready" not in log.read_text():
            assert demo.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        demo.send_signal(number)
        output, _ = demo.communicate(timeout=120.0)

    assert demo.returncode == 0, log.read_text()
    assert counts(output)["keys"] == 3


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--seconds", "0"], "--seconds is 0, but must be between 1 and 604800"),
        (["--keys", "0"], "--keys is 0, but must be between 1 and 10000"),
        (["--rate", "nan"], "--rate is nan, but must be between 1 and 100000"),
        (["--rate", "fast"], "invalid float value: 'fast'"),
    ],
)
def test_arguments_out_of_range_are_refused(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", *arguments]) == 2
    assert complaint in capsys.readouterr().err
