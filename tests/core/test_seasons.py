"""What goes with the time of the day and of the week is taken off, as a plain twin does it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from stream_rcf.core.detector import Detector
from stream_rcf.core.model import model_of, past_words
from stream_rcf.core.parameters import DetectorParameters, ForestParameters
from stream_rcf.core.preprocessing import Preprocessing, Transform
from stream_rcf.core.seasons import MOST_VISITS, is_sound_past, local_ms
from stream_rcf.errors import UsageError
from stream_rcf.time_zones import EARLIEST, LATEST

HOUR = 3_600_000
WEEK = 168 * HOUR
SMALL = {"trees": 5, "sample_size": 32, "shingle_size": 3, "seed": 4}
BEFORE_SUMMER_TIME = 1_774_000_000_000  # 2026-03-20, nine days before Berlin's clocks go forward
BERLIN = "Europe/Berlin"


class NaiveHours:
    """Usual values by hour, the plain way."""

    def __init__(self, hours: int) -> None:
        self.usual, self.visits = [0.0] * hours, [0.0] * hours

    def near(self, local: int) -> list[tuple[int, float]]:
        place = (local / HOUR - 0.5) % len(self.usual)
        before = int(place)
        return [(before, 1.0 - place % 1.0), ((before + 1) % len(self.usual), place % 1.0)]

    def at(self, local: int) -> float:
        return sum(weight * self.usual[hour] for hour, weight in self.near(local))

    def learn(self, local: int, left: float, spent: float) -> None:
        for hour, weight in self.near(local):
            self.visits[hour] = min(MOST_VISITS, self.visits[hour] + weight * spent)
            self.usual[hour] += weight * spent / (self.visits[hour] + 1.0) * (left - self.usual[hour])


def naive(values: list[float], timestamps: list[int], zone: str, *, weekly: bool) -> Iterator[float]:
    """Each value less what is usual at its time, by those before it."""
    day, week = NaiveHours(24), NaiveHours(168)
    average, before = values[0], timestamps[0] - HOUR
    for count, (value, timestamp) in enumerate(zip(values, timestamps, strict=True), 1):
        clock = datetime.fromtimestamp(timestamp / 1000, ZoneInfo(zone))
        local = ((clock.weekday() * 24 + clock.hour) * 60 + clock.minute) * 60_000 + timestamp % 60_000
        by_day = day.at(local)
        yield value - average - by_day - (week.at(local) if weekly else 0.0)
        spent = min(1.0, max(0.0, (timestamp - before) / HOUR))
        day.learn(local, value - average, spent)
        week.learn(local, value - average - by_day, spent)
        average += max(spent / 168.0, 1.0 / count) * (value - average)
        before = max(before, timestamp)


def steps(random: np.random.Generator, count: int) -> list[int]:
    """Times some minutes to some hours apart, a few of them going back."""
    pauses = random.choice([1_234, 600_000, 2_400_000, 4_000_000, -5_000], count)
    return (BEFORE_SUMMER_TIME + np.cumsum(pauses)).tolist()


@pytest.mark.parametrize("weekly", [False, True])
@pytest.mark.parametrize("zone", ["UTC", BERLIN, "Asia/Kathmandu"])
def test_scores_are_those_of_what_is_left(zone: str, weekly: bool) -> None:
    random = np.random.default_rng(3)
    times = steps(random, 1200)
    clock = (np.array(times) % (24 * HOUR)) / (24 * HOUR)
    values = (50.0 + 40.0 * np.sin(2 * np.pi * clock) + random.normal(size=1200)).astype(np.float32)
    name = "subtract_time_of_week" if weekly else "subtract_time_of_day"
    subject = Detector(transforms={"value": name}, time_zone=zone, **SMALL)
    twin = Detector(**SMALL)

    left = naive(values.tolist(), times, zone, weekly=weekly)
    for value, timestamp, rest in zip(values.tolist(), times, left, strict=True):
        found = subject.process({"value": value}, timestamp)
        expected = twin.process({"value": rest}, timestamp)
        assert found["anomaly_score"] == pytest.approx(expected["anomaly_score"], rel=1e-4, abs=1e-9)


def test_a_value_of_the_day_at_night_is_an_alert_and_what_was_usual_is_told() -> None:
    random = np.random.default_rng(5)
    times = BEFORE_SUMMER_TIME + np.arange(5 * 7 * 24 * 4) * (HOUR // 4)
    hours = (times // HOUR) % 24
    values = np.where((hours >= 8) & (hours < 20), 100.0, 20.0) + random.normal(size=times.size)
    night = int(np.flatnonzero(hours == 2)[-2])
    values[night] = 100.0
    subject = Detector(transforms={"value": "subtract_time_of_day"}, seed=1)
    plain = Detector(seed=1)
    told, unaware = (
        [each.process({"value": float(v)}, int(t)) for v, t in zip(values, times, strict=True)][night]
        for each in (subject, plain)
    )

    assert told["is_anomaly"]
    assert not unaware["is_anomaly"]
    assert told["expected_values"]["value"] == pytest.approx(20.0, abs=5.0)
    assert told["values"]["value"] == 100.0


def test_local_time_is_what_the_clock_on_the_wall_says() -> None:
    random = np.random.default_rng(1)
    for zone in ("UTC", BERLIN, "Australia/Lord_Howe", "America/St_Johns"):
        preprocessing = Preprocessing((Transform.SUBTRACT_TIME_OF_DAY,), time_zone=zone)
        model = model_of(DetectorParameters(("a",), ForestParameters(), preprocessing=preprocessing))
        for second in random.integers(EARLIEST // 1000, LATEST // 1000, 300).tolist():
            clock = datetime.fromtimestamp(second, ZoneInfo(zone))
            since_monday = ((clock.weekday() * 24 + clock.hour) * 60 + clock.minute) * 60 + clock.second
            assert local_ms(model, second * 1000) == since_monday * 1000


@pytest.mark.parametrize("quick", [False, True])
def test_it_goes_on_from_what_was_saved_with_the_same_bits(quick: bool) -> None:
    random = np.random.default_rng(9)
    options = {"transforms": {"a": "subtract_time_of_week", "b": "log"}, "time_zone": BERLIN, **SMALL}
    first, second = Detector(["a", "b"], **options), Detector(["a", "b"], **options)
    for i, (timestamp, row) in enumerate(
        zip(steps(random, 400), random.exponential(9.0, (400, 2)), strict=True)
    ):
        record = {"a": float(row[0]), "b": float(row[1])}
        if i % 97 == 96:
            second.restore(second.to_bytes(quick=quick))
        assert first.process(record, timestamp) == second.process(record, timestamp)


def test_what_no_block_holds_is_refused() -> None:
    words = past_words((Transform.SUBTRACT_TIME_OF_WEEK,))
    past = np.zeros((1, words))
    assert is_sound_past(past)
    for place, value in ((0, 1e40), (10, -1e40), (30, -1.0), (30, 7.0), (100, 1e40), (300, 7.0)):
        damaged = past.copy()
        damaged[0, place] = value
        assert not is_sound_past(damaged)


def test_another_zone_or_season_has_another_fingerprint() -> None:
    def of(name: str, zone: str = "UTC") -> Detector:
        return Detector(transforms={"value": name}, time_zone=zone, **SMALL)

    daily = of("subtract_time_of_day")
    others = [of("subtract_time_of_week"), of("subtract_average"), of("subtract_time_of_day", BERLIN)]
    assert len({each.parameters.fingerprint() for each in (daily, *others)}) == 4
    assert of("log").parameters.fingerprint() == of("log", BERLIN).parameters.fingerprint()


def test_a_zone_that_there_is_none_of_is_refused() -> None:
    with pytest.raises(UsageError, match="time_zone is 'Mars/Olympus', but must be a time zone such as"):
        Detector(time_zone="Mars/Olympus")


def test_a_key_that_was_idle_begins_without_seasons() -> None:
    options = {
        "transforms": {"value": "subtract_time_of_day"},
        "retire_after_seconds": 3600.0,
        "key": "a",
        **SMALL,
    }
    used, fresh = Detector(**options), Detector(**options)
    for i in range(60):
        used.process({"value": float(i % 24)}, i * HOUR // 2)
    late = 100 * WEEK
    for i in range(60):
        record, timestamp = {"value": float(i % 7)}, late + i * HOUR // 2
        found, expected = used.process(record, timestamp), fresh.process(record, timestamp)
        assert found["threshold"] == expected["threshold"]
        assert found["anomaly_score"] == expected["anomaly_score"] or i == 0
