from __future__ import annotations

import pytest
from pydantic import ValidationError

from stream_rcf.settings.kafka_section import KafkaSettings


def refusal(**values: object) -> str:
    with pytest.raises(ValidationError) as failure:
        KafkaSettings(**values)
    return str(failure.value)


@pytest.mark.parametrize(
    "servers", ["localhost:9092", "a", "a:1,b:2", "a:1, b:2", "[::1]:9092", "SASL_SSL://broker.example:9093"]
)
def test_brokers_are_host_and_port(servers: str) -> None:
    assert KafkaSettings(bootstrap_servers=servers).bootstrap_servers == servers


@pytest.mark.parametrize("servers", ["", "a:1,", ":9092", "a:b", "a b", "http://x/y"])
def test_what_is_no_broker_is_refused(servers: str) -> None:
    assert "must be brokers as host:port" in refusal(bootstrap_servers=servers)


@pytest.mark.parametrize("name", ["group_id", "transactional_id"])
def test_names_that_the_clients_transactions_do_not_take_are_refused(name: str) -> None:
    assert getattr(KafkaSettings(**{name: "../a %2e/b"}), name) == "../a %2e/b"  # type: ignore[arg-type] # -- by name
    for odd in ("a\nb", "\x1b[2J", "é", "a\x00"):
        assert "must be printable ASCII characters" in refusal(**{name: odd})


@pytest.mark.parametrize("topic", ["", ".", "..", "a b", "a/b", "é", "x" * 250])
def test_what_is_no_topic_is_refused(topic: str) -> None:
    for name in ("input_topic", "scores_topic", "alerts_topic", "dead_letter_topic"):
        assert "must be a topic's name" in refusal(**{name: topic})


def test_an_input_that_begins_with_a_caret_is_a_pattern() -> None:
    assert KafkaSettings(input_topic="^metrics-.*").input_topic == "^metrics-.*"
    assert "must be a topic, or a pattern" in refusal(input_topic="^")
    assert "regular expression" in refusal(input_topic="^[a")


def test_no_topic_is_both_input_and_output() -> None:
    assert "must differ from kafka.input_topic" in refusal(input_topic="alerts")
    assert "must differ from kafka.scores_topic" in refusal(alerts_topic="scores")
    assert "must differ from kafka.alerts_topic" in refusal(dead_letter_topic="alerts")
    assert "must not match the pattern" in refusal(input_topic="^(events|scores)$")
    assert "must not match the pattern" in refusal(input_topic="^dead-")
    assert "must differ from kafka.alerts_topic" in refusal(feedback_topic="alerts")
    assert "must differ from kafka.feedback_topic" in refusal(feedback_topic="told", control_topic="told")
    assert "must not match the pattern" in refusal(input_topic="^told-.*", control_topic="told-control")


def test_nobody_is_listened_to_unless_a_topic_is_named() -> None:
    assert KafkaSettings().takes_feedback is False
    assert KafkaSettings(feedback_topic="feedback").takes_feedback is True
    assert KafkaSettings(control_topic="control").takes_feedback is True
    assert "must be a topic's name" in refusal(feedback_topic="a b")


def test_options_are_text_however_they_are_written() -> None:
    written = {
        "linger.ms": 5,
        "check.crcs": True,
        "client.id": "x",
        "queued": {"min": {"messages": 10}},
        "f": 1.5,
    }
    assert KafkaSettings(properties=written).properties == {
        "linger.ms": "5",
        "check.crcs": "true",
        "client.id": "x",
        "queued.min.messages": "10",
        "f": "1.5",
    }


def test_options_that_break_delivery_are_refused_however_they_are_written() -> None:
    for written in ({"enable.auto.commit": False}, {"enable": {"auto": {"commit": "true"}}}):
        assert "must not hold enable.auto.commit" in refusal(properties=written)


def test_a_secret_is_not_in_the_settings_own_description() -> None:
    assert "hunter2" not in repr(KafkaSettings(properties={"sasl.password": "hunter2"}))


@pytest.mark.parametrize("name", ["", "a", "host-1.example_2", "x" * 240])
def test_a_static_member_has_a_name_as_topics_have(name: str) -> None:
    assert KafkaSettings(group_instance_id=name).group_instance_id == name


@pytest.mark.parametrize("name", [".", "..", "a b", "a/b", "x" * 241])
def test_what_is_no_name_of_a_member_is_refused(name: str) -> None:
    assert "group_instance_id" in refusal(group_instance_id=name)


def test_the_client_s_own_option_for_it_is_refused_by_name() -> None:
    assert "use kafka.group_instance_id" in refusal(properties={"group.instance.id": "a"})
