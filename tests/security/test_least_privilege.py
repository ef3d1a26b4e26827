"""The README's list of rights is enough, and each of them is needed: without it the service says which, and ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.security.support import (
    EVENTS,
    PARTITIONS,
    assert_all_scored,
    ended,
    granted,
    produce,
    rights_of_the_readme,
    secured,
)
from tests.support.secured_broker import USER, Grant, SecuredBroker
from tests.support.service import Service, Topics, wait_for_outputs

DELIVERIES = ["exactly_once", "at_least_once"]
PROTOCOLS = ["classic", "consumer"]
# The rows of the README's table, by what they are about: each is taken away in turn.
RIGHTS = ["events", "scores", "alerts", "dead_letters", "group", "transactional-id"]


def right_about(topics: Topics, what: str) -> Grant:
    """The one row about a topic, the group or the transactions."""
    name = {"group": topics.group, "transactional-id": topics.group}.get(what) or getattr(topics, what)
    kind = what if what in {"group", "transactional-id"} else "topic"
    (found,) = (g for g in rights_of_the_readme(topics) if (g.resource, g.name) == (kind, name))
    return found


def sentence_about(grant: Grant) -> str:
    """What the service must say when it lacks a right, but for the end of a transactional id."""
    return f"{grant.operation} on {grant.resource.replace('-', ' ')} {grant.name}"


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_listed_rights_suffice(
    secured_broker: SecuredBroker, tmp_path: Path, protocol: str, delivery: str
) -> None:
    topics = Topics(secured_broker, f"enough-{protocol}-{delivery}", PARTITIONS)
    grants = rights_of_the_readme(topics)
    assert len(grants) == len(RIGHTS)
    if delivery == "at_least_once":
        grants = [grant for grant in grants if grant.resource != "transactional-id"]
    produce(topics)
    environment = secured(topics, tmp_path, kafka__group_protocol=protocol, kafka__delivery=delivery)
    with granted(secured_broker, grants), Service(environment, tmp_path / "log") as service:
        assert_all_scored(topics, service)
    refused = [entry for entry in service.messages() if "denies" in str(entry) or "authoriz" in str(entry)]
    assert [entry["level"] for entry in refused] in ([], ["info"] * 3), (
        "but for the size limits of the outputs"
    )


def reading(name: str) -> Grant:
    return Grant("topic", name, "READ", False)


@pytest.mark.parametrize("missing", ["", "feedback", "control"])
def test_feedback_and_control_take_the_right_to_read_them_and_no_more(
    secured_broker: SecuredBroker, tmp_path: Path, missing: str
) -> None:
    topics = Topics(secured_broker, f"told-{missing}", PARTITIONS)
    names = {word: f"told-{missing}-{word}" for word in ("feedback", "control")}
    for name in names.values():
        secured_broker.create_topic(name, 1)
    secured_broker.produce(names["control"], [(None, b'{"cancel":"nothing"}', 0, 0)])
    produce(topics)
    grants = rights_of_the_readme(topics) + [reading(name) for word, name in names.items() if word != missing]
    environment = secured(
        topics, tmp_path, kafka__feedback_topic=names["feedback"], kafka__control_topic=names["control"]
    )
    with granted(secured_broker, grants), Service(environment, tmp_path / "log") as service:
        if missing:
            code, line = ended(service)
            assert code == 1
            assert f"denies the user {USER} access: READ on topic {names[missing]} is missing" in line
            return
        service.wait_for("feedback in effect", times=PARTITIONS)
        assert_all_scored(topics, service)


@pytest.mark.parametrize("what", RIGHTS)
def test_a_right_that_is_missing_at_the_start_is_named(
    secured_broker: SecuredBroker, tmp_path: Path, what: str
) -> None:
    topics = Topics(secured_broker, f"start-{what}", PARTITIONS)
    missing = right_about(topics, what)
    produce(topics)
    others = [grant for grant in rights_of_the_readme(topics) if grant != missing]
    with (
        granted(secured_broker, others),
        Service(secured(topics, tmp_path), tmp_path / "log") as service,
    ):
        code, line = ended(service)
    assert code == 1
    assert f"{secured_broker.scram} denies the user {USER} access: {sentence_about(missing)}" in line
    assert "README" in line
    assert secured_broker.count_by_partition(topics.scores) == {}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("what", ["events", "scores", "group", "transactional-id"])
def test_a_right_that_is_taken_away_meanwhile_is_named(
    secured_broker: SecuredBroker, tmp_path: Path, what: str, delivery: str, protocol: str
) -> None:
    if what == "transactional-id" and delivery == "at_least_once":
        what = "dead_letters"  # there are no transactions; another output instead
    topics = Topics(secured_broker, f"later-{what}-{delivery}-{protocol}", PARTITIONS)
    taken = right_about(topics, what)
    produce(topics)
    environment = secured(topics, tmp_path, kafka__group_protocol=protocol, kafka__delivery=delivery)
    with (
        granted(secured_broker, rights_of_the_readme(topics)),
        Service(environment, tmp_path / "log") as service,
    ):
        wait_for_outputs(topics, EVENTS, [service])
        secured_broker.revoke(taken)
        produce(topics, seed=2)
        secured_broker.produce(topics.events, [(b"host-1", b"not json", 0, 0)])
        code, line = ended(service)
    assert code == 1, line
    assert sentence_about(taken) in line
