"""Many rules, many keys: the work is counted, and what is remembered is bounded."""

from __future__ import annotations

import numpy as np
import pytest

from stream_rcf.pipeline.events import Event
from stream_rcf.pipeline.quiet_times import WeeklyTimes, WeeklyWindow
from stream_rcf.pipeline.rules import BOTH, DROP, MAX_KNOWN_KEYS, Rule, RuleSet
from tests.pipeline.test_rules import ALL, FEATURES, MONDAY_NOON, judged
from tests.support.calls import calls_of


@pytest.fixture(scope="module")
def thousand() -> tuple[RuleSet, list[Event]]:
    """A thousand rules, each for keys of its own, and a thousand keys."""
    rules = [
        Rule(f"r{number}", (f"zone-{number:03}-*", f"*-{number:03}"), (0,), muted=DROP, above_ratio=0.1)
        for number in range(1000)
    ]
    events = [Event(f"zone-{number:03}-{(number + 1) % 1000:03}", 0, (1.0, 2.0)) for number in range(1000)]
    return RuleSet(rules, FEATURES), events


def test_a_thousand_rules_over_a_thousand_keys_take_few_steps_a_key(
    thousand: tuple[RuleSet, list[Event]],
) -> None:
    rules, events = thousand

    unseen = calls_of(lambda: judged(rules, events))
    known = calls_of(lambda: judged(rules, events))

    assert unseen < 120 * len(events)  # a million patterns would be tried one by one
    assert known < 20 * len(events)


def test_events_of_known_keys_with_the_same_rules_are_judged_together() -> None:
    rules = RuleSet([Rule("r", ("web-*",), ALL, muted=DROP)], FEATURES)
    events = [Event(f"web-{number}", 0, (1.0, 1.0)) for number in range(1000)]
    judged(rules, events)

    calls = calls_of(lambda: judged(rules, events))

    assert calls < 5 * len(events)  # a look for the key and its place in the group; the rest is by arrays


def test_events_whose_rules_differ_but_share_their_quiet_times_are_judged_together() -> None:
    night = WeeklyTimes([WeeklyWindow((0,), 0, 720, "UTC")])
    rules = RuleSet(
        [Rule(f"r{number}", (f"k{number}",), ALL, quiet=(night,)) for number in range(1000)], FEATURES
    )
    events = [Event(f"k{number}", MONDAY_NOON - 1, (1.0, 1.0)) for number in range(1000)]
    assert judged(rules, events) is not None

    assert calls_of(lambda: judged(rules, events)) < 10 * len(events)


def test_what_is_remembered_of_groups_is_bounded_and_changes_nothing() -> None:
    rules = RuleSet(
        [Rule(f"r{number}", (f"k{number}",), ALL, least=number) for number in range(1, 100)], FEATURES
    )
    rules._most_groups = 10
    events = [Event(f"k{number}", 0, (number - 0.5, number + 0.5)) for number in range(1, 100)]

    for begin in (0, 7, 14, 21, 0, 7):
        ruled = judged(rules, events[begin : begin + 7])
        assert ruled is not None
        assert ruled.muted.tolist() == [[BOTH, 0]] * 7
        assert len(rules._groups) <= 10 + 7


def test_what_is_remembered_of_keys_is_bounded_and_changes_nothing(
    thousand: tuple[RuleSet, list[Event]],
) -> None:
    rules, events = thousand
    before = judged(rules, events)
    for number in range(MAX_KNOWN_KEYS + 10):
        rules._group(f"other-{number}")

    after = judged(rules, events)

    assert rules._group.cache_info().currsize == MAX_KNOWN_KEYS
    assert before is not None
    assert after is not None
    assert np.array_equal(before.muted, after.muted)
    assert np.array_equal(before.tolerance, after.tolerance)
