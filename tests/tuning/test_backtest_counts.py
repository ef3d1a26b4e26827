from __future__ import annotations

from stream_rcf.tuning.backtest_counts import (
    FIRST_ALERTS,
    Alert,
    BacktestCounts,
    KeyCounts,
    SideTotal,
    total_of,
)

GAP = 3


def alert(event: int = 1) -> Alert:
    return Alert(event, event, 2.0, 0.999, 0.5, "value", 1.0, "")


def counted(a: str, b: str | None = None, labels: str = "", gap: int = GAP) -> KeyCounts:
    """Count a key whose events are letters: ``x`` is an alert; in ``labels`` an anomaly."""
    counts = BacktestCounts(1 if b is None else 2, gap)
    for place, letter in enumerate(a):
        sides = [letter, *([] if b is None else [b[place]])]
        is_labelled = labels[place : place + 1] == "x"
        counts.add("k", place * 1000, is_labelled, [alert() if one == "x" else None for one in sides])
    counts.finish()
    return counts.keys["k"]


def test_alerts_near_each_other_are_one_incident() -> None:
    found = counted("..xx..x....x")
    assert (found.events, found.span_ms) == (12, 11_000)
    assert (found.sides[0].alerts, found.sides[0].incidents) == (4, 2)


def test_incidents_of_two_sides_are_the_same_where_they_meet() -> None:
    found = counted("x.........x...x.........", "..x.................x...")
    assert (found.both, found.only) == (1, [2, 1])
    assert [side.incidents for side in found.sides] == [3, 2]


def test_one_side_alone_has_no_joint_incidents_with_another() -> None:
    found = counted("x......x")
    assert (found.both, found.only) == (0, [2, 0])


def test_labelled_anomalies_are_hit_within_or_shortly_after() -> None:
    found = counted("..x....", labels="..xx...")
    assert (found.anomalies, found.sides[0].hits, found.misses(0), found.sides[0].false_alarms) == (
        1,
        1,
        0,
        0,
    )
    late = counted("......x.", labels="..xx....")
    assert (late.sides[0].hits, late.sides[0].false_alarms) == (1, 0), "the shingle still holds it"
    too_late = counted("........x", labels="..xx.....")
    assert (too_late.sides[0].hits, too_late.misses(0), too_late.sides[0].false_alarms) == (0, 1, 1)


def test_an_incident_that_begins_before_an_anomaly_and_reaches_it_is_no_false_alarm() -> None:
    found = counted(".x.x.", labels="...x.")
    assert (found.sides[0].incidents, found.sides[0].hits, found.sides[0].false_alarms) == (1, 1, 0)


def test_each_anomaly_is_hit_once_and_each_false_alarm_counted() -> None:
    found = counted("xx....x.........xx....", labels="x.....x..............x", gap=2)
    assert (found.anomalies, found.sides[0].hits, found.misses(0)) == (3, 2, 1)
    assert found.sides[0].false_alarms == 1


def test_only_the_first_alerts_are_kept() -> None:
    found = counted("x" * 30)
    assert len(found.sides[0].first) == FIRST_ALERTS
    assert found.sides[0].alerts == 30


def test_keys_add_up() -> None:
    counts = BacktestCounts(2, GAP)
    for key in "ab":
        counts.add(key, None, key == "a", [alert(), None])
        counts.add(key, 500, False, [None, None])
        counts.add(key, 300, False, [None, None])
    counts.finish()
    total = total_of(counts)
    assert (total.events, total.keys, total.span_ms, total.anomalies) == (6, 2, 400, 1)
    assert (total.only, total.both) == ((2, 0), 0)
    assert total.sides[0] == SideTotal(2, 2, 2, 1, 0, 1)
    assert (total.sides[1].misses, total.sides[1].keys) == (1, 0)
