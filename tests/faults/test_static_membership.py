"""Members with names of their own: they restart without a rebalance, and two of one name do not work side by side."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.membership_support import (
    EVENTS,
    FEED_SECONDS,
    PATIENT_BROKER,
    PROTOCOLS,
    Stage,
    StageMaker,
    Stream,
)
from tests.service.endpoint_support import ask_document, port_of, wait_until, wait_until_ready
from tests.support.broker import KafkaBroker
from tests.support.feed import feed
from tests.support.service import Service, wait_for_outputs

REBALANCED = ("partitions assigned", "partitions revoked", "partitions lost")


@pytest.fixture(scope="module")
def own_broker() -> Iterator[KafkaBroker]:
    with KafkaBroker(PATIENT_BROKER) as running:
        yield running


@pytest.fixture
def make_stage(own_broker: KafkaBroker, tmp_path: Path) -> StageMaker:
    return lambda word, protocol: Stage(own_broker, tmp_path, word, protocol)


def rebalances(service: Service) -> int:
    """How often the group has changed this member's share."""
    return sum(len(service.said(message)) for message in REBALANCED)


def share_of(service: Service) -> set[str]:
    partitions = ask_document(port_of(service), "/ready")["partitions"]
    assert isinstance(partitions, dict)
    return set(partitions)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_named_member_that_stops_and_returns_disturbs_nobody(
    make_stage: StageMaker, stream: Stream, protocol: str
) -> None:
    stage = make_stage("named", protocol)
    with stage.start("log-stays", kafka__group_instance_id="stays") as stays:
        wait_until_ready(port_of(stays))
        with stage.start("log-before", kafka__group_instance_id="returns") as before:
            wait_until_both_have_half(stays, before)
            share = share_of(before)
            feeding = feed(stage.topics, stream.events, FEED_SECONDS)
            before.wait_for("checkpoint written", times=6)
            calm = rebalances(stays)
            assert before.stop() == 0
        with stage.start("log-after", kafka__group_instance_id="returns") as after:
            wait_until_ready(port_of(after))
            assert share_of(after) == share
            assert rebalances(stays) == calm, "the other one was not disturbed"
            feeding.join()
            wait_for_outputs(stage.topics, EVENTS, [stays, after])
            assert rebalances(stays) == calm
            assert after.stop() == 0
        assert stays.stop() == 0
    stream.check(stage.topics)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_named_member_that_was_killed_comes_back_to_its_own(
    make_stage: StageMaker, stream: Stream, protocol: str
) -> None:
    """At once in the classic protocol; in the newer one when the group has given the dead one up, and it says so."""
    stage = make_stage("named-killed", protocol)
    with stage.start("log-stays", kafka__group_instance_id="stays") as stays:
        wait_until_ready(port_of(stays))
        with stage.start("log-before", kafka__group_instance_id="returns") as before:
            wait_until_both_have_half(stays, before)
            feeding = feed(stage.topics, stream.events, FEED_SECONDS)
            before.wait_for("checkpoint written", times=6)
            calm = rebalances(stays)
            before.kill()
        with stage.start("log-after", kafka__group_instance_id="returns") as after:
            wait_until_ready(port_of(after), 90)
            if protocol == "classic":
                assert rebalances(stays) == calm
            else:
                assert after.said("kafka.group_instance_id 'returns' is still held in the group")
            feeding.join()
            wait_for_outputs(stage.topics, EVENTS, [stays, after])
            assert after.stop() == 0
        assert stays.stop() == 0
    stream.check(stage.topics)


def test_of_two_with_one_name_the_first_ends_with_a_sentence(make_stage: StageMaker, stream: Stream) -> None:
    stage = make_stage("twins", "classic")
    with stage.start("log-first", kafka__group_instance_id="twin") as first:
        wait_until_ready(port_of(first))
        feeding = feed(stage.topics, stream.events, FEED_SECONDS)
        with stage.start("log-second", kafka__group_instance_id="twin") as second:
            wait_until_ready(port_of(second))
            assert first.process.wait(60) == 2
            assert "kafka.group_instance_id 'twin': another process has joined" in first.log.read_text()
            feeding.join()
            wait_for_outputs(stage.topics, EVENTS, [second])
            assert second.stop() == 0
    stream.check(stage.topics)


def test_of_two_with_one_name_the_second_waits_with_a_sentence(make_stage: StageMaker) -> None:
    stage = make_stage("twins", "consumer")
    with stage.start("log-first", kafka__group_instance_id="twin") as first:
        wait_until_ready(port_of(first))
        with stage.start("log-second", kafka__group_instance_id="twin") as second:
            second.wait_for("kafka.group_instance_id 'twin' is still held", times=2)
            assert first.stop() == 0
            wait_until_ready(port_of(second))
            assert len(share_of(second)) == stage.topics.partitions
            assert second.stop() == 0


def test_workers_have_names_of_their_own(make_stage: StageMaker) -> None:
    stage = make_stage("workers", "classic")
    with stage.start("log", workers=2, kafka__group_instance_id="host") as service:
        wait_until_ready(port_of(service))
        admin = stage.topics.broker.admin()
        found = admin.describe_consumer_groups([stage.topics.group])[stage.topics.group].result(30)
        assert {member.group_instance_id for member in found.members} == {"host-0", "host-1"}
        assert service.stop() == 0


def wait_until_both_have_half(stays: Service, other: Service) -> None:
    """Return when the work is shared out evenly."""
    half = 3
    other.wait_for("partition loaded", times=half)
    wait_until(lambda: len(share_of(stays)) == len(share_of(other)) == half)
    wait_until_ready(port_of(other))
    wait_until_ready(port_of(stays))
