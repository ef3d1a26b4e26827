"""How often a quiet series is flagged, against how often it should be: the likelihood's promise, kind by kind."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from load_tests.quality.detections import ALERT_BUDGET, detect
from load_tests.quality.quiet_series import INTERVAL_MS, KINDS, quiet_series

EVENTS, QUICK_EVENTS = 60_000, 8000
SETTLING_EVENTS = 5000  # at the start, that are not counted
WEEK_MS = 7 * 24 * 3600 * 1000
SEED = 20261128
TARGET_FACTOR = 2.0


@dataclass(frozen=True)
class Coverage:
    """Of one kind: how often the likelihood was above 0.999, in thousandths; alerts, and how many its budget allows."""

    kind: str
    events: int
    above: float
    alerts: int
    allowed: float


def measure_coverage(events: int, alert_budget: float = ALERT_BUDGET) -> list[Coverage]:
    """Every kind of quiet series."""
    found = []
    for kind in KINDS:
        values, timestamps = quiet_series(kind, events, SEED)
        detections = detect(values, timestamps, 0, alert_budget)
        settled = min(SETTLING_EVENTS, events // 2)
        likelihood = detections.likelihood[settled:]
        allowed = alert_budget * len(likelihood) * INTERVAL_MS / WEEK_MS
        above = 1000.0 * float(np.mean(likelihood > 0.999))
        alerts = int(detections.is_anomaly[settled:].sum())
        found.append(Coverage(kind, len(likelihood), above, alerts, allowed))
        print(f"{kind}: {alerts} alerts, {allowed:.0f} allowed", file=sys.stderr, flush=True)
    return found


def markdown(found: Sequence[Coverage]) -> str:
    """The report for a reader."""
    lines = [
        "## Quiet series",
        "",
        f"{found[0].events:,} events of five minutes each, in which nothing happens.",
        "",
    ]
    lines += [
        "| kind | above 0.999, of 1,000 events | alerts | allowed | ratio |",
        "|---|---:|---:|---:|---:|",
    ]
    for entry in found:
        ratio = entry.alerts / entry.allowed
        lines.append(
            f"| {entry.kind} | {entry.above:.2f} | {entry.alerts} | {entry.allowed:.0f} | {ratio:.2f} |"
        )
    return "\n".join([*lines, "", f"Wanted: a ratio between 1/{TARGET_FACTOR:g} and {TARGET_FACTOR:g}.", ""])


def plain_data(found: Sequence[Coverage]) -> list[dict[str, object]]:
    """The same for a program."""
    return [vars(entry) for entry in found]
