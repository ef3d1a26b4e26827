"""Which remedy an error calls for."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError, KafkaException

from stream_rcf.errors import StreamRcfError
from stream_rcf.kafka.failures import DeliveryFailed, Remedy, kafka_error, remedy_for


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (KafkaError(KafkaError._FENCED, fatal=True), Remedy.NEW_PRODUCER),
        (KafkaError(KafkaError._FENCED), Remedy.NEW_PRODUCER),
        (KafkaError(KafkaError._TIMED_OUT, retriable=True), Remedy.NEW_PRODUCER),
        (KafkaError(KafkaError._TIMED_OUT, txn_requires_abort=True), Remedy.NEW_PRODUCER),
        (KafkaError(KafkaError._STATE), Remedy.NEW_PRODUCER),
        (KafkaError(KafkaError.ILLEGAL_GENERATION, txn_requires_abort=True), Remedy.ABORT),
        (KafkaError(KafkaError.UNKNOWN_MEMBER_ID, txn_requires_abort=True), Remedy.ABORT),
        (KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED, txn_requires_abort=True), Remedy.ABORT),
        (KafkaError(KafkaError._FATAL, fatal=True, txn_requires_abort=True), Remedy.NEW_PRODUCER),
        (KafkaError(KafkaError.MSG_SIZE_TOO_LARGE), Remedy.NEW_PRODUCER),
        (KafkaError(KafkaError._QUEUE_FULL), Remedy.NEW_PRODUCER),
    ],
)
def test_the_remedy_follows_the_flags(error: KafkaError, remedy: Remedy) -> None:
    assert remedy_for(error) is remedy


def test_the_failure_says_what_happened_and_what_is_done() -> None:
    failure = DeliveryFailed(
        "committing", KafkaError(KafkaError._FENCED, "fenced by another"), Remedy.NEW_PRODUCER
    )
    assert isinstance(failure, StreamRcfError)
    assert failure.code == KafkaError._FENCED
    assert failure.remedy is Remedy.NEW_PRODUCER
    for part in ("committing failed", "fenced by another", "_FENCED"):
        assert part in str(failure)


def test_the_error_is_found_in_whatever_the_client_raises() -> None:
    inner = KafkaError(KafkaError._TIMED_OUT)
    assert kafka_error(KafkaException(inner)) is inner
    assert kafka_error(KafkaException("only text")).code() == KafkaError._FAIL
    assert "only text" in kafka_error(KafkaException("only text")).str()
    assert kafka_error(ValueError("something else")).str() == "something else"
