"""What a member that waits for its share says, and what it makes of its name in the group."""

from __future__ import annotations

import logging

import pytest
from confluent_kafka import KafkaError

from stream_rcf.errors import UsageError
from stream_rcf.kafka.joining import (
    REPEAT_SECONDS,
    JoinNotice,
    is_name_still_held,
    longest_wait,
    require_own_name,
)
from stream_rcf.settings.model import Settings

SETTINGS = Settings(kafka={"group_instance_id": "host-1", "group_id": "g"})  # type: ignore[arg-type] # -- a mapping


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def fatal(code: int) -> KafkaError:
    """As the client hands one over: under one code, with the cause in the text."""
    return KafkaError(KafkaError._FATAL, f"Fatal error: {KafkaError(code).str()}: something more")


def test_the_wait_is_said_at_once_again_and_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock = Clock()
    notice = JoinNotice("session.timeout.ms = 6000 ms", clock)
    notice.look()
    notice.joined()
    assert caplog.messages == []
    notice.began()
    assert caplog.messages == [
        "waiting for a share of the partitions; a member that crashed keeps its own for up to "
        "session.timeout.ms = 6000 ms"
    ]
    clock.now += REPEAT_SECONDS - 1
    notice.look()
    assert len(caplog.messages) == 1
    clock.now += 1
    notice.look()
    notice.look()
    assert len(caplog.messages) == 2
    assert "for 10 s; a member that crashed" in caplog.messages[1]
    clock.now += 1.5
    notice.joined()
    assert caplog.messages[2:] == ["joined the group after 11.5 s"]
    clock.now += 1000
    notice.look()
    notice.joined()
    assert len(caplog.messages) == 3


def test_who_decides_the_wait_depends_on_the_protocol() -> None:
    assert longest_wait(SETTINGS, 6000) == "session.timeout.ms = 6000 ms"
    newer = Settings(kafka={"group_protocol": "consumer"})  # type: ignore[arg-type] # -- a mapping
    assert longest_wait(newer, None).startswith("the broker's group.consumer.session.timeout.ms, 45000 ms")


@pytest.mark.parametrize("wrap", [fatal, KafkaError], ids=["in the text", "as the code"])
def test_a_name_that_is_still_held_is_told_from_one_that_was_taken(wrap: type[KafkaError]) -> None:
    held, taken = wrap(KafkaError.UNRELEASED_INSTANCE_ID), wrap(KafkaError.FENCED_INSTANCE_ID)
    assert is_name_still_held(held)
    assert not is_name_still_held(taken)
    require_own_name(held, SETTINGS)
    with pytest.raises(UsageError, match=r"kafka.group_instance_id 'host-1': another process has joined"):
        require_own_name(taken, SETTINGS)


def test_other_fatal_errors_are_neither() -> None:
    other = fatal(KafkaError.GROUP_AUTHORIZATION_FAILED)
    assert not is_name_still_held(other)
    require_own_name(other, SETTINGS)
