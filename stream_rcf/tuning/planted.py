"""Whether a longer shingle helps, measured on the sample itself.

The forest learns the first half of a series and is asked about the second, once as it is and once with planted
anomalies: stretches whose values are all ordinary, but not there. They come from another time, repeat one value, or run
backward. They are as long as the longest shingle, for that is what it is there for: to know a whole day's shape, and
tell a day of another shape. Shorter disturbances are better seen by shorter shingles, and extreme values by the
detector's baseline, with any shingle. A planted stretch counts as found to the degree that its highest score exceeds
the highest scores of stretches as they are: 1 if it exceeds all of them, one half for chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stream_rcf.core.forest import RandomCutForest
from stream_rcf.core.parameters import ForestParameters
from stream_rcf.core.random_stream import key_seed
from stream_rcf.tuning.sample import Floats, Sample

MOST_MEASURED = 12_000  # events of a key: the measurement takes seconds, not minutes
LEAST_MEASURED = 400  # with fewer, hardly any stretch can be planted
MOST_KEYS = 3  # measured, those with the most events
# Numbers in all points of all rounds, about: wide points make a round slow.
MEASURED_VALUES = 3_000_000
LEAST_PLANTED = 9  # in all keys together; fewer say nothing
WANTED_PLANTED = 200  # from one key; a series that has room for fewer at once is gone over again
MOST_ROUNDS = 12
KINDS = 3
WORTH = 0.02  # of the measure from one half to 1: a shingle that gains less is not worth its cost
SIGNIFICANT = 2.0  # standard errors that the gain must exceed


class Measured(NamedTuple):
    """What a shingle found. ``found``: for each planted stretch 0 to 1, in the same order for every shingle."""

    shingle_size: int
    found: Floats

    @property
    def mean(self) -> float:
        """0.5 for chance, 1 for all."""
        return float(self.found.mean())


class _Plan(NamedTuple):
    """Planted stretches of one pass: starts within the second half, and what replaces them."""

    starts: list[int]
    second_half: Floats


def measure(
    sample: Sample, shingle_sizes: Sequence[int], period: int | None, forest: ForestParameters
) -> list[Measured]:
    """Measure shingles on the keys with the most events; empty where the sample is too short for it.

    ``forest`` gives trees, sample size and seed. The result is a pure function of the arguments.
    """
    stretch = max(2, *shingle_sizes)
    planned: list[tuple[Floats, list[_Plan]]] = []
    for key in sample.keys[:MOST_KEYS]:
        values = key.values[-MOST_MEASURED:]
        if len(values) >= LEAST_MEASURED:
            planned.append((values, _plans(values, stretch, period, key_seed(forest.seed, key.key))))
    if sum(len(plan.starts) for _, plans in planned for plan in plans) < LEAST_PLANTED:
        return []
    found = {
        size: [_found(values, plans, size, stretch, forest) for values, plans in planned]
        for size in shingle_sizes
    }
    return [Measured(size, np.concatenate(parts)) for size, parts in found.items()]


def best_of(measured: Sequence[Measured]) -> Measured:
    """Return the shortest shingle that no longer one beats by more than chance. ``measured``: by size, rising."""
    best = measured[0]
    for longer in measured[1:]:
        if is_better(longer, best):
            best = longer
    return best


def is_better(one: Measured, other: Measured) -> bool:
    """Tell whether one shingle found more than another, by more than chance and by enough to matter."""
    gain = one.found - other.found
    error = float(gain.std(ddof=1)) / np.sqrt(len(gain))
    return bool(gain.mean() >= max(WORTH, SIGNIFICANT * error))


def _plans(values: Floats, stretch: int, period: int | None, seed: int) -> list[_Plan]:
    """Return the second half with planted stretches, a few times with others.

    From one to the next it is twice as far as each is long, so that no shingle that is looked at holds parts of both.
    """
    half = len(values) // 2
    second = values[half:]
    random = np.random.default_rng(seed)
    spacing = 2 * stretch
    room = (len(second) - spacing) // spacing
    rounds = min(MOST_ROUNDS, max(2, MEASURED_VALUES // (second.size * stretch)))
    plans: list[_Plan] = []
    planted = 0
    while room > 0 and planted < WANTED_PLANTED and len(plans) < rounds:
        changed = second.copy()
        first = int(random.integers(stretch, spacing))
        starts = [first + place * spacing for place in range(room)]
        for place, start in enumerate(starts):
            changed[start : start + stretch] = _stretch(
                values, half + start, stretch, (planted + place) % KINDS, period, random
            )
        plans.append(_Plan(starts, changed))
        planted += len(starts)
    return plans


def _stretch(
    values: Floats, start: int, stretch: int, kind: int, period: int | None, random: np.random.Generator
) -> Floats:
    """Return values for the events from ``start`` on that are ordinary, but not there."""
    if kind == 0:
        return values[start : start + stretch][::-1]
    if kind == 1:
        return np.repeat(values[start - 1 : start], stretch, axis=0)
    # Another time: of the period, or any.
    if period is None:
        other = int(random.integers(0, start - stretch))
    else:
        other = start - int(random.integers(period // 4 + 1, max(period // 4 + 2, 3 * period // 4 + 1)))
    return values[max(0, other) : max(0, other) + stretch]


def _found(
    values: Floats, plans: Sequence[_Plan], shingle_size: int, stretch: int, parameters: ForestParameters
) -> Floats:
    half = len(values) // 2
    forest = RandomCutForest(
        values.shape[1],
        shingle_size,
        parameters.trees,
        parameters.sample_size,
        parameters.time_decay,
        parameters.seed,
    )
    forest.process_many(values[:half])
    learned = forest.to_bytes()
    # As long again as the stretch: an alert that comes so late still comes in time, and no shingle gains by being long.
    width = 2 * stretch
    ordinary = RandomCutForest.from_bytes(learned).process_many(values[half:])
    usual = np.sort(ordinary[: len(ordinary) // width * width].reshape(-1, width).max(axis=1))
    found: list[float] = []
    for plan in plans:
        scores = RandomCutForest.from_bytes(learned).process_many(plan.second_half)
        highest = [scores[start : start + width].max() for start in plan.starts]
        below = np.searchsorted(usual, highest, "left") + np.searchsorted(usual, highest, "right")
        found += (below / (2.0 * len(usual))).tolist()
    return np.array(found)
