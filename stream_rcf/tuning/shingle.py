"""How many events should be scored together: as long as what repeats, if that is measured to help."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from stream_rcf.core.parameters import ForestParameters
from stream_rcf.tuning.periods import PeriodFound, dominant_period
from stream_rcf.tuning.planted import Measured, best_of, is_better, measure
from stream_rcf.tuning.proposals import Proposal
from stream_rcf.tuning.retention import sample_size_for
from stream_rcf.tuning.sample import Sample
from stream_rcf.tuning.words import count_of, duration

DEFAULT_SHINGLE = 8  # events, that of the settings: a short stretch
# Numbers in a point: memory and time rise with them, and in so many dimensions few points are near to others.
MOST_VALUES = 300
LEAST_PART = 8  # events of a part of a period, where the whole is too long
INDEPENDENT_SHARE = 0.8  # of the events, in series whose values are independent


class ShingleChoice(NamedTuple):
    """A shingle, the period that was found (None for none), and why."""

    shingle_size: int
    proposal: Proposal
    period: int | None
    period_in_words: str


def choose_shingle(sample: Sample, forest: ForestParameters, keeps_sample_size: bool) -> ShingleChoice:
    """Find the dominant period, and measure whether a shingle of that length finds more than a short one.

    Measured with ``forest``, and with as many samples as a period deserves unless ``keeps_sample_size``.
    """
    found = dominant_period(sample)
    if found.events is None:
        return _without_period(sample, found, forest)
    period = found.events
    words = count_of(period, "event") + (f" = {duration(found.milliseconds)}" if found.milliseconds else "")
    candidate, note = _fitting(period, len(sample.features))
    sizes = sorted({1, min(DEFAULT_SHINGLE, max(1, candidate)), candidate})
    if not keeps_sample_size:
        forest = replace(forest, sample_size=sample_size_for(period))
    measured = measure(sample, sizes, period, forest)
    seen = f"values repeat every {words}" + _agreement(found)
    if not measured:
        size = min(DEFAULT_SHINGLE, candidate)
        reason = f"{seen}, but the sample is too short to measure whether a longer shingle helps"
        return _choice(size, f"{reason}.", period, words)
    best = best_of(measured)
    compared = f"{_measured(measured)}, on the second half of the sample after learning the first"
    if best.shingle_size == candidate:
        reason = f"{seen}{note}; planted stretches of that length that are unlike it were found best so: {compared}."
    else:
        nothing = f"a shingle of {candidate} did not find planted stretches of that length better"
        reason = f"{seen}{note}, but {nothing}: {compared}."
    return _choice(best.shingle_size, reason, period, words)


def _without_period(sample: Sample, found: PeriodFound, forest: ForestParameters) -> ShingleChoice:
    if found.voters and found.independent_share >= INDEPENDENT_SHARE:
        reason = (
            "no period, and no value depends on those before it, so that events are best judged one by one."
        )
        return _choice(1, reason, None, "")
    default = min(DEFAULT_SHINGLE, max(1, MOST_VALUES // len(sample.features)))
    span = f" in {duration(sample.span_ms)}" if sample.span_ms else ""
    nothing = f"no period stands out of the noise{span}"
    measured = measure(sample, sorted({1, default}), None, forest)
    if not measured:
        reason = f"{nothing}, and the sample is too short to measure what a shingle gains: the default."
        return _choice(default, reason, None, "")
    shortest, usual = measured[0], measured[-1]
    if is_better(shortest, usual):
        reason = f"{nothing}; planted stretches were found best with the shortest: {_measured(measured)}."
        return _choice(shortest.shingle_size, reason, None, "")
    reason = f"{nothing}: the default, which finds planted stretches no worse: {_measured(measured)}."
    return _choice(usual.shingle_size, reason, None, "")


def _choice(size: int, reason: str, period: int | None, words: str) -> ShingleChoice:
    return ShingleChoice(size, Proposal("forest.shingle_size", size, reason), period, words)


def _fitting(period: int, features: int) -> tuple[int, str]:
    """Return the period, or the largest part of it that a point has room for, or the default, and a note on that."""
    most = max(1, MOST_VALUES // features)
    if period <= most:
        return period, ""
    room = f"the {count_of(most, 'event')} that a point of {count_of(features, 'feature')} has room for"
    parts = math.ceil(period / most)
    if period // parts < LEAST_PART:
        return min(DEFAULT_SHINGLE, most), f", which is longer than {room}, so that a short one is tried"
    return round(period / parts), f", which is longer than {room}, so that {_part(parts)} of it is tried"


def _part(parts: int) -> str:
    return {2: "half", 3: "a third", 4: "a quarter"}.get(parts, f"1/{parts}")


def _agreement(found: PeriodFound) -> str:
    if found.voters <= 1:
        return ""
    return f" (in {found.agreeing} of {found.voters} series, {found.share:.0%} of their events)"


def _measured(measured: Sequence[Measured]) -> str:
    found = ", ".join(f"{one.mean:.2f} with shingle {one.shingle_size}" for one in measured)
    return f"{found} (0.5 is chance, 1 all)"
