"""What the broker forbids, in words: every missing right on topics at once, and nothing where nobody forbids."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from confluent_kafka import KafkaError, KafkaException

from stream_rcf.kafka.rights import AccessDenied, denial, is_denial, needed_on_topics, reading_is_allowed
from stream_rcf.kafka.topics import create_topics, require_topics
from stream_rcf.settings.model import Settings
from tests.kafka.support import create_all, kafka_settings, unique
from tests.support.broker import KafkaBroker
from tests.support.secured_broker import PASSWORD, USER, Grant, SecuredBroker

NOWHERE = "127.0.0.1:1"
SettingsFor = Callable[..., Settings]


@pytest.fixture
def secured_settings(secured_broker: SecuredBroker) -> SettingsFor:
    """Makes settings of somebody whom the broker knows, with topics named by a word."""

    def make(word: str, **kafka: object) -> Settings:
        security = {
            "protocol": "sasl_ssl",
            "ca_file": str(secured_broker.authority.ca_file),
            "sasl_mechanism": "scram-sha-512",
            "username": USER,
            "password": PASSWORD,
        }
        section = kafka_settings(secured_broker.scram, word, **kafka).kafka
        return Settings(kafka=section, security=security)  # type: ignore[arg-type] # -- pydantic takes a mapping

    return make


def test_every_missing_right_is_named_at_once(
    secured_broker: SecuredBroker, secured_settings: SettingsFor
) -> None:
    settings = secured_settings(unique("rights"))
    kafka = settings.kafka
    create_all(secured_broker, settings)
    secured_broker.grant(
        Grant("topic", kafka.input_topic, "WRITE"),  # not what is needed there
        Grant("topic", kafka.scores_topic, "WRITE"),
    )
    with pytest.raises(AccessDenied) as refused:
        require_topics(settings)
    assert refused.value.missing == [
        f"READ on topic {kafka.input_topic}",
        f"WRITE on topic {kafka.alerts_topic}",
        f"WRITE on topic {kafka.dead_letter_topic}",
    ]
    assert refused.value.exit_code == 1
    assert PASSWORD not in str(refused.value)


def test_inputs_of_a_pattern_are_asked_about_as_far_as_we_see_them(
    secured_broker: SecuredBroker, secured_settings: SettingsFor
) -> None:
    word = unique("pattern")
    settings = secured_settings(word, input_topic=f"^{word}-in-.*")
    for name in (f"{word}-in-1", f"{word}-in-2", *needed_on_topics(settings)):
        secured_broker.create_topic(name)
    secured_broker.grant(
        *(Grant("topic", name, "WRITE") for name in needed_on_topics(settings)),
        Grant("topic", f"{word}-in-1", "DESCRIBE"),
    )
    with pytest.raises(AccessDenied) as refused:
        require_topics(settings)
    assert refused.value.missing == [f"READ on topic {word}-in-1"]
    secured_broker.grant(Grant("topic", f"{word}-in-", "READ", is_prefix=True))
    require_topics(settings)


def test_a_broker_without_an_authoriser_forbids_nothing(broker: KafkaBroker) -> None:
    settings = kafka_settings(broker.bootstrap, unique("free"))
    create_all(broker, settings)
    require_topics(settings)


def test_creating_needs_create_and_nothing_more(
    secured_broker: SecuredBroker, secured_settings: SettingsFor
) -> None:
    settings = secured_settings(unique("create"))
    kafka = settings.kafka
    names = [kafka.input_topic, kafka.scores_topic, kafka.alerts_topic, kafka.dead_letter_topic]
    with pytest.raises(AccessDenied, match=f"CREATE on topic {kafka.input_topic} is missing"):
        create_topics(settings, 1, 1)
    secured_broker.create_topic(kafka.scores_topic)  # which the user does not see
    secured_broker.grant(*(Grant("topic", name, "CREATE") for name in names))
    made = create_topics(settings, 1, 1)
    assert made == [(name, name != kafka.scores_topic) for name in names]


@pytest.mark.parametrize(
    ("code", "right"),
    [
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, "WRITE on topic x"),
        (KafkaError.GROUP_AUTHORIZATION_FAILED, "READ on group w-group"),
        (KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, "WRITE on transactional id mine"),
        (KafkaError.CLUSTER_AUTHORIZATION_FAILED, "IDEMPOTENT_WRITE on the cluster"),
    ],
)
def test_a_denial_names_the_right(code: int, right: str) -> None:
    error = KafkaError(code)
    assert is_denial(error)
    sentence = str(denial(error, kafka_settings(NOWHERE, "w"), "WRITE on topic x", "mine"))
    assert f"Kafka at {NOWHERE} denies us access: {right} is missing" in sentence
    assert "README" in sentence


def test_a_denial_without_a_topic_asks_the_broker_which(
    secured_broker: SecuredBroker, secured_settings: SettingsFor
) -> None:
    settings = secured_settings(unique("which"))
    create_all(secured_broker, settings)
    error = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    rights = {topic: Grant("topic", topic, right) for topic, right in needed_on_topics(settings).items()}
    missing = rights.pop(settings.kafka.alerts_topic)
    secured_broker.grant(*rights.values())
    assert f"access: WRITE on topic {missing.name} is missing" in str(denial(error, settings))
    secured_broker.grant(missing)  # it is there again by now
    assert "access: one of READ on topic" in str(denial(error, settings))


def test_only_a_denial_while_reading_becomes_one() -> None:
    settings = kafka_settings(NOWHERE, "w")
    with pytest.raises(AccessDenied, match="READ on topic w-events is missing"), reading_is_allowed(settings):
        raise KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED))
    with pytest.raises(KafkaException), reading_is_allowed(settings):
        raise KafkaException(KafkaError(KafkaError.NOT_COORDINATOR))
