"""How many alerts a key may have, so that all keys together have no more than people can look at."""

from __future__ import annotations

import math

from stream_rcf.core.likelihood import LEAST_EVENTS_OF_A_WEEK, LEAST_FREQUENT
from stream_rcf.settings.detector_section import DetectorSettings
from stream_rcf.tuning.proposals import Proposal
from stream_rcf.tuning.sample import Sample
from stream_rcf.tuning.words import WEEK, count_of, duration, figure

MOST_ALERTS = 100  # of all keys in a week: some fourteen a day, which a person can still look at


def propose_decision(sample: Sample) -> Proposal:
    """Return what decides: the budget, since that is a number that a person can choose."""
    reason = (
        "alerts by how unlikely an event is for its key, which is comparable between keys, within a budget."
    )
    if sample.step_ms is None:
        reason += (
            f" The sample has no times, so the budget is for every {LEAST_EVENTS_OF_A_WEEK:,.0f} events."
        )
    return Proposal("detector.decision", "budget", reason)


def propose_budget(sample: Sample) -> Proposal:
    """Return the default budget, or less where there are too many keys for it."""
    usual: float = DetectorSettings.model_fields["alert_budget"].default
    keys, step = sample.key_count, sample.step_ms
    by_default = keys * _alerts_a_week(usual, step)
    budget = usual if by_default <= MOST_ALERTS else _at_most(MOST_ALERTS / keys)
    rate = _alerts_a_week(budget, step)
    reason = f"{figure(budget)} per key and week from keys where all is well"
    if rate < 0.95 * budget:
        reason += f", at an event every {duration(step or 0)} at most {figure(rate)}, as a week counts "
        reason += f"as {LEAST_EVENTS_OF_A_WEEK:,.0f} events at least"
    elif rate > 1.05 * budget:
        reason += f", at an event every {duration(step or 0)} up to {figure(rate)}, as nothing rarer than "
        reason += f"1 event in {1 / LEAST_FREQUENT:,.0f} can be told"
    known = count_of(keys, "key") if sample.counts_all_keys else f"more than {keys:,} keys"
    reason += f"; with {known} {_about(keys * rate)} a week"
    if budget < usual:
        reason += f" (the default of {figure(usual)} would be {_about(by_default)})"
    return Proposal("detector.alert_budget", budget, f"{reason}.")


def _alerts_a_week(budget: float, step_ms: float | None) -> float:
    """Return what a budget comes to: the detector bounds how frequent an alert may be among events."""
    if step_ms is None:
        return budget
    events = WEEK / step_ms
    share = max(LEAST_FREQUENT, budget / max(LEAST_EVENTS_OF_A_WEEK, events))
    return float(share * events)


def _about(alerts: float) -> str:
    return f"about {count_of(float(f'{alerts:.2g}'), 'alert')}"


def _at_most(budget: float) -> float:
    """Return the largest of the round numbers, 1, 2 and 5 times a power of ten, that is no larger."""
    power = 10.0 ** math.floor(math.log10(budget))
    step = max(one for one in (1, 2, 5) if one * power <= budget * (1 + 1e-9))
    return float(f"{step * power:.3g}")
