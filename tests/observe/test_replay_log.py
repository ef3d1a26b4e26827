"""The log of a replay: how much, how far, how long."""

from __future__ import annotations

import logging

import pytest

from stream_rcf.observe.replay_log import PROGRESS_SECONDS, ReplayLog


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, dict[str, object]]]:
    """What was logged so far, message and context; looked at late."""
    caplog.set_level(logging.INFO)
    return Lines(caplog)


class Lines(list):
    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    def take(self) -> list[tuple[str, dict[str, object]]]:
        found = [(record.message, record.context) for record in self._caplog.records]
        self._caplog.clear()
        return found


def test_begin_progress_and_end_are_said(lines: Lines) -> None:
    clock = Clock()
    log = ReplayLog(clock)
    where = {"topic": "events", "partition": 3}
    log.remaining("events", 3, 4000)
    assert lines.take() == [("replaying what was already published", {**where, "events": 4000})]
    clock.now += PROGRESS_SECONDS / 2
    log.remaining("events", 3, 3000)
    assert lines.take() == []
    clock.now += PROGRESS_SECONDS / 2
    log.remaining("events", 3, 2000)
    assert lines.take() == [("still replaying", {**where, "events": 2000, "seconds_left": 10})]
    clock.now += 7.25
    log.remaining("events", 3, 0)
    assert lines.take() == [("replayed; the partition is live", {**where, "events": 4000, "seconds": 17.2})]
    log.remaining("events", 3, 0)
    assert lines.take() == []


def test_one_that_does_not_move_gives_no_forecast(lines: Lines) -> None:
    clock = Clock()
    log = ReplayLog(clock)
    log.remaining("events", 3, 10)
    clock.now += PROGRESS_SECONDS
    log.remaining("events", 3, 10)
    assert lines.take()[-1][1]["seconds_left"] is None


def test_a_partition_that_left_is_forgotten(lines: Lines) -> None:
    log = ReplayLog(Clock())
    log.remaining("events", 3, 10)
    log.forget("events", 3)
    log.forget("events", 4)
    lines.take()
    log.remaining("events", 3, 0)
    assert lines.take() == []
