"""Calls that hang, and what their owner hears."""

from __future__ import annotations

import threading

import pytest
from confluent_kafka import KafkaError, KafkaException

from stream_rcf.kafka.bounded_call import call_within


def test_a_call_that_ends_is_waited_for() -> None:
    said: list[str] = []
    call_within(30.0, lambda: said.append(threading.current_thread().name))
    assert said == ["kafka-call"]


def test_what_it_raises_is_raised() -> None:
    def fail() -> None:
        raise KafkaException(KafkaError(KafkaError.ILLEGAL_GENERATION))

    with pytest.raises(KafkaException) as failure:
        call_within(30.0, fail)
    assert failure.value.args[0].code() == KafkaError.ILLEGAL_GENERATION


def test_a_call_that_hangs_is_left_behind_with_a_time_out() -> None:
    may_end, has_ended = threading.Event(), threading.Event()

    def hang() -> None:
        may_end.wait(60.0)
        has_ended.set()

    with pytest.raises(KafkaException, match="has not returned for") as failure:
        call_within(0.05, hang)
    assert failure.value.args[0].code() == KafkaError._TIMED_OUT
    assert not has_ended.is_set()
    may_end.set()
    assert has_ended.wait(30.0), "it ends by itself, and harms nobody"
