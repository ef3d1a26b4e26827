from __future__ import annotations

import pytest

from stream_rcf.observe.health import Health


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def health(clock):
    return Health(tick_limit_seconds=30, clock=clock)


def test_a_process_lives_while_its_loop_turns(health, clock):
    assert health.live() == (True, {"live": True, "seconds_since_tick": 0.0})
    clock.now += 30
    assert health.live().ok
    clock.now += 1
    answer = health.live()
    assert not answer.ok
    assert answer.details["reason"] == "the loop has not turned for 31 s, where 30 s are allowed"
    health.ticked()
    assert health.live().ok


def test_a_turn_may_take_as_long_as_the_group_allows(health, clock):
    health.allow(90)
    clock.now += 90
    assert health.live().ok
    clock.now += 1
    assert health.live().details["reason"] == "the loop has not turned for 91 s, where 90 s are allowed"


def test_it_is_not_ready_before_it_joined(health):
    answer = health.ready()
    assert not answer.ok
    assert answer.details == {
        "ready": False,
        "joined": False,
        "partitions": {},
        "reason": "the consumer group has not been joined yet",
    }


def test_a_member_without_a_share_is_ready(health):
    health.group_joined(True)
    assert health.ready() == (True, {"ready": True, "joined": True, "partitions": {}})


@pytest.mark.parametrize("state", ["assigned", "loading", "replaying", "parked", "lost"])
def test_it_is_ready_when_all_partitions_are_live(health, state):
    health.group_joined(True)
    health.partitions({("events", 0): "live", ("events", 11): state})
    answer = health.ready()
    assert not answer.ok
    assert answer.details["partitions"] == {"events[0]": "live", "events[11]": state}
    assert answer.details["reason"] == "not live yet: events[11]"
    health.partitions({("events", 0): "live", ("events", 11): "live"})
    assert health.ready().ok
    health.group_joined(False)
    assert not health.ready().ok
