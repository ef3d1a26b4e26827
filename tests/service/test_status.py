"""The alarm about memory: once per step of growth, not once per second."""

from __future__ import annotations

import pytest

from stream_rcf.service.status import MemoryAlarm

MEGABYTE = 2**20


def test_the_alarm_is_raised_above_the_limit_and_again_after_growth(caplog: pytest.LogCaptureFixture) -> None:
    alarm = MemoryAlarm(100 * MEGABYTE)
    for megabytes in (50, 100):
        alarm.check(megabytes * MEGABYTE)
    assert caplog.records == []
    for megabytes in (101, 101, 105, 120):
        alarm.check(megabytes * MEGABYTE)
    assert [record.getMessage()[:24] for record in caplog.records] == [
        "the keys take 101 MB, mo",
        "the keys take 120 MB, mo",
    ]
