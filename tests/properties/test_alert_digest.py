"""Digests do not depend on how the stream is cut or saved, lose no alert, and are those of a slow twin."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import NamedTuple

from hypothesis import event, given
from hypothesis import strategies as st

from stream_rcf.pipeline.alert_digest import KEPT_FOR_EACH, AlertDigest
from stream_rcf.pipeline.alert_storm import Alert, mark_of
from tests.properties.generated import bounded

SPAN = 60


class Seen(NamedTuple):
    """One event, with its alert if it has one."""

    timestamp: int
    key: str
    is_alert: bool
    grade: float


class Outcome(NamedTuple):
    """What was told: at which event, whether held, and what of a storm."""

    at: int
    is_held: bool | None  # None for no alert
    told: tuple[object, ...]


@st.composite
def streams(draw: st.DrawFn) -> list[Seen]:
    """Time goes on by fits and starts; storms, quiet stretches, and now and then a clock that is wrong."""
    generator = random.Random(draw(st.integers(0, 2**32 - 1)))
    time, seen = 1_767_225_600_000, []
    for _ in range(draw(st.integers(1, 6))):
        share, keys = draw(st.sampled_from([0.0, 0.1, 0.5, 1.0])), draw(st.integers(1, 8))
        for _ in range(draw(st.integers(1, 25))):
            time += generator.choice([0, 1, 2, 5, 20, 61])
            wrong = generator.choice([0] * 9 + [-200, 40, 10**9])
            key, grade = f"k{generator.randrange(keys)}", generator.randint(1, 4) / 4
            seen.append(Seen(time + wrong, key, generator.random() < share, grade))
    return seen


def alert_of(seen: Seen, at: int) -> Alert:
    mark = mark_of(seen.key)
    return Alert(mark, seen.key, seen.timestamp, 1.0, seen.grade, mark, f"events:0:{at}", seen.key)


def outcomes(digest: AlertDigest, seen: Iterable[Seen], first: int = 0) -> list[Outcome]:
    found = []
    for at, one in enumerate(seen, first):
        told: list[object] = [digest.pass_event(one.timestamp)]
        is_held = None
        if one.is_alert:
            verdict = digest.take(alert_of(one, at), opens_incident=True)
            is_held = verdict.is_held
            told.append(verdict.opened)
        told.append(digest.is_end_told(mark_of(one.key)) if at % 7 == 0 else None)
        found.append(Outcome(at, is_held, tuple(told)))
    return found


def new_digest(keys: int) -> AlertDigest:
    return AlertDigest(keys, SPAN, follows_incidents=True)


@bounded(300)
@given(streams(), st.integers(2, 5), st.lists(st.integers(0, 200), max_size=4))
def test_saved_and_restored_anywhere_it_tells_the_same(seen: list[Seen], keys: int, cuts: list[int]) -> None:
    whole = new_digest(keys)
    expected = outcomes(whole, seen)
    places = sorted(min(cut, len(seen)) for cut in cuts)
    digest, found = new_digest(keys), []
    for begin, end in zip([0, *places], [*places, len(seen)], strict=True):
        restored = new_digest(keys)
        restored.restore(digest.document(), "here")
        assert restored.document() == digest.document()
        found += outcomes(restored, seen[begin:end], begin)
        digest = restored
    assert found == expected
    assert digest.document() == whole.document()


@bounded(300)
@given(streams(), st.integers(2, 5))
def test_it_is_what_a_slow_twin_says(seen: list[Seen], keys: int) -> None:
    digest, recent, lately = new_digest(keys), [], []
    clock: int | None = None  # of the storm
    storms = 0
    for at, one in enumerate(seen):
        closed = digest.pass_event(one.timestamp)
        if clock is not None:
            clock = max(clock, min(one.timestamp, clock + SPAN // keys))
            is_over = 2 * len({key for key, when in lately if when > clock - SPAN}) < keys
            assert (closed is not None) is is_over
            if is_over:
                clock, recent, lately = None, [], []
        else:
            assert closed is None
        if not one.is_alert:
            continue
        verdict = digest.take(alert_of(one, at), opens_incident=True)
        assert verdict.is_held is digest.has_storm
        if clock is not None:
            assert verdict == (True, None)
            lately.append((one.key, clock))
            continue
        recent = [*(pair for pair in recent if pair[0] != one.key), (one.key, one.timestamp)]
        recent = recent[-KEPT_FOR_EACH * keys :]
        starts = [when for _, when in recent if when <= one.timestamp <= when + SPAN]
        together = [[p for p in recent if start <= p[1] <= start + SPAN] for start in sorted(starts)]
        largest = max(together, key=len)
        assert (verdict.opened is not None) is (len(largest) >= keys)
        if verdict.opened is not None:
            storms += 1
            assert verdict.opened.keys == len(largest)
            assert verdict.opened.first == min(when for _, when in largest)
            clock = max(when for _, when in largest)
            lately = [(key, clock) for key, _ in largest]
    event(f"storms: {min(storms, 3)}")


@bounded(200)
@given(streams(), st.integers(2, 5))
def test_no_alert_is_lost_and_every_storm_has_two_digests(seen: list[Seen], keys: int) -> None:
    digest = new_digest(keys)
    held, told = 0, []
    for at, one in enumerate(seen):
        closed = digest.pass_event(one.timestamp)
        if closed is not None:
            told.append(closed)
            assert closed.held == held
            held = 0
        if one.is_alert:
            verdict = digest.take(alert_of(one, at), opens_incident=True)
            held += verdict.is_held
            if verdict.opened is not None:
                told.append(verdict.opened)
    assert [one.is_over for one in told] == [bool(place % 2) for place in range(len(told))]
    assert len({one.digest_id for one in told}) == (len(told) + 1) // 2
    assert digest.has_storm is bool(len(told) % 2)
    assert digest.has_storm or held == 0
