from __future__ import annotations

import os
from pathlib import Path

import pytest

from stream_rcf.errors import UsageError
from stream_rcf.pipeline.calendar_limits import MAX_BYTES
from stream_rcf.settings.calendar_files import check_calendar, read_calendar
from stream_rcf.settings.model import load_with_origins
from tests.support.calendars import calendar


def test_a_file_is_read_whole_but_no_further_than_a_calendar_may_be_long(tmp_path: Path) -> None:
    path = tmp_path / "days.ics"
    path.write_bytes(calendar("DTSTART;VALUE=DATE:20260501"))
    assert read_calendar(path) == path.read_bytes()

    path.write_bytes(b" " * (3 * MAX_BYTES))
    assert len(read_calendar(path)) == MAX_BYTES + 1
    with pytest.raises(ValueError, match="must have at most 1048576 bytes"):
        check_calendar(path, "")


def test_what_is_no_file_that_can_be_read_holds_nobody_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    for path, words in (("pipe", "must be a file$"), ("none", "No such file"), ("", "Is a directory")):
        with pytest.raises(ValueError, match=words):
            read_calendar(tmp_path / path)


def test_check_config_says_which_calendar_cannot_be_used_and_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a longer path would be printed shortened
    Path("days.ics").write_bytes(calendar("DTSTART:20260501T100000Z\nDURATION:PT1H\nRRULE:FREQ=SECONDLY"))

    with pytest.raises(UsageError) as failure:
        load_with_origins(None, {"rules": '[{"name": "r", "calendar": "days.ics"}]'}, {})

    assert str(failure.value).split("\n  ")[1] == (
        "rules[0].calendar is 'days.ics' (--set), but must recur by the day or more slowly, not FREQ=SECONDLY: "
        "write the hours as FREQ=DAILY;BYHOUR=..."
    )
