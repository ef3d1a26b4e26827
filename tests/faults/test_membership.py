"""Several workers under one supervisor: restarted, killed, orphaned. The outputs are the offline run's every time."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.membership_support import (
    EVENTS,
    FEED_SECONDS,
    PROTOCOLS,
    QUICK_BROKER,
    Stage,
    StageMaker,
    Stream,
)
from tests.service.endpoint_support import port_of, runs, wait_until, wait_until_ready, worker_pids
from tests.support.broker import KafkaBroker
from tests.support.feed import feed
from tests.support.service import Service, wait_for_outputs

GONE_SECONDS = 15.0  # from a supervisor's death to that of its workers: a commit, a checkpoint, leaving


@pytest.fixture(scope="module")
def own_broker() -> Iterator[KafkaBroker]:
    with KafkaBroker(QUICK_BROKER) as running:
        yield running


@pytest.fixture
def make_stage(own_broker: KafkaBroker, tmp_path: Path) -> StageMaker:
    return lambda word, protocol: Stage(own_broker, tmp_path, word, protocol)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_rolling_restart_changes_nothing(make_stage: StageMaker, stream: Stream, protocol: str) -> None:
    stage = make_stage("rolling", protocol)
    with stage.start("log", workers=2) as service:
        wait_until_ready(port_of(service))
        before = worker_pids(service)
        feeding = feed(stage.topics, stream.events, FEED_SECONDS)
        service.process.send_signal(signal.SIGHUP)
        service.wait_for("rolling restart done", 90)
        after = worker_pids(service)
        assert set(before.values()).isdisjoint(after.values())
        feeding.join()
        wait_for_outputs(stage.topics, EVENTS, [service])
        assert service.stop() == 0
        assert not service.said("starting it again"), "nobody died"
    stream.check(stage.topics)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_killed_worker_changes_nothing(make_stage: StageMaker, stream: Stream, protocol: str) -> None:
    stage = make_stage("killed-worker", protocol)
    with stage.start("log", workers=2) as service:
        wait_until_ready(port_of(service))
        feeding = feed(stage.topics, stream.events, FEED_SECONDS)
        service.wait_for("checkpoint written", times=12)
        os.kill(worker_pids(service)[1], signal.SIGKILL)
        service.wait_for("worker 1 was ended by SIGKILL")
        service.wait_for("worker started", times=2, worker=1)
        feeding.join()
        wait_for_outputs(stage.topics, EVENTS, [service])
        wait_until_ready(port_of(service))
        first, second, again = transactional_ids(service)
        assert first != second
        assert again in {first, second}, (
            "the same after a crash, so that the broker aborts what was left open"
        )
        assert service.stop() == 0
    stream.check(stage.topics)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_workers_whose_supervisor_was_killed_end_and_a_new_start_goes_on(
    make_stage: StageMaker, stream: Stream, protocol: str
) -> None:
    stage = make_stage("orphans", protocol)
    with stage.start("log-first", workers=2) as service:
        wait_until_ready(port_of(service))
        feeding = feed(stage.topics, stream.events, FEED_SECONDS)
        service.wait_for("checkpoint written", times=12)
        pids = worker_pids(service).values()
        service.kill()
        wait_until(lambda: not any(runs(pid) for pid in pids), GONE_SECONDS)
        assert len(service.said("stopped")) == 2, "each in order"
    with stage.start("log-second", workers=3) as service:  # and one more: the work is shared out anew
        feeding.join()
        wait_for_outputs(stage.topics, EVENTS, [service])
        wait_until_ready(port_of(service))
        assert len(set(transactional_ids(service))) == 3, "each has one of its own"
        assert service.stop() == 0
    stream.check(stage.topics)


def transactional_ids(service: Service) -> list[str]:
    """Those of the workers, in the order of their starts."""
    return [
        str(entry["transactional_id"]) for entry in service.said("starting", logger="stream_rcf.service.run")
    ]
