"""History first, then the stream: the service goes on from `score --save-state` with the bytes of one offline run."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest

from tests.service.test_run import ask, port_of
from tests.support.broker import KafkaBroker
from tests.support.s3_server import S3Server
from tests.support.service import (
    COMMAND,
    Service,
    Topics,
    assert_same_as_offline,
    in_source_order,
    make_events,
    offline_rows,
    wait_for_outputs,
)

KEYS, PARTITIONS = 40, 2
HISTORY, EVENTS = 2000, 4000
SMALL = {"forest__trees": 5, "forest__sample_size": 32, "forest__shingle_size": 2}
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


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Past:
    return Past(tmp_path_factory.mktemp("past"))


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


@pytest.fixture
def stage(broker: KafkaBroker, past: Past, tmp_path: Path, request: pytest.FixtureRequest) -> Stage:
    word = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[-60:]
    return Stage(broker, word, past, tmp_path)


@pytest.mark.parametrize("delivery", ["exactly_once", "at_least_once"])
def test_scores_after_the_history_are_those_of_one_run_over_all(
    stage: Stage, past: Past, delivery: str
) -> None:
    stage.produce(HISTORY, EVENTS)
    stage.score_until(EVENTS, kafka__delivery=delivery)
    past.assert_continued(stage.topics)


def test_events_of_the_topic_that_the_history_holds_are_counted_and_not_learned_twice(
    stage: Stage, past: Past
) -> None:
    stage.produce(0, EVENTS)
    with stage.service() as service:
        wait_for_outputs(stage.topics, EVENTS - HISTORY, [service])
        metrics = ask(port_of(service), "/metrics")[1].decode()
        assert service.stop() == 0
        assert len(service.said("they are taken to be learned already")) == PARTITIONS
    past.assert_continued(stage.topics)
    assert f"stream_rcf_events_learned_before_total {HISTORY:.1f}" in metrics
    assert f"stream_rcf_backfilled_keys_total {KEYS:.1f}" in metrics


def test_a_kill_before_the_first_checkpoint_changes_nothing(stage: Stage, past: Past) -> None:
    """The replay of what was published finds the models of the first time, in the middle of the overlap too."""
    first = HISTORY - 500
    for last in (HISTORY + 700, HISTORY + 1400):
        stage.produce(first, last)
        first = last
        with stage.service(**NO_CHECKPOINTS) as service:
            wait_for_outputs(stage.topics, last - HISTORY, [service])
            offsets = {entry["offset"] for entry in service.said("checkpoint written")}
            assert offsets <= {0}, "none but the empty ones"
            service.kill()
    stage.produce(first, EVENTS)
    with stage.service() as service:
        wait_for_outputs(stage.topics, EVENTS - HISTORY, [service])
        assert [entry["replay"] for entry in service.said("partition loaded") if entry["replay"]]
        assert service.stop() == 0
    past.assert_continued(stage.topics)


def test_two_workers_that_are_killed_together(stage: Stage, past: Past) -> None:
    first = HISTORY
    for last in (HISTORY + 500, HISTORY + 1000, EVENTS):
        stage.produce(first, last)
        first = last
        with stage.service(workers=2) as service:
            wait_for_outputs(stage.topics, last - HISTORY, [service])
            if last == EVENTS:
                assert service.stop() == 0
            else:
                os.killpg(service.process.pid, signal.SIGKILL)
                service.process.wait(30)
    past.assert_continued(stage.topics)


def test_a_backfill_that_was_deleted_is_missed_and_can_be_let_go_of(stage: Stage, past: Past) -> None:
    middle = HISTORY + 1000
    stage.produce(HISTORY, middle)
    stage.score_until(middle)  # every key has had events now, and is in the service's own checkpoints
    stage.produce(middle, EVENTS)
    shutil.rmtree(stage.state)
    stage.assert_refused("holds no saved state", "set checkpoint.backfill_url to nothing")
    # Killed before its own first interval: that it let go must be known to the next one.
    with stage.service(checkpoint__backfill_url="", **NO_CHECKPOINTS) as service:
        service.wait_for("goes on from backfill", times=PARTITIONS)
        wait_for_outputs(stage.topics, EVENTS - HISTORY, [service])
        service.kill()
    newcomer = orjson.dumps({"timestamp": past.events[-1][3] + 1000, "value": 1.0})
    stage.topics.broker.produce(stage.topics.events, [(b"new", newcomer, 0, past.events[-1][3])])
    stage.score_until(EVENTS + 1, checkpoint__backfill_url="")
    scores = in_source_order(stage.topics.broker.read_all(stage.topics.scores))
    seen = [orjson.loads(score)["model"]["events_seen"] for score in scores if b'"key":"new"' in score]
    assert seen == [1]
    known = [score for score in scores if b'"key":"new"' not in score]
    assert [orjson.loads(score)["anomaly_score"] for score in known] == by_source(past, scores_of(past))


def scores_of(past: Past) -> dict[tuple[str, int], float]:
    return {(row["key"], int(row["timestamp"])): float(row["anomaly_score"]) for row in past.rows[HISTORY:]}


def by_source(past: Past, scores: dict[tuple[str, int], float]) -> list[float]:
    """The scores of the events after the history, partition by partition."""
    ordered = sorted(past.events[HISTORY:], key=lambda event: event[2])
    return [scores[key.decode(), timestamp] for key, _, _, timestamp in ordered]


def test_after_a_crash_it_is_not_let_go_of_unless_keys_may_begin_anew(stage: Stage) -> None:
    middle = HISTORY + 500
    stage.produce(HISTORY, middle)
    with stage.service(**NO_CHECKPOINTS) as service:
        wait_for_outputs(stage.topics, middle - HISTORY, [service])
        service.kill()
    shutil.rmtree(stage.state)
    stage.assert_refused(
        "must be learned again", "checkpoint.backfill_url as it was", checkpoint__backfill_url=""
    )
    stage.produce(middle, EVENTS)
    stage.score_until(EVENTS, checkpoint__backfill_url="", checkpoint__on_unusable="fresh")


def test_another_one_in_its_place_is_refused(stage: Stage, past: Past) -> None:
    middle = HISTORY + 500
    stage.produce(HISTORY, middle)
    stage.score_until(middle)
    done = save_state(past.values[: HISTORY - 1], stage.folder, stage.state.as_uri(), "--replace-state")
    assert done.returncode == 0, done.stderr
    stage.assert_refused("it was replaced", "set checkpoint.backfill_url to nothing")
    shutil.rmtree(stage.state)
    shutil.copytree(past.state, stage.state)
    stage.produce(middle, EVENTS)
    stage.score_until(EVENTS)
    past.assert_continued(stage.topics)


def test_other_settings_are_refused_at_the_start_and_named(stage: Stage) -> None:
    stage.assert_refused(
        "checkpoint.backfill_url",
        "made with other settings",
        "forest.trees is 5 there and 7 here",
        forest__trees=7,
    )


def test_a_damaged_index_is_refused_at_the_start(stage: Stage) -> None:
    damage(stage, -20)
    stage.assert_refused("checkpoint.backfill_url", "is corrupt: its index differs")


def test_a_damaged_model_is_refused_when_its_key_needs_it(stage: Stage) -> None:
    damage(stage, 2000)
    stage.produce(HISTORY, EVENTS)
    stage.assert_refused(
        "the model that a key begins with cannot be had", "differs from its CRC-32", "Bring it back as it was"
    )
    # Once it is brought back, all is as if nothing had happened.
    shutil.rmtree(stage.state)
    shutil.copytree(stage.past.state, stage.state)
    stage.score_until(EVENTS)
    stage.past.assert_continued(stage.topics)


def damage(stage: Stage, position: int) -> None:
    """Flip a bit of the saved segment."""
    (segment,) = (stage.state / "backfill").glob("segment-*")
    content = bytearray(segment.read_bytes())
    content[position] ^= 1
    segment.write_bytes(content)


def test_a_bucket_serves_as_well(stage: Stage, past: Past) -> None:
    with S3Server() as server:
        url = server.url("past")
        done = save_state(past.values[:HISTORY], stage.folder, url, environment=server.environment())
        assert done.returncode == 0, done.stderr
        stage.produce(HISTORY, EVENTS)
        named = {**SMALL, "checkpoint__backfill_url": url}
        environment = stage.topics.environment(stage.folder / "checkpoints", **named) | server.environment()
        with Service(environment, stage.folder / "log-s3") as service:
            wait_for_outputs(stage.topics, EVENTS - HISTORY, [service])
            assert service.stop() == 0
    past.assert_continued(stage.topics)
