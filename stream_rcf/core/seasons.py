"""What is usual for a feature at this time of the day or of the week, by the clocks of a time zone.

A number for each hour, between whose middles the usual value is a straight line. It is an average over the last visits
to that hour, each of which counts by the time that events spent there, not by how many there were. The hours of a day
tell what is added to the average of about a week; those of a week what is added to that. Each begins at 0, which counts
for one visit, so that what is hardly known hardly counts.
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.ascending import last_at_most
from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.model import DAY_BINS, PLAIN_WORDS, SEASON_BIN_WORDS, WEEK_BINS, Model
from stream_rcf.core.units import LARGEST_FLOAT32

PREVIOUS, AVERAGE = 0, 1  # columns of a block's past
DAY = PLAIN_WORDS  # where the hours of the day begin: what is usual, then visits
WEEK = DAY + SEASON_BIN_WORDS * DAY_BINS

HOUR_MS = 3_600_000
WEEK_MS = 168 * HOUR_MS
THURSDAY_MS = 72 * HOUR_MS  # 1970 began on one, a week begins on Monday
# Visits that an hour remembers, about: of the day a week, so that its five working days and two others are all in it;
# of the week seven weeks. Fewer follow a change sooner, more are steadier: scores differ little from 3 to 10.
MOST_VISITS = 6.0
MOST_USUAL = 8.0 * LARGEST_FLOAT32  # differences of differences of numbers within float32 stay below it


@inlined_kernel
def local_ms(model: Model, timestamp: int) -> int:
    """What the clock on the wall says, in ms since Monday 00:00 of some week; 0 where no transform asks."""
    count = model.clock_since.shape[0]
    if count == 0:
        return 0
    change = last_at_most(model.clock_since, count, timestamp)
    return (timestamp + model.clock_offset[change] + THURSDAY_MS) % WEEK_MS


@kernel
def usual_at(past: np.ndarray, is_weekly: bool, local: int) -> float:
    """What is usual at the local time ``local``, see ``local_ms``, for the feature with this past."""
    usual = past[AVERAGE] + _between_hours(past, DAY, DAY_BINS, local)
    if is_weekly:
        usual += _between_hours(past, WEEK, WEEK_BINS, local)
    return usual


@kernel
def learn_season(
    past: np.ndarray, is_weekly: bool, value: float, local: int, pause: int, events_seen: int
) -> None:
    """Take a value in, ``pause`` ms after the one before it."""
    spent = min(1.0, max(0.0, np.float64(pause) / HOUR_MS))
    left = value - past[AVERAGE]
    by_day = _between_hours(past, DAY, DAY_BINS, local)
    _learn_hours(past, DAY, DAY_BINS, local, left, spent)
    if is_weekly:
        _learn_hours(past, WEEK, WEEK_BINS, local, left - by_day, spent)
    # The plain mean of the first events, then one over a week.
    past[AVERAGE] += max(spent * HOUR_MS / WEEK_MS, 1.0 / (events_seen + 1.0)) * left


@kernel
def take_off(
    past: np.ndarray, is_weekly: bool, local: np.ndarray, pauses: np.ndarray, values: np.ndarray
) -> None:
    """Let each of ``values`` (n,) float64 be what is left of it, at ``local`` (n,) int64, see ``local_ms``.

    ``past`` (words,) is 0 at first; ``pauses`` (n,) int64 ms are those before each event.
    """
    for event in range(values.shape[0]):
        value = values[event]
        if event == 0:
            past[AVERAGE] = value
        values[event] = value - usual_at(past, is_weekly, local[event])
        learn_season(past, is_weekly, value, local[event], pauses[event], event)


@inlined_kernel
def _hours(bins: int, local: int) -> tuple[int, int, float]:
    """The hours before and after whose middles the time lies, and the share of the latter."""
    shifted = (local - HOUR_MS // 2) % (bins * HOUR_MS)
    before = shifted // HOUR_MS
    share = np.float64(shifted - before * HOUR_MS) / HOUR_MS
    return before, before + 1 if before + 1 < bins else 0, share


@inlined_kernel
def _between_hours(past: np.ndarray, first: int, bins: int, local: int) -> float:
    before, after, share = _hours(bins, local)
    return (1.0 - share) * past[first + before] + share * past[first + after]


@inlined_kernel
def _learn_hours(past: np.ndarray, first: int, bins: int, local: int, left: float, spent: float) -> None:
    before, after, share = _hours(bins, local)
    _learn_hour(past, first + before, first + bins + before, left, spent * (1.0 - share))
    _learn_hour(past, first + after, first + bins + after, left, spent * share)


@inlined_kernel
def _learn_hour(past: np.ndarray, hour: int, visits: int, left: float, share: float) -> None:
    past[visits] = min(MOST_VISITS, past[visits] + share)
    past[hour] += share / (past[visits] + 1.0) * (left - past[hour])


def is_sound_past(past: np.ndarray) -> bool:
    """Whether it can be the past (features, words) of some block."""
    usual = [past[:, :DAY], past[:, DAY : DAY + DAY_BINS], past[:, WEEK : WEEK + WEEK_BINS]]
    visits = [past[:, DAY + DAY_BINS : WEEK], past[:, WEEK + WEEK_BINS :]]
    return all(bool((np.abs(part) <= MOST_USUAL).all()) for part in usual) and all(
        bool(((part >= 0.0) & (part <= MOST_VISITS)).all()) for part in visits
    )
