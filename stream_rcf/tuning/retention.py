"""How many points a forest should remember, and of how long a past."""

from __future__ import annotations

import math

from stream_rcf.core.parameters import DECAY_SAMPLES, OUTPUT_AFTER_FRACTION
from stream_rcf.tuning.proposals import Proposal
from stream_rcf.tuning.words import DAY, count_of, duration

USUAL_SAMPLE, LARGEST_SAMPLE = 256, 1024  # points; memory and time rise with them
# Points for each place in the period: so that each time of the day is known from some days.
POINTS_PER_PLACE = 10
LEAST_FOLLOWING = 0.25  # of a period: a shorter shingle sees only a stretch of it
PERIODS_REMEMBERED = 14
DAYS_REMEMBERED = 7
LONGEST_MEMORY = 1_000_000  # events: a sample of 256 of more is thin


def sample_size_for(period: int | None) -> int:
    """Return enough points that a model knows each part of its period from several of them, a power of two."""
    if period is None:
        return USUAL_SAMPLE
    return min(LARGEST_SAMPLE, max(USUAL_SAMPLE, 1 << round(math.log2(POINTS_PER_PLACE * period))))


def propose_sample_size(shingle_size: int, period: int | None) -> Proposal:
    """Return how many points to remember: more only for a shingle that is long enough to follow the period."""
    name = "forest.sample_size"
    if period is None or shingle_size < LEAST_FOLLOWING * period:
        return Proposal(
            name, USUAL_SAMPLE, "enough where events are not compared with the same time of a period."
        )
    size = sample_size_for(period)
    reason = (
        f"so that each of the {period} places in the period is known by about {size / period:.2g} remembered points; "
        f"a key is scored from its event {size // OUTPUT_AFTER_FRACTION} on."
    )
    return Proposal(name, size, reason)


def propose_time_decay(sample_size: int, period: int | None, words: str, step_ms: float | None) -> Proposal:
    """Return a decay by which the past fades over several periods and days, and no faster than by default."""
    usual = DECAY_SAMPLES * sample_size
    wanted = {f"{DECAY_SAMPLES} times the sample, as by default": usual}
    if period is not None:
        wanted[f"{PERIODS_REMEMBERED} periods of {words}"] = PERIODS_REMEMBERED * period
    if step_ms is not None:
        wanted[f"{DAYS_REMEMBERED} days"] = math.ceil(DAYS_REMEMBERED * DAY / step_ms)
    why, events = max(wanted.items(), key=lambda item: item[1])
    if events > LONGEST_MEMORY:
        why, events = f"the most of a past that {sample_size} points can stand for", LONGEST_MEMORY
    time = f", about {duration(events * step_ms)}" if step_ms is not None else ""
    reason = f"the past fades over {count_of(events, 'event')} of a key{time}: {why}."
    return Proposal("forest.time_decay", float(f"{1 / events:.3g}"), reason)
