"""Topics: created once, missing ones named, and a broker that is not there."""

from __future__ import annotations

import pytest
from confluent_kafka.admin import ConfigResource, ResourceType

from stream_rcf.errors import StreamRcfError, UnreachableError, UsageError
from stream_rcf.kafka import topics
from stream_rcf.kafka.topics import create_topics, existing_topics, require_topics, topic_plans
from tests.kafka.support import kafka_settings, unique
from tests.support.broker import KafkaBroker

NOWHERE = "127.0.0.1:1"


def test_the_plans_name_the_settings_topics_inputs_first() -> None:
    plans = topic_plans(kafka_settings(NOWHERE, "w"), 6)
    assert [plan.name for plan in plans] == ["w-events", "w-scores", "w-alerts", "w-dead"]
    assert {plan.partitions for plan in plans} == {6}
    for plan in plans[1:]:
        assert plan.configuration["cleanup.policy"] == "delete", "every output counts"
    assert int(plans[2].configuration["retention.ms"]) > int(plans[1].configuration["retention.ms"])


def test_a_pattern_is_not_a_topic_to_create() -> None:
    plans = topic_plans(kafka_settings(NOWHERE, "w", input_topic="^in-.*"), 1)
    assert [plan.name for plan in plans] == ["w-scores", "w-alerts", "w-dead"]


def test_what_people_say_has_one_partition_and_is_kept_for_good(broker: KafkaBroker) -> None:
    word = unique("told")
    settings = kafka_settings(
        broker.bootstrap, word, feedback_topic=f"{word}-feedback", control_topic=f"{word}-control"
    )
    create_topics(settings, partitions=3, replication=1)
    known = existing_topics(settings)
    admin = broker.admin()  # held by name: without its client a future never ends
    for name in (settings.kafka.feedback_topic, settings.kafka.control_topic):
        assert known[name] == 1
        resource = ConfigResource(ResourceType.TOPIC, name)
        configuration = admin.describe_configs([resource])[resource].result(30)
        assert (configuration["retention.ms"].value, configuration["cleanup.policy"].value) == (
            "-1",
            "delete",
        )
    require_topics(settings)
    broker.add_partitions(settings.kafka.control_topic, 2)
    with pytest.raises(
        UsageError, match=r"kafka.control_topic: topic .* has 2 partitions, but must have one"
    ):
        require_topics(settings)


def test_missing_topics_are_created_and_existing_ones_left(broker: KafkaBroker) -> None:
    settings = kafka_settings(broker.bootstrap, unique("topics"))
    kafka = settings.kafka
    broker.create_topic(kafka.scores_topic, 2)

    assert create_topics(settings, partitions=3, replication=1) == [
        (kafka.input_topic, True),
        (kafka.scores_topic, False),
        (kafka.alerts_topic, True),
        (kafka.dead_letter_topic, True),
    ]

    known = existing_topics(settings)
    assert known[kafka.input_topic] == known[kafka.alerts_topic] == known[kafka.dead_letter_topic] == 3
    assert known[kafka.scores_topic] == 2
    resource = ConfigResource(ResourceType.TOPIC, kafka.dead_letter_topic)
    admin = broker.admin()  # held by name: without its client a future never ends
    configuration = admin.describe_configs([resource])[resource].result(30)
    assert int(configuration["max.message.bytes"].value) == topics.DEAD_LETTER_BYTES
    require_topics(settings)

    assert [created for _, created in create_topics(settings, 3, 1)] == [False] * 4


def test_missing_topics_are_named(broker: KafkaBroker) -> None:
    settings = kafka_settings(broker.bootstrap, unique("missing"))
    broker.create_topic(settings.kafka.input_topic)
    broker.create_topic(settings.kafka.alerts_topic)
    with pytest.raises(UsageError) as error:
        require_topics(settings)
    text = str(error.value)
    assert settings.kafka.scores_topic in text
    assert settings.kafka.dead_letter_topic in text
    assert settings.kafka.input_topic not in text
    assert settings.kafka.alerts_topic not in text
    assert "stream-rcf topics create" in text


def test_a_topic_that_the_broker_refuses_is_named(broker: KafkaBroker) -> None:
    settings = kafka_settings(broker.bootstrap, unique("refused"))
    with pytest.raises(StreamRcfError, match=f"topic {settings.kafka.input_topic} could not be created"):
        create_topics(settings, partitions=1, replication=7)


@pytest.mark.parametrize("ask", [existing_topics, require_topics], ids=lambda ask: ask.__name__)
def test_no_broker_is_unreachable_and_says_what_to_do(ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "METADATA_TIMEOUT", 1.0)
    with pytest.raises(UnreachableError) as error:
        ask(kafka_settings(NOWHERE, "w"))
    assert error.value.exit_code == 3
    for part in (NOWHERE, "kafka.bootstrap_servers", "STREAM_RCF_KAFKA__BOOTSTRAP_SERVERS"):
        assert part in str(error.value)


@pytest.mark.parametrize("properties", [{"no.such.option": "1"}, {"security.protocol": "carrier_pigeon"}])
def test_options_that_the_client_does_not_know_are_bad_settings(properties: dict[str, str]) -> None:
    settings = kafka_settings(NOWHERE, "w", properties=properties)
    with pytest.raises(UsageError, match=next(iter(properties)).replace(".", r"\.")):
        existing_topics(settings)
