"""What the tests of backfills on a real broker share: a history, what was saved of it, and services over it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.support.broker import KafkaBroker
from tests.support.service import (
    COMMAND,
    Service,
    Topics,
    assert_same_as_offline,
    make_events,
    offline_rows,
    wait_for_outputs,
)

KEYS, PARTITIONS = 40, 2
HISTORY, EVENTS = 2000, 4000
SMALL = {
    "forest__trees": 5,
    "forest__sample_size": 32,
    "forest__shingle_size": 2,
    "detector__decision": "threshold",  # as the topics have it
}
SET = tuple(f"{name.replace('__', '.')}={value}" for name, value in SMALL.items())
NO_CHECKPOINTS = {"checkpoint__interval_seconds": 600}  # but the first ones, and none when it is killed
EventList = list[tuple[bytes, bytes, int, int]]


class Past:
    """The events of all these tests, the offline run over all of them, and what was saved of the first half."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events: EventList = make_events(EVENTS, KEYS, PARTITIONS, seed=77)
        self.values = [value for _, value, _, _ in self.events]
        self.rows = offline_rows(self.values, folder, *SET)
        self.state = folder / "state"
        done = save_state(self.values[:HISTORY], folder, self.state.as_uri())
        assert done.returncode == 0, done.stderr
        assert f"saved state: {KEYS} keys" in done.stderr

    def assert_continued(self, topics: Topics, until: int = EVENTS) -> None:
        """The service scored what follows the history as the offline run did, and nothing else."""
        assert_same_as_offline(topics, self.values[HISTORY:until], self.rows[HISTORY:until])


def save_state(
    values: Sequence[bytes],
    folder: Path,
    url: str,
    *arguments: str,
    environment: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """``stream-rcf score --save-state`` over JSON events."""
    source = folder / "history.jsonl"
    source.write_bytes(b"".join(value + b"\n" for value in values))
    settings = [part for setting in SET for part in ("--set", setting)]
    out = str(folder / "history.csv")
    return subprocess.run(
        [*COMMAND, "score", str(source), "--out", out, "--save-state", url, *settings, *arguments],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )


class Stage:
    """Topics of one test, a copy of what was saved, and the services over them."""

    def __init__(self, broker: KafkaBroker, word: str, past: Past, folder: Path) -> None:
        self.topics = Topics(broker, f"backfill-{word}", PARTITIONS)
        self.past = past
        self.folder = folder
        self.state = folder / "state"
        shutil.copytree(past.state, self.state)
        self._started = 0

    def produce(self, first: int, last: int) -> None:
        self.topics.broker.produce(self.topics.events, self.past.events[first:last])

    def service(self, **settings: object) -> Service:
        self._started += 1
        named = {**SMALL, "checkpoint__backfill_url": self.state.as_uri(), **settings}
        environment = self.topics.environment(self.folder / "checkpoints", **named)
        return Service(environment, self.folder / f"log-{self._started}")

    def score_until(self, last: int, **settings: object) -> None:
        """Let a service score what there is, which are the events before ``last``, and stop it in order."""
        with self.service(**settings) as service:
            service.wait_for("partition loaded")  # before it could not be stopped in order
            wait_for_outputs(self.topics, last - HISTORY, [service])
            assert service.stop() == 0

    def assert_refused(self, *words: str, **settings: object) -> None:
        """A service ends with exit code 1 and says all of ``words``."""
        with self.service(**settings) as service:
            assert service.process.wait(120) == 1, service.log.read_text()[-3000:]
            text = service.log.read_text()
        for word in words:
            assert word in text, text[-3000:]
        assert "Traceback" not in text
