from __future__ import annotations

import orjson
import pytest

from stream_rcf.pipeline import alert_storm
from stream_rcf.pipeline.alert_storm import MOST_FEATURES, MOST_STRONGEST, Alert, Storm, mark_of

SPAN = 60_000


def alert(
    key: str, timestamp: int = 0, grade: float = 0.5, score: float = 1.0, feature: str = "cpu"
) -> Alert:
    return Alert(mark_of(key), key, timestamp, score, grade, mark_of(f"i{key}"), f"events:0:{key}", feature)


def storm_of(*alerts: Alert, followed: int = 2) -> Storm:
    storm = Storm("events:0:1", 0, 0)
    for one in alerts:
        storm.add(one, followed, is_held=True)
    return storm


def test_a_digest_says_what_came_together() -> None:
    storm = Storm("events:0:1", 1000, 2000)
    storm.add(alert("a", 1000, 0.2), 2, is_held=False)
    storm.add(alert("b", 5000, 0.9, feature="disk"), 2, is_held=True)
    storm.add(alert("a", 3000, 0.4, feature="disk"), 2, is_held=True)
    told = storm.digest(is_over=False)
    assert (told.digest_id, told.is_over, told.first, told.last) == ("events:0:1", False, 1000, 5000)
    assert (told.held, told.keys, told.has_more_keys) == (2, 2, False)
    assert [(one.key, one.grade) for one in told.strongest] == [("b", 0.9), ("a", 0.4)]
    assert list(told.features.items()) == [("disk", 2), ("cpu", 1)]
    assert storm.digest(is_over=True) == told._replace(is_over=True)


def test_the_strongest_are_one_for_each_key_and_of_equals_the_first() -> None:
    alerts = [alert(f"k{i}", i, (i % 25) / 25, i / 7) for i in range(200)]
    alerts += [
        alert("k24", 500, 1.0),
        alert("k24", 501, 0.5),
        alert("late", 502, 1.0),
        alert("late", 503, 1.0),
    ]
    found = storm_of(*alerts).digest(is_over=True).strongest
    best: dict[str, Alert] = {}
    for one in alerts:
        if one.key not in best or best[one.key].strength < one.strength:
            best[one.key] = one
    expected = sorted(best.values(), key=lambda one: (-one.grade, -one.score, alerts.index(one)))
    assert list(found) == expected[:MOST_STRONGEST]


def test_features_are_told_the_most_often_first_and_not_all() -> None:
    alerts = [alert("a", feature=f"f{i}") for i in range(30) for _ in range(i // 2)]
    features = storm_of(*alerts).digest(is_over=True).features
    assert list(features.items())[:3] == [("f28", 14), ("f29", 14), ("f26", 13)]
    assert len(features) == MOST_FEATURES


def test_keys_are_counted_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_storm, "MOST_COUNTED_KEYS", 5)
    five = storm_of(*(alert(f"k{i}") for i in range(5)), alert("k0"))
    assert (five.digest(is_over=True).keys, five.digest(is_over=True).has_more_keys) == (5, False)
    six = storm_of(*(alert(f"k{i}") for i in range(6)))
    assert (six.digest(is_over=True).keys, six.digest(is_over=True).has_more_keys) == (5, True)


def test_no_event_moves_the_clock_by_more_than_a_step_nor_back() -> None:
    storm = storm_of(alert("a"))
    for timestamp, clock in ((4, 4), (2, 4), (9, 9), (2**62, 19), (-(2**62), 19), (18, 19), (20, 20)):
        storm.move_clock(timestamp, 10)
        assert storm.clock == clock


def test_it_is_over_when_too_few_keys_had_an_alert_lately() -> None:
    storm = storm_of(alert("a"), alert("b"), followed=2)
    for at, key in ((30, "b"), (50, "b"), (80, "b")):
        storm.move_clock(at * 1000, SPAN)
        assert storm.is_over(SPAN) is (at >= 60), "one key alone does not keep it going"
        storm.add(alert(key), 2, is_held=True)
    storm.add(alert("c"), 2, is_held=True)
    assert not storm.is_over(SPAN)
    storm.move_clock(139_999, SPAN)
    assert not storm.is_over(SPAN)
    storm.move_clock(140_000, SPAN)
    assert storm.is_over(SPAN)


def test_what_counts_is_when_a_key_had_its_latest_alert() -> None:
    storm = storm_of(alert("a"), alert("b"), followed=2)
    for at, key in ((30, "a"), (40, "c")):
        storm.move_clock(at * 1000, SPAN)
        storm.add(alert(key), 2, is_held=True)
    storm.move_clock(89_999, SPAN)
    assert not storm.is_over(SPAN), "a at 30 and c at 40 are the latest two"
    storm.move_clock(90_000, SPAN)
    assert storm.is_over(SPAN)


def test_a_saved_storm_goes_on_the_same() -> None:
    storm = storm_of(*(alert(f"k{i}", i, i / 40, i / 3, f"f{i % 3}") for i in range(40)), followed=7)
    storm.move_clock(5000, SPAN)
    text = orjson.dumps(storm.document())
    again = Storm.from_document(orjson.loads(text), 7)
    assert orjson.dumps(again.document()) == text
    for one in (storm, again):
        one.move_clock(50_000, SPAN)
        one.add(alert("new", 9, 1.0), 7, is_held=True)
    assert again.digest(is_over=True) == storm.digest(is_over=True)
    assert orjson.dumps(again.document()) == orjson.dumps(storm.document())
    assert len(Storm.from_document(orjson.loads(text), 3).document()["latest"]) == 3  # type: ignore[arg-type] # -- JSON
