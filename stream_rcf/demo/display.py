"""The live table: drawn in place on a terminal, one plain line a second anywhere else."""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple, TextIO

from stream_rcf.demo.outputs import Incident
from stream_rcf.pipeline.event_errors import printable

REDRAW_SECONDS = 0.25  # fast enough to look alive, slow enough to read
LINE_SECONDS = 1.0
MOST_INCIDENTS = 10
LEAST_WIDTH = 40  # columns; narrower terminals wrap
COLORS = {"critical": "31;1", "high": "31", "medium": "33", "low": "36"}  # ANSI codes by severity
CLEAR_BELOW, HIDE_CURSOR, SHOW_CURSOR = "\x1b[J", "\x1b[?25l", "\x1b[?25h"
NOTICE = (
    "This is a demo broker inside the process: good for a first look, it proves nothing about delivery. "
    "`make test` does, on Apache Kafka."
)


class Snapshot(NamedTuple):
    """What one drawing shows."""

    phase: str
    seconds: float  # since the first event
    produced: int
    events_per_second: float
    lag: int  # events written whose outcome is not known yet
    keys: int
    ready_keys: int
    scores: int
    alerts: int
    dead_letters: int
    incidents: Sequence[Incident]  # oldest first


class Display:
    """Draws snapshots on ``stream``; ``interval`` is the time between two of them, in seconds."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._in_place = stream.isatty() and os.environ.get("TERM") not in {None, "", "dumb"}
        self._with_color = self._in_place and not os.environ.get("NO_COLOR")
        self._drawn_lines = 0
        self._shown_incidents = 0
        self.interval = REDRAW_SECONDS if self._in_place else LINE_SECONDS

    def say(self, sentence: str) -> None:
        """Print a sentence that stays."""
        self._erase()
        self._write(sentence + "\n")

    def show(self, snapshot: Snapshot, incidents_so_far: int) -> None:
        """Draw a snapshot; ``incidents_so_far`` counts those that have left its list too."""
        if not self._in_place:
            self._write("\n".join(plain_lines(snapshot, incidents_so_far - self._shown_incidents)) + "\n")
            self._shown_incidents = incidents_so_far
            return
        width, height = shutil.get_terminal_size()
        lines = table_lines(snapshot, max(LEAST_WIDTH, width - 1), height - 2)
        text = "\n".join(self._colored(line, snapshot.incidents) for line in lines)
        self._erase()
        self._write(f"{HIDE_CURSOR}{text}\n")
        self._drawn_lines = len(lines)

    def close(self) -> None:
        """Leave the last drawing, and the cursor as it was."""
        if self._in_place:
            self._write(SHOW_CURSOR)
        self._drawn_lines = 0

    def _erase(self) -> None:
        if self._drawn_lines:
            self._write(f"\x1b[{self._drawn_lines}A{CLEAR_BELOW}")
            self._drawn_lines = 0

    def _colored(self, line: str, incidents: Sequence[Incident]) -> str:
        if not self._with_color or not incidents:
            return line
        for severity, code in COLORS.items():
            if f" {severity} " in line:
                return line.replace(f" {severity} ", f" \x1b[{code}m{severity}\x1b[0m ", 1)
        return line

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def status_line(snapshot: Snapshot) -> str:
    """The counts in one line."""
    return (
        f"{snapshot.seconds:5.1f} s | {snapshot.events_per_second:,.0f} events/s | lag {snapshot.lag:,} | "
        f"{learning(snapshot)} | scores {snapshot.scores:,} | alerts {snapshot.alerts:,} | "
        f"dead letters {snapshot.dead_letters:,}"
    )


def learning(snapshot: Snapshot) -> str:
    """How far the models are."""
    if snapshot.keys == 0:
        return "waiting for the first score"
    if snapshot.ready_keys < snapshot.keys:
        return f"learning: {snapshot.ready_keys} of {snapshot.keys} keys ready"
    return f"{snapshot.keys} keys, all ready"


def plain_lines(snapshot: Snapshot, new_incidents: int) -> list[str]:
    """For a log: the counts, and the anomalies that are new since the last time."""
    fresh = list(snapshot.incidents)[-new_incidents:] if new_incidents > 0 else []
    return [status_line(snapshot)] + [f"    {_sentence(incident)}" for incident in fresh[-MOST_INCIDENTS:]]


def table_lines(snapshot: Snapshot, width: int, height: int) -> list[str]:
    """For a terminal of ``width`` columns: at most ``height`` lines, the latest anomalies first."""
    lines = [
        f"stream-rcf demo, {snapshot.phase} (Ctrl-C ends it)",
        *textwrap.wrap(NOTICE, width),
        "",
        status_line(snapshot),
        "",
        f"{'host':<10} {'event time':<17} {'feature':<10} {'value':>9} {'score':>6} {'likelihood':>10} {'grade':>5} "
        f"{'severity':<8} why",
    ]
    room = max(1, min(MOST_INCIDENTS, height - len(lines)))
    lines += [_row(incident) for incident in list(snapshot.incidents)[: -room - 1 : -1]]
    if not snapshot.incidents:
        lines.append("no anomaly yet")
    return [line if len(line) <= width else line[: width - 3] + "..." for line in lines]


def _row(incident: Incident) -> str:
    return (
        f"{printable(incident.key, 10):<10} {_time(incident.timestamp):<17} {printable(incident.feature, 10):<10} "
        f"{incident.value:>9.5g} {incident.score:>6.2f} {incident.likelihood:>10.6f} {incident.grade:>5.2f} "
        f"{incident.severity:<8} {incident.why}"
    )


def _sentence(incident: Incident) -> str:
    return (
        f"{incident.severity} anomaly at {printable(incident.key)}, {_time(incident.timestamp)}: "
        f"{printable(incident.feature)} {incident.value:.5g} is {incident.why}; score "
        f"{incident.score:.2f}, likelihood {incident.likelihood:.6f}, grade {incident.grade:.2f}"
    )


def _time(timestamp: int) -> str:
    return datetime.fromtimestamp(timestamp / 1000, UTC).strftime("%Y-%m-%d %H:%M")
