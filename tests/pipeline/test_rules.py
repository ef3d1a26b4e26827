from __future__ import annotations

import math
from fnmatch import fnmatchcase

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_rcf.pipeline.events import Event
from stream_rcf.pipeline.quiet_times import Spans, WeeklyTimes, WeeklyWindow
from stream_rcf.pipeline.rules import BOTH, DROP, RISE, Rule, RuledBatch, RuleSet

FEATURES = ("cpu", "latency")
MONDAY_NOON = 1_796_040_000_000  # 2026-11-30T12:00:00Z
ALL = (0, 1)


def judged(rules: RuleSet, events: list[Event]) -> RuledBatch | None:
    values = np.array([event.values for event in events], np.float64)
    return rules.judge(events, values, np.array([event.timestamp for event in events], np.int64))


def one(
    rule: Rule, *values: float, key: str = "web-1", timestamp: int = 0
) -> tuple[list[int], list[list[float]]]:
    """What one rule says of one event: what is muted, and the tolerance, by feature."""
    ruled = judged(RuleSet([rule], FEATURES), [Event(key, timestamp, values)])
    if ruled is None:
        return [0, 0], [[0.0, 0.0], [0.0, 0.0]]
    return ruled.muted[0].tolist(), ruled.tolerance[0].tolist()


NOTHING = ([0, 0], [[0.0, 0.0], [0.0, 0.0]])


def test_only_rises_or_only_drops() -> None:
    assert one(Rule("r", ("*",), (1,), muted=DROP), 1.0, 1.0) == ([0, DROP], NOTHING[1])
    assert one(Rule("r", ("*",), (0,), muted=RISE), 1.0, 1.0) == ([RISE, 0], NOTHING[1])


def test_a_rule_is_about_the_keys_it_names() -> None:
    rule = Rule("r", ("web-*", "db"), ALL, muted=DROP)

    assert one(rule, 1.0, 1.0, key="web-9")[0] == [DROP, DROP]
    assert one(rule, 1.0, 1.0, key="db")[0] == [DROP, DROP]
    assert one(rule, 1.0, 1.0, key="db-1") == NOTHING


def test_the_larger_of_a_distance_and_a_share_is_tolerated() -> None:
    rule = Rule("r", ("*",), (0,), above=3.0, above_ratio=0.2, below_ratio=0.5)

    assert one(rule, 10.0, 10.0)[1] == [[3.0, 5.0], [0.0, 0.0]]
    assert one(rule, -100.0, 10.0)[1] == [[20.0, 50.0], [0.0, 0.0]]
    assert one(rule, 0.0, 10.0)[1] == [[3.0, 0.0], [0.0, 0.0]]


def test_values_that_are_too_small_or_too_large_to_matter() -> None:
    rule = Rule("r", ("*",), (1,), least=5.0, most=90.0)

    found = [one(rule, 1.0, value)[0] for value in (4.9, 5.0, 90.0, 90.1, math.nan)]
    assert found == [[0, BOTH], [0, 0], [0, 0], [0, BOTH], [0, 0]]


def test_a_missing_value_has_no_share_but_keeps_the_distance() -> None:
    assert one(Rule("r", ("*",), ALL, above=3.0, above_ratio=0.2), math.nan, 20.0)[1] == [
        [3.0, 0.0],
        [4.0, 0.0],
    ]


def test_quiet_times_mute_both_directions_of_the_rule_s_features() -> None:
    noon = WeeklyTimes([WeeklyWindow((0,), 12 * 60, 13 * 60, "UTC")])
    planned = Spans([(MONDAY_NOON - 1000, MONDAY_NOON)])
    rule = Rule("r", ("*",), (1,), quiet=(noon, planned))

    found = [
        one(rule, 1.0, 1.0, timestamp=MONDAY_NOON + offset)[0]
        for offset in (-1001, -1000, -1, 0, 3_599_999, 3_600_000)
    ]
    quiet = [0, BOTH]
    assert found == [[0, 0], quiet, quiet, quiet, quiet, [0, 0]]


def test_muting_adds_up_and_the_larger_tolerance_holds() -> None:
    rules = RuleSet(
        [
            Rule("a", ("*",), ALL, muted=DROP, above=1.0, least=5.0),
            Rule("b", ("web-*",), (1,), muted=RISE, above=4.0, below_ratio=0.1, least=2.0),
            Rule("c", ("db-*",), ALL, muted=BOTH),
        ],
        FEATURES,
    )

    ruled = judged(
        rules, [Event("web-1", 0, (3.0, 50.0)), Event("db-1", 0, (9.0, 9.0)), Event("x", 0, (9.0, 4.0))]
    )

    assert ruled is not None
    assert ruled.muted.tolist() == [[BOTH, BOTH], [BOTH, BOTH], [DROP, BOTH]]
    assert ruled.tolerance.tolist() == [[[1, 0], [4, 5]], [[1, 0], [1, 0]], [[1, 0], [1, 0]]]
    assert (ruled.muted.dtype, ruled.tolerance.dtype) == (np.uint8, np.float64)


def test_a_rule_about_one_feature_masks_no_other() -> None:
    every_setting = Rule("r", ("*",), (0,), BOTH, 1.0, 1.0, 1.0, 1.0, 100.0, -100.0, (Spans([(0, 10)]),))

    ruled = judged(RuleSet([every_setting], FEATURES), [Event("k", 5, (1.0, 1.0))])

    assert ruled is not None
    assert (ruled.muted[0].tolist(), ruled.tolerance[0, 1].tolist()) == ([BOTH, 0], [0.0, 0.0])


