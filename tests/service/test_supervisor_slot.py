"""The place of one worker."""

from __future__ import annotations

import sys

import pytest

from stream_rcf.service.supervisor_process import WorkerProcess
from stream_rcf.service.supervisor_slot import Slot
from stream_rcf.settings.model import Settings
from tests.service.endpoint_support import wait_until


def process() -> WorkerProcess:
    return WorkerProcess(Settings(workers=2), 1, lambda _tie: [sys.executable, "-c", "input()"])


def test_a_place_counts_its_restarts_and_knows_its_deadline() -> None:
    slot = Slot(1)
    assert (slot.state().restarts, slot.state().seconds_since_start, slot.next_deadline) == (0, None, None)
    slot.begin(process())
    assert slot.state().restarts == 0
    assert slot.next_deadline is None
    slot.ask_to_end(30.0)
    deadline = slot.next_deadline
    assert deadline is not None
    slot.ask_to_end(60.0)
    assert slot.next_deadline == deadline, "asked once"
    wait_until(lambda: slot.process is not None and slot.process.exit_code() is not None)
    assert slot.end() >= 0.0
    slot.wait_for_restart("was ended by SIGKILL", 5.0)
    assert slot.state().why_down == "was ended by SIGKILL"
    assert slot.next_deadline == slot.start_at
    slot.cancel_restart()
    assert slot.next_deadline is None
    second = process()
    slot.begin(second)
    assert slot.state().restarts == 1
    assert slot.state().why_down is None
    second.kill()
    wait_until(lambda: second.exit_code() is not None)
    slot.end()


def test_an_empty_place_cannot_end() -> None:
    with pytest.raises(AssertionError, match="worker 1 does not run"):
        Slot(1).end()
