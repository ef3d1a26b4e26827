from __future__ import annotations

import pytest

from stream_rcf.tuning.words import DAY, HOUR, MINUTE, count_of, duration, figure, usual_length


@pytest.mark.parametrize(
    ("milliseconds", "said"),
    [
        (DAY, "1 day"),
        (1.5 * HOUR, "1.5 hours"),
        (7 * DAY, "1 week"),
        (59.9 * MINUTE, "1 hour"),
        (30 * MINUTE, "30 minutes"),
        (250, "250 milliseconds"),
        (0.5, "0.5 milliseconds"),
    ],
)
def test_durations_are_said_in_their_largest_unit(milliseconds: float, said: str) -> None:
    assert duration(milliseconds) == said


def test_numbers_have_their_nouns_and_no_needless_digits() -> None:
    assert count_of(1, "key") == "1 key"
    assert count_of(1200, "event") == "1,200 events"
    assert count_of(0, "anomaly", "anomalies") == "0 anomalies"
    assert [figure(number) for number in (2.0, 0.33612, 123.4, 1e6)] == ["2", "0.336", "123", "1,000,000"]


def test_a_length_near_a_usual_one_is_that() -> None:
    assert usual_length(0.99 * DAY) == DAY
    assert usual_length(0.9 * DAY) == 0.9 * DAY
