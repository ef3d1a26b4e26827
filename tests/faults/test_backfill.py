"""History first, then the stream: the service goes on from `score --save-state` with the bytes of one offline run."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from tests.faults.backfill_support import (
    EVENTS,
    HISTORY,
    KEYS,
    NO_CHECKPOINTS,
    PARTITIONS,
    SMALL,
    Past,
    Stage,
    save_state,
)
from tests.service.test_run import ask, port_of
from tests.support.feed import feed
from tests.support.s3_server import S3Server
from tests.support.service import Service, wait_for_outputs

FEED_SECONDS = 25.0  # about as long as the replicas need to come and go


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


def test_replicas_that_come_and_go_while_events_come(stage: Stage, past: Past) -> None:
    """Partitions change hands, by order and by force, while many of their keys have had no event yet."""
    feeding = feed(stage.topics, past.events[HISTORY - 300 :], FEED_SECONDS)
    moments = random.Random(5)
    properties = {"kafka__properties": '{"session.timeout.ms": "6000", "heartbeat.interval.ms": "500"}'}
    with stage.service(**properties) as first:
        first.wait_for("partition loaded", times=PARTITIONS)
        with stage.service(**properties) as second:
            second.wait_for("partition loaded")
            time.sleep(moments.uniform(0.5, 2.0))
            assert first.stop() == 0  # a handover
            time.sleep(moments.uniform(0.5, 2.0))
            second.kill()
    with stage.service(**properties) as third:
        third.wait_for("partition loaded")
        time.sleep(moments.uniform(0.5, 2.0))
        third.kill()
    feeding.join()
    stage.score_until(EVENTS, **properties)
    past.assert_continued(stage.topics)


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
