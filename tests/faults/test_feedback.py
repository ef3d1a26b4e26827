"""Feedback and maintenance on a real broker: in effect where the log says, and the same bytes whatever happens."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from stream_rcf.service.feedback_note import Positions
from tests.cli.support import run_command
from tests.faults.feedback_support import (
    KEYS,
    PARTITIONS,
    SECOND,
    Feeding,
    Listeners,
    Told,
    expected,
    maintenance,
    not_an_anomaly,
    published,
    reasons,
    source_of,
    told_by,
    word_of,
)
from tests.kafka.support import wait_until
from tests.support.broker import KafkaBroker
from tests.support.service import START_OF_EVENTS, Service, wait_for_outputs

STAGE = 1500  # events
KILLS = 5
FAST_SESSION = '{"session.timeout.ms": "1500", "heartbeat.interval.ms": "200"}'


@pytest.fixture(scope="module")
def broker() -> Iterator[KafkaBroker]:
    """A broker that lets members time out after a second, so that a killed one is replaced soon."""
    with KafkaBroker({"group.min.session.timeout.ms": "500"}) as running:
        yield running


@pytest.fixture
def topics(broker: KafkaBroker, request: pytest.FixtureRequest) -> Listeners:
    return Listeners(broker, word_of(request.node.name))


def scored(topics: Listeners, *services: Service) -> None:
    """Send a stage of events, and wait until they are scored."""
    topics.send_events(STAGE)
    wait_for_outputs(topics, topics.sent, services)


def tell(topics: Listeners, *services: Service, times: int = PARTITIONS) -> None:
    """Give feedback on the alerts so far of half of the keys, and wait until it takes effect."""
    before = sum(len(service.said("feedback in effect")) for service in services)
    topics.say(*(not_an_anomaly(alert) for alert in topics.alerts_of() if str(alert["key"]) < "host-4"))
    services[0].wait_for("feedback in effect", times=before + times)


@pytest.mark.parametrize("delivery", ["exactly_once", "at_least_once"])
def test_killed_after_the_commit_and_before_the_checkpoint_it_says_the_same(
    topics: Listeners, tmp_path: Path, delivery: str
) -> None:
    environment = topics.environment(tmp_path / "checkpoints", kafka__delivery=delivery)
    with Service(environment, tmp_path / "log-0") as first:
        scored(topics, first)
        tell(topics, first)
        scored(topics, first)
        first.kill()
    with Service(environment, tmp_path / "log-1") as second:
        scored(topics, second)
        topics.announce(maintenance("patch", "host-*", 3 * STAGE, 3 * STAGE + STAGE // 2))
        second.wait_for("feedback in effect", times=PARTITIONS)
        scored(topics, second)
        second.kill()
    with Service(environment, tmp_path / "log-2") as third:
        scored(topics, third)
        assert third.stop() == 0
    told = told_by([first, second, third])
    assert {number: len(entries) for number, entries in told.items()} == {0: 2, 1: 2}
    outputs = published(topics, may_repeat=delivery == "at_least_once")
    assert outputs == expected(topics, environment, told)
    assert {"rule:feedback", "rule:maintenance patch"} <= reasons(outputs[topics.scores])
    shifted = {
        number: [Told(one.offset - 200, one.heard) for one in entries] for number, entries in told.items()
    }
    assert outputs != expected(topics, environment, shifted), "another moment gives other bytes"


def test_what_was_said_before_the_start_is_in_effect_from_the_first_event(
    topics: Listeners, tmp_path: Path
) -> None:
    topics.send_events(STAGE)
    topics.announce(maintenance("move", "host-[0-3]", 0, STAGE))
    environment = topics.environment(tmp_path / "checkpoints")
    with Service(environment, tmp_path / "log") as service:
        wait_for_outputs(topics, STAGE, [service])
        assert service.stop() == 0
    told = told_by([service])
    assert told == {number: [Told(0, Positions(0, 1))] for number in range(PARTITIONS)}
    outputs = published(topics)
    assert outputs == expected(topics, environment, told)
    assert {str(alert["key"]) for alert in topics.alerts_of()} == {f"host-{i}" for i in range(4, KEYS)}


HOSTILE: list[bytes | None] = [
    b"x" * 900_000,
    b'{"verdict":"missed","key":"' + b"k" * 900_000 + b'"}',
    b"[" * 60_000,
    b'{"verdict":' * 5_000,
    b"\x00\xff",
    None,
    b"{}",
    b'{"verdict":"not_an_anomaly","alert_id":"events:0:1"}',
    b'{"verdict":"missed","key":{"a":1}}',
    b'{"verdict":"not_an_anomaly","key":"host-1","values":[1],"relevant_attribution":7,"direction":5}',
]
HOSTILE_CONTROL: list[bytes | None] = [
    b'{"maintenance":{"id":"a","keys":[' + b'"*",' * 15_000 + b'"*"],"from":1,"until":2}}',
    b'{"maintenance":{"id":"a","keys":[' + b'"*",' * 200_000 + b'"*"],"from":1,"until":2}}',
    b'{"maintenance":{"id":"a","keys":"' + b"*a" * 2000 + b'","from":1,"until":2}}',
    b'{"maintenance":{"id":"a","keys":"*","from":-1e308,"until":1e308}}',
    b'{"cancel":{}}',
]


def test_hostile_messages_cost_one_dead_letter_each_and_nothing_else(
    topics: Listeners, tmp_path: Path
) -> None:
    """With two workers, one of which is killed, and several partitions: each dead letter is published once."""
    environment = topics.environment(tmp_path / "checkpoints", checkpoint__interval_seconds=1)
    with (
        Service(environment, tmp_path / "log-0") as first,
        Service(environment, tmp_path / "log-1") as second,
    ):
        scored(topics, first, second)
        for topic, values in ((topics.feedback, HOSTILE), (topics.control, HOSTILE_CONTROL)):
            topics.broker.produce(topic, [(b"who", value, 0, START_OF_EVENTS) for value in values])
        topics.announce(maintenance("after", "*", STAGE, 2 * STAGE))
        wait_until(lambda: "maintenance" in said(first, second), "the message behind them to take effect")
        first.kill()
        scored(topics, second)
        assert second.stop() == 0
    outputs = published(topics)
    assert outputs == expected(topics, environment, told_by([first, second]))
    assert max(source_of(value)[1] for value in outputs[topics.alerts]) < topics.sent
    dead = topics.broker.read_all(topics.dead_letters)
    origins = sorted(
        (dict(letter.headers)["source_topic"], dict(letter.headers)["source_offset"]) for letter in dead
    )
    assert origins == sorted(
        (topic.encode(), str(offset).encode())
        for topic, values in ((topics.feedback, HOSTILE), (topics.control, HOSTILE_CONTROL))
        for offset in range(len(values))
    )
    for letter in dead:
        assert dict(letter.headers)["error"]
        assert letter.key == b"who"


def said(*services: Service) -> set[str]:
    """The kinds of messages that took effect."""
    return {name for service in services for entry in service.said("feedback in effect") for name in entry}


@pytest.mark.parametrize("delivery", ["exactly_once", "at_least_once"])
def test_killed_again_and_again_while_people_speak(topics: Listeners, tmp_path: Path, delivery: str) -> None:
    """Two members, of which one dies now and then; messages come at any moment, and checkpoints every second."""
    settings = {
        "kafka__delivery": delivery,
        "checkpoint__interval_seconds": 1,
        "kafka__properties": FAST_SESSION,
    }
    environment = topics.environment(tmp_path / "checkpoints", **settings)
    moments = random.Random(5)
    services = [Service(environment, tmp_path / f"log-{number}") for number in range(2)]
    try:
        scored(topics, *services)
        speaking = [dict(alert) for alert in topics.alerts_of()]
        feeding = Feeding(topics, STAGE * 3, seconds=30.0)
        for attempt in range(KILLS):
            for _ in range(3):
                time.sleep(moments.uniform(0.2, 1.2))
                topics.say(*(not_an_anomaly(alert) for alert in moments.sample(speaking, 2)))
            victim = services[-1 - attempt % 2]
            victim.kill()
            services.append(Service(environment, tmp_path / f"log-{len(services)}"))
            services[-1].wait_for("joined the group")
        feeding.join()
        wait_for_outputs(topics, topics.sent, services[-2:])
        for service in services:
            if service.process.poll() is None:
                assert service.stop() == 0
    finally:
        for service in services:
            service.__exit__(None, None, None)
    told = told_by(services)
    assert min(len(entries) for entries in told.values()) > KILLS
    assert published(topics, may_repeat=delivery == "at_least_once") == expected(topics, environment, told)


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_partitions_that_move_in_order_take_along_what_was_said(
    topics: Listeners, tmp_path: Path, protocol: str
) -> None:
    environment = topics.environment(tmp_path / "checkpoints", kafka__group_protocol=protocol)
    with Service(environment, tmp_path / "log-0") as first:
        scored(topics, first)
        tell(topics, first)
        with Service(environment, tmp_path / "log-1") as second:
            second.wait_for("partition loaded")
            scored(topics, first, second)
            topics.announce(maintenance("patch", "*", 2 * STAGE, 2 * STAGE + 200))
            wait_until(lambda: len(told_by([first, second])[1]) == 2, "the other member to hear it")
            wait_until(lambda: len(told_by([first, second])[0]) == 2, "each member to hear it")
            scored(topics, first, second)
            assert second.stop() == 0
        scored(topics, first)
        assert first.stop() == 0
    told = told_by([first, second])
    assert {str(entry["partition"]) for entry in second.said("feedback in effect")} != {"0", "1"}
    outputs = published(topics)
    assert outputs == expected(topics, environment, told)
    assert {"rule:feedback", "rule:maintenance patch"} <= reasons(outputs[topics.scores])


def test_messages_that_a_replay_needs_and_that_are_gone_are_missed_loudly(
    topics: Listeners, tmp_path: Path
) -> None:
    environment = topics.environment(tmp_path / "checkpoints")
    with Service(environment, tmp_path / "log-0") as first:
        scored(topics, first)
        tell(topics, first)
        scored(topics, first)
        first.kill()
    topics.broker.delete_records(topics.feedback, {0: 1})
    with Service(environment, tmp_path / "log-1") as second:
        assert second.process.wait(60) == 1
    text = second.log.read_text()
    assert "of kafka.feedback_topic" in text
    assert "they were deleted by retention or compaction, or a topic was made anew" in text
    assert "checkpoint.on_unusable=fresh" in text
    with Service(environment | {"STREAM_RCF_CHECKPOINT__ON_UNUSABLE": "fresh"}, tmp_path / "log-2") as third:
        scored(topics, third)
        assert third.stop() == 0
    assert "takes effect from here on" in third.log.read_text()
    seen = {
        (score["key"], score["model"]["events_seen"])
        for score in map(orjson.loads, published(topics)[topics.scores])
    }
    assert len(seen) == topics.sent, "models are kept"


def test_what_the_commands_say_takes_effect(topics: Listeners, tmp_path: Path) -> None:
    environment = topics.environment(tmp_path / "checkpoints")
    with Service(environment, tmp_path / "log") as service:
        scored(topics, service)
        # Whose spike comes again in the next stage.
        alert = max(
            (one for one in topics.alerts_of() if one["key"] == "host-7"),
            key=lambda one: one["values"]["value"],
        )
        begin = str(START_OF_EVENTS + SECOND * STAGE)
        for number, command in enumerate(
            (
                ("feedback", str(alert["alert_id"]), "not-an-anomaly"),
                ("maintenance", "--keys", "host-2", "--from", begin, "--for", "1h", "--id", "disk"),
            ),
            1,
        ):
            said = run_command(*command, environment=environment)
            assert said.returncode == 0, said.stderr
            service.wait_for("feedback in effect", times=number * PARTITIONS)
        scored(topics, service)
        assert service.stop() == 0
    scores = [orjson.loads(value) for value in published(topics)[topics.scores]]
    assert {
        (score["key"], score["reason"]) for score in scores if str(score["reason"]).startswith("rule:")
    } == {
        ("host-7", "rule:feedback"),
        ("host-2", "rule:maintenance disk"),
    }
