"""The first question: answered, or refused with the reason. The reasons themselves are in tests/security."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError

from stream_rcf.errors import UnreachableError
from stream_rcf.kafka import first_contact
from stream_rcf.kafka.first_contact import MOST_CHARACTERS, ask_brokers
from stream_rcf.settings.model import Settings
from tests.kafka.support import kafka_settings
from tests.support.broker import KafkaBroker
from tests.support.broker_process import free_ports


def test_the_brokers_answer_with_what_there_is(broker: KafkaBroker) -> None:
    client, known = ask_brokers(kafka_settings(broker.bootstrap, "w"), 30.0)
    assert known.controller_id in known.brokers
    assert client.list_topics(timeout=30).brokers


def test_nobody_there_is_said_when_the_time_is_over() -> None:
    (port,) = free_ports(1)
    with pytest.raises(UnreachableError, match=f"no Kafka broker answers at 127.0.0.1:{port}") as refused:
        ask_brokers(kafka_settings(f"127.0.0.1:{port}", "w"), 0.5)
    assert "security.protocol" in str(refused.value), "a broker that hangs up may want TLS"


def reason(code: int, text: str, settings: Settings | None = None) -> str:
    found = first_contact._reason([KafkaError(code, text)], settings or kafka_settings("somewhere:1", "w"))
    assert found is not None
    return found


def test_what_a_token_endpoint_answers_is_shortened_and_printable() -> None:
    answer = "Failed to acquire SASL OAUTHBEARER token: \x1b[2J\n" + "x" * 100_000
    sentence = reason(KafkaError._AUTHENTICATION, answer)
    assert sentence.isprintable()
    assert len(sentence) < MOST_CHARACTERS + 300


def test_the_clients_own_addressing_becomes_a_sentence() -> None:
    text = "sasl_ssl://[::1]:9093/bootstrap: SASL authentication error: no (after 354ms in state AUTH_REQ)"
    assert reason(KafkaError._AUTHENTICATION, text) == (
        "Kafka at [::1]:9093 does not let us in: SASL authentication error: no. "
        "Look at security.sasl_mechanism and at security.username and security.password"
    )


def test_an_error_of_tls_that_nobody_foresaw_is_passed_on() -> None:
    sentence = reason(KafkaError._SSL, "ssl://h:1/bootstrap: SSL handshake failed: odd")
    assert sentence.startswith("Kafka at h:1: TLS failed: SSL handshake failed: odd")


def test_what_is_no_refusal_is_no_reason() -> None:
    error = KafkaError(KafkaError._TRANSPORT, "h:1/bootstrap: Connect failed: Connection refused")
    assert first_contact._reason([error], kafka_settings("h:1", "w")) is None
