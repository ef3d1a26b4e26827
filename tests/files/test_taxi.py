"""New York's taxi counts through the command: what a shingle of a day sees, and what single counts see.

With 50 trees the rank of New Year's Day hangs on the random numbers: over 40 seeds it is 9 to 21, the median 13.5,
and 9 to 23, the median 14, for the AWS library (4.3.0); the day's highest score is 1.141 and 1.136 on average, with a
standard error of 0.006 each. So all four events are asked of the default seed, whose realisation holds them, and over
several seeds all four by the day's mean score, which hangs less on single trees, and three by its highest.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from statistics import fmean

from tests.cli.support import run_command
from tests.files.support import nab_file

MARATHON, CHRISTMAS, NEW_YEAR, BLIZZARD = "2014-11-02", "2014-12-25", "2015-01-01", "2015-01-27"
LEFT_OUT = 700  # rows: the forest of 512 samples fills up
TOP_DAYS = 14
SEED = 0
TOP_ROWS = 100  # the highest scores, about one in a hundred


@cache
def scored_days(shingle_size: int, seed: int) -> list[tuple[str, float]]:
    """Return day and score of each row but the first ones."""
    forest = {"trees": 50, "sample_size": 512, "shingle_size": shingle_size, "seed": seed}
    settings = [word for name, value in forest.items() for word in ("--set", f"forest.{name}={value}")]
    done = run_command("score", nab_file("realKnownCause/nyc_taxi.csv"), *settings)
    assert done.returncode == 0, done.stderr.decode()
    rows = list(csv.DictReader(done.stdout.decode().splitlines()))
    assert len(rows) == 10_320
    return [
        (f"{datetime.fromtimestamp(int(row['timestamp']) / 1000, UTC):%Y-%m-%d}", float(row["anomaly_score"]))
        for row in rows[LEFT_OUT:]
    ]


def highest_days(shingle_size: int, seed: int, measure: Callable[[list[float]], float] = max) -> list[str]:
    """Return the days of highest score, the highest first."""
    scores: dict[str, list[float]] = defaultdict(list)
    for day, score in scored_days(shingle_size, seed):
        scores[day].append(score)
    return sorted(scores, key=lambda day: -measure(scores[day]))


def days_of_highest_rows(shingle_size: int, seed: int) -> int:
    """Return on how many days the ``TOP_ROWS`` highest scores fall: few for a clear picture, many for a noisy one."""
    highest = sorted(scored_days(shingle_size, seed), key=lambda row: -row[1])[:TOP_ROWS]
    return len({day for day, _ in highest})


def test_the_fourteen_highest_days_of_a_daily_shingle_hold_all_four_events() -> None:
    assert {MARATHON, CHRISTMAS, NEW_YEAR, BLIZZARD} <= set(highest_days(48, SEED)[:TOP_DAYS])


def test_other_seeds_find_them_too() -> None:
    for seed in (1, 2, 3):
        assert {MARATHON, CHRISTMAS, BLIZZARD} <= set(highest_days(48, seed)[:TOP_DAYS])
        assert {MARATHON, CHRISTMAS, NEW_YEAR, BLIZZARD} <= set(highest_days(48, seed, fmean)[:TOP_DAYS])


def test_single_counts_give_a_far_noisier_picture() -> None:
    for seed in (SEED, 1):
        assert days_of_highest_rows(48, seed) <= 10
        assert days_of_highest_rows(1, seed) >= 40
