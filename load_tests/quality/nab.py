"""The Numenta benchmark, one configuration for every file: raw score, likelihood, and the alerts as they come."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from load_tests.quality.detections import AWS_FOREST, detect_all
from load_tests.quality.nab_corpus import DEVELOPMENT, HELD_OUT, Series, nab_corpus
from load_tests.quality.nab_score import (
    FEW_FALSE,
    FEW_MISSED,
    STANDARD,
    Alarms,
    Profile,
    Sweep,
    alarms,
    sweep,
)
from stream_rcf import RandomCutForest

SEEDS, QUICK_SEEDS = (0, 1, 2, 3, 4), (0,)
WHOLE = "all files"


@dataclass(frozen=True)
class ScoreQuality:
    """Normalised scores at the best threshold, by profile, and of one that was chosen on the other half."""

    best: dict[str, float]
    cross_fitted: float
    by_half: dict[str, float]  # standard, each at its own best threshold


@dataclass(frozen=True)
class NabResults:
    """One entry for each seed."""

    raw: Sequence[ScoreQuality]
    likelihood: Sequence[ScoreQuality]
    alerts: Sequence[dict[str, Alarms]]  # by half, and of all files


def measure_nab(seeds: Sequence[int]) -> NabResults:
    """Every file with every seed. Raises ``MissingPartError`` where the shared folder is absent."""
    corpus = nab_corpus()
    raw, likelihood, alerts = [], [], []
    for seed in seeds:
        raw.append(quality(corpus, raw_scores(corpus, seed)))
        found = detect_all(corpus, seed)
        likelihood.append(quality(corpus, [detections.likelihood for detections in found]))
        alerts.append(alarms_by_half(corpus, [detections.is_anomaly for detections in found]))
        print(
            f"seed {seed}: likelihood {likelihood[-1].best[STANDARD.name]:.1f}", file=sys.stderr, flush=True
        )
    return NabResults(raw, likelihood, alerts)


def raw_scores(corpus: Sequence[Series], seed: int) -> list[np.ndarray]:
    """The forest's score of each file with the settings of AWS's own entry."""
    forest = AWS_FOREST
    return [
        RandomCutForest(
            dimensions=1,
            shingle_size=forest.shingle_size,
            trees=forest.trees,
            sample_size=forest.sample_size,
            time_decay=forest.time_decay,
            seed=seed,
        ).process_many(series.values)
        for series in corpus
    ]


def halves(corpus: Sequence[Series]) -> dict[str, list[int]]:
    """Which files each half holds, and all of them."""
    parts = {
        half: [i for i, series in enumerate(corpus) if series.half == half]
        for half in (DEVELOPMENT, HELD_OUT)
    }
    return {**parts, WHOLE: list(range(len(corpus)))}


def quality(corpus: Sequence[Series], scores: Sequence[np.ndarray]) -> ScoreQuality:
    """How well a score tells the labelled windows, by the choice of its threshold."""

    def of(part: str, profile: Profile = STANDARD) -> tuple[float, float]:
        return swept(part, profile).best()

    def swept(part: str, profile: Profile = STANDARD) -> Sweep:
        rows = halves(corpus)[part]
        return sweep([corpus[i] for i in rows], [scores[i] for i in rows], profile)

    first, second = swept(DEVELOPMENT), swept(HELD_OUT)
    crossed = first.at(second.best()[0]) * first.windows + second.at(first.best()[0]) * second.windows
    return ScoreQuality(
        {profile.name: of(WHOLE, profile)[1] for profile in (STANDARD, FEW_FALSE, FEW_MISSED)},
        crossed / (first.windows + second.windows),
        {half: of(half)[1] for half in (DEVELOPMENT, HELD_OUT)},
    )


def alarms_by_half(corpus: Sequence[Series], flags: Sequence[np.ndarray]) -> dict[str, Alarms]:
    """What the alarms are worth in each half and in all."""
    return {
        part: alarms([corpus[i] for i in rows], [flags[i] for i in rows])
        for part, rows in halves(corpus).items()
    }


def _median(numbers: Sequence[float]) -> str:
    return f"{statistics.median(numbers):.1f} ({min(numbers):.1f} to {max(numbers):.1f})"


def markdown(found: NabResults) -> str:
    """The report for a reader: medians over the seeds, lowest and highest in brackets."""
    lines = ["## Numenta benchmark", ""]
    lines += [f"{len(found.raw)} seeds: median, lowest and highest. 100 is perfect, 0 says nothing.", ""]
    lines += ["| | standard | low FP | low FN | cross-fitted | development | held out |"]
    lines += ["|---|---:|---:|---:|---:|---:|---:|"]
    for name, entries in (
        ("raw score, AWS's settings", found.raw),
        ("anomaly_likelihood, defaults", found.likelihood),
    ):
        cells = [_median([entry.best[profile] for entry in entries]) for profile in found.raw[0].best]
        cells += [_median([entry.cross_fitted for entry in entries])]
        cells += [_median([entry.by_half[half] for entry in entries]) for half in (DEVELOPMENT, HELD_OUT)]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += [
        "",
        "| is_anomaly as it comes, with the default budget | standard | windows found | false runs |",
    ]
    lines += ["|---|---:|---:|---:|"]
    for part in (WHOLE, DEVELOPMENT, HELD_OUT):
        entries = [alerts[part] for alerts in found.alerts]
        lines.append(
            f"| {part} | {_median([entry.standard for entry in entries])} | "
            f"{_median([entry.windows_found for entry in entries])} of {entries[0].windows} | "
            f"{_median([entry.false_alarm_runs for entry in entries])} |"
        )
    return "\n".join([*lines, ""])


def plain_data(found: NabResults) -> dict[str, object]:
    """The same for a program."""
    return {
        "raw": [vars(entry) for entry in found.raw],
        "likelihood": [vars(entry) for entry in found.likelihood],
        "alerts": [{part: vars(entry) for part, entry in alerts.items()} for alerts in found.alerts],
    }