def test_there_is_nothing_where_no_rule_holds_anything_back() -> None:
    rules = RuleSet([Rule("r", ("web-*",), ALL, least=5.0)], FEATURES)

    assert judged(rules, [Event("db", 0, (1.0, 1.0))]) is None
    assert judged(rules, [Event("web-1", 0, (6.0, 6.0))]) is None
    assert judged(rules, [Event("web-1", 0, (6.0, 4.0))]) is not None
    assert judged(RuleSet([], FEATURES), [Event("web-1", 0, (6.0, 4.0))]) is None


WINDOWS = st.builds(
    WeeklyWindow, st.sets(st.integers(0, 6), min_size=1).map(tuple), st.just(0), st.just(720), st.just("UTC")
)
NUMBERS = st.floats(0, 100)
SPANS = st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), max_size=3)
RULES = st.builds(
    Rule,
    st.just("r"),
    st.lists(st.sampled_from(["*", "a", "a*", "*b", "?b", "[ac]*"]), min_size=1, max_size=2).map(tuple),
    st.sets(st.integers(0, 2), min_size=1).map(tuple),
    st.integers(0, 3),
    NUMBERS,
    NUMBERS,
    st.floats(0, 2),
    st.floats(0, 2),
    st.sampled_from([-math.inf, 0.0, 5.0]),
    st.sampled_from([math.inf, 50.0]),
    st.tuples(st.lists(WINDOWS, max_size=2).map(WeeklyTimes), SPANS.map(Spans)),
    st.none() | st.lists(WINDOWS, max_size=2).map(WeeklyTimes),
)
VALUES = st.floats(-100, 100) | st.just(math.nan)
EVENTS = st.lists(
    st.builds(
        Event,
        st.sampled_from(["a", "b", "ab", "c"]),
        st.integers(0, 10**9),
        st.tuples(VALUES, VALUES, VALUES),
    ),
    min_size=1,
    max_size=10,
)


def slowly(rule: Rule, event: Event, feature: int) -> tuple[int, float, float]:
    """What one rule says of one feature of one event, in the order in which a person would read it."""
    value = event.values[feature]
    if feature not in rule.features or not any(fnmatchcase(event.key, pattern) for pattern in rule.keys):
        return 0, 0.0, 0.0
    minute = (event.timestamp // 60_000 + 3 * 1440) % 10_080
    holds = rule.during is None or any(minutes[minute] for minutes in rule.during._minutes.values())
    muted = rule.muted if holds else 0
    if holds and (value < rule.least or value > rule.most):
        muted = BOTH
    weekly, spans = rule.quiet
    edges = spans._edges.tolist()
    in_span = any(begin <= event.timestamp < end for begin, end in zip(edges[::2], edges[1::2], strict=True))
    if in_span or any(minutes[minute] for minutes in weekly._minutes.values()):
        muted = BOTH
    if not holds:
        return muted, 0.0, 0.0
    magnitude = 0.0 if math.isnan(value) else abs(value)
    return muted, max(rule.above, rule.above_ratio * magnitude), max(rule.below, rule.below_ratio * magnitude)


@settings(deadline=None)
@given(st.lists(RULES, max_size=5), EVENTS)
def test_a_batch_is_judged_as_each_event_by_itself(rules: list[Rule], events: list[Event]) -> None:
    muted = np.zeros((len(events), 3), np.uint8)
    tolerance = np.zeros((len(events), 3, 2))
    for row, event in enumerate(events):
        for feature in range(3):
            for rule in rules:
                bits, above, below = slowly(rule, event, feature)
                muted[row, feature] |= bits
                tolerance[row, feature] = np.maximum(tolerance[row, feature], (above, below))

    rule_set = RuleSet(rules, ("x", "y", "z"))
    for _ in range(2):  # keys that are new, and keys that are known
        ruled = judged(rule_set, events)
        if ruled is None:
            assert not muted.any()
            assert not tolerance.any()
        else:
            assert np.array_equal(ruled.muted, muted)
            assert np.array_equal(ruled.tolerance, tolerance)


@settings(deadline=None)
@given(st.lists(RULES, max_size=5), EVENTS, st.booleans(), st.floats(0, 100))
def test_the_names_are_those_of_the_rules_that_hold_it_back(
    rules: list[Rule], events: list[Event], rises: bool, distance: float
) -> None:
    named = [
        Rule(f"r{index}", *(getattr(rule, name) for name in list(rule.__dataclass_fields__)[1:]))
        for index, rule in enumerate(rules)
    ]
    rule_set = RuleSet(named, ("x", "y", "z"))
    for event in events:
        expected = []
        for rule in named:
            muted, above, below = slowly(rule, event, 1)
            tolerated = above if rises else below
            if muted & (RISE if rises else DROP) or 0 < tolerated >= distance:
                expected.append(rule.name)

        assert rule_set.names_for(event, 1, rises=rises, distance=distance) == ",".join(expected)


def test_without_a_direction_and_a_distance_every_rule_that_may_be_it_is_named() -> None:
    rules = RuleSet(
        [
            Rule("rises-only", ("*",), ALL, muted=DROP),
            Rule("near", ("web-*",), (1,), above=5.0),
            Rule("other-key", ("db",), ALL, muted=BOTH),
            Rule("other-feature", ("*",), (0,), muted=BOTH),
        ],
        FEATURES,
    )
    event = Event("web-1", 0, (1.0, 1.0))

    assert rules.names_for(event, 1) == "rises-only,near"
    assert rules.names_for(event, 1, rises=True) == "near"
    assert rules.names_for(event, 1, rises=True, distance=5.1) == ""
    assert rules.names_for(event, 1, rises=False) == "rises-only"
