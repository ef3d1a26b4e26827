from __future__ import annotations

import io
import os
import re

import pytest

from stream_rcf.demo.display import (
    LINE_SECONDS,
    REDRAW_SECONDS,
    Display,
    Snapshot,
    plain_lines,
    status_line,
    table_lines,
)
from stream_rcf.demo.outputs import Incident

ESCAPES = re.compile(r"\x1b\[[0-9?;]*[A-Za-z]")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def incident(number: int, severity: str = "critical", key: str = "web-01") -> Incident:
    timestamp = 1_767_225_600_000 + 60_000 * number
    return Incident(key, timestamp, "cpu", 42.5, 2.34, 0.9995, 1.0, severity, "above its usual 10 to 19")


def snapshot(incidents: list[Incident] | None = None, keys: int = 20, ready: int = 20) -> Snapshot:
    return Snapshot("running", 12.34, 4900, 401.2, 35, keys, ready, 4812, 61, 24, incidents or [])


@pytest.fixture(autouse=True)
def terminal_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("LINES", "30")
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_the_status_line_has_every_count() -> None:
    assert status_line(snapshot()) == (
        " 12.3 s | 401 events/s | lag 35 | 20 keys, all ready | scores 4,812 | alerts 61 | dead letters 24"
    )


def test_the_status_line_shows_how_far_models_have_learned() -> None:
    assert "| learning: 7 of 20 keys ready |" in status_line(snapshot(ready=7))
    assert "| waiting for the first score |" in status_line(snapshot(keys=0, ready=0))


def test_a_row_says_what_where_when_and_why() -> None:
    row = table_lines(snapshot([incident(1)]), width=120, height=30)[-1]

    said = "web-01 2026-01-01 00:01 cpu 42.5 2.34 0.999500 1.00 critical above its usual 10 to 19"
    assert " ".join(row.split()) == said


def test_the_table_fits_the_terminal_and_shows_the_latest_first() -> None:
    incidents = [incident(number) for number in range(30)]
    for width, height in ((60, 14), (120, 30), (200, 60)):
        lines = table_lines(snapshot(incidents), width, height)
        assert all(len(line) <= width for line in lines)
        assert len(lines) <= height
        assert "00:29" in lines[[line.startswith("host") for line in lines].index(True) + 1]


def test_the_table_says_that_the_broker_proves_nothing() -> None:
    text = " ".join(table_lines(snapshot(), 80, 30))

    assert "demo broker" in text
    assert "proves nothing about delivery" in text
    assert "no anomaly yet" in text


def test_the_next_drawing_takes_the_place_of_the_last() -> None:
    stream = Terminal()
    display = Display(stream)
    display.show(snapshot(), 0)
    lines = stream.getvalue().count("\n")
    display.show(snapshot(), 0)
    display.close()

    assert f"\x1b[{lines}A\x1b[J" in stream.getvalue()
    assert stream.getvalue().endswith("\x1b[?25h")
    assert display.interval == REDRAW_SECONDS


def test_what_is_said_stays_above_the_drawing() -> None:
    stream = Terminal()
    display = Display(stream)
    display.show(snapshot(), 0)
    stream.truncate(0)
    display.say("A sentence.")

    assert re.search(r"\x1b\[\d+A\x1b\[JA sentence\.\n$", stream.getvalue())


def test_severities_have_colors_unless_unwanted(monkeypatch: pytest.MonkeyPatch) -> None:
    colored, plain = Terminal(), Terminal()
    Display(colored).show(snapshot([incident(1)]), 1)
    monkeypatch.setenv("NO_COLOR", "1")
    Display(plain).show(snapshot([incident(1)]), 1)

    assert "\x1b[31;1mcritical\x1b[0m" in colored.getvalue()
    assert "\x1b[31" not in plain.getvalue()
    assert ESCAPES.sub("", colored.getvalue()) == ESCAPES.sub("", plain.getvalue())


@pytest.mark.parametrize("terminal", ["dumb", ""])
def test_without_a_capable_terminal_lines_are_plain(monkeypatch: pytest.MonkeyPatch, terminal: str) -> None:
    monkeypatch.setitem(os.environ, "TERM", terminal)
    stream = Terminal()
    display = Display(stream)
    display.show(snapshot([incident(1)]), 1)

    assert "\x1b" not in stream.getvalue()
    assert display.interval == LINE_SECONDS


def test_a_log_gets_each_incident_once() -> None:
    stream = io.StringIO()
    display = Display(stream)
    display.show(snapshot([incident(1)]), 1)
    display.show(snapshot([incident(1), incident(2, "low")]), 2)
    display.show(snapshot([incident(1), incident(2, "low")]), 2)

    assert stream.getvalue().count("critical anomaly at web-01, 2026-01-01 00:01: cpu 42.5 is above") == 1
    assert stream.getvalue().count("low anomaly at web-01, 2026-01-01 00:02") == 1
    assert stream.getvalue().count("events/s") == 3


def test_a_key_cannot_command_the_terminal() -> None:
    hostile = incident(1, key="\x1b[2J\nweb")

    text = "\n".join([*plain_lines(snapshot([hostile]), 1), *table_lines(snapshot([hostile]), 120, 30)])

    assert "\x1b" not in text
    assert "\nweb" not in text
