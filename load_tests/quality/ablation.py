"""What each correction is worth: the alerts as they come with it and without, over both halves of the labelled series.

The interval is by bootstrap over files: what helps on three files and hurts on two has not earned its place.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from load_tests.quality.detections import detect_all
from load_tests.quality.nab import halves
from load_tests.quality.nab_corpus import Series, nab_corpus
from load_tests.quality.nab_score import STANDARD, sweep
from stream_rcf.core.parameters import ALERT_BUDGET
from stream_rcf.core.reasons import ALL_CORRECTIONS, Correction

SEEDS, QUICK_SEEDS = (0, 1, 2), (0,)
RESAMPLES = 2000
PERCENTILES = (5.0, 95.0)  # nine resamples in ten lie between
SEED = 20261128


@dataclass(frozen=True)
class Ablation:
    """What leaving a correction out costs, in points of the standard profile: (cost, lowest, highest) by half."""

    left_out: str
    cost: dict[str, tuple[float, float, float]]


def measure_ablation(seeds: Sequence[int]) -> list[Ablation]:
    """Each correction by itself. Raises ``MissingPartError`` where the shared folder is absent."""
    corpus = nab_corpus()
    whole = raw_by_file(corpus, seeds, int(ALL_CORRECTIONS))
    found = []
    for correction in Correction:
        without = raw_by_file(corpus, seeds, int(ALL_CORRECTIONS & ~correction))
        name = str(correction.name).lower()
        found.append(Ablation(name, costs(corpus, whole, without)))
        print(f"without {name}: {found[-1].cost}", file=sys.stderr, flush=True)
    return found


def raw_by_file(corpus: Sequence[Series], seeds: Sequence[int], corrections: int) -> np.ndarray:
    """What the alerts of each file are worth, not normalised: (files,) float64, the mean over the seeds."""
    worth = np.zeros((len(seeds), len(corpus)))
    for row, seed in enumerate(seeds):
        for place, found in enumerate(detect_all(corpus, seed, ALERT_BUDGET, corrections)):
            flags = found.is_anomaly.astype(np.float64)
            worth[row, place] = sweep([corpus[place]], [flags], STANDARD).raw_at(1.0)
    return worth.mean(axis=0)


def costs(
    corpus: Sequence[Series], whole: np.ndarray, without: np.ndarray
) -> dict[str, tuple[float, float, float]]:
    """By half: the points lost, and between which values nine in ten resamples of the files lie."""
    windows = np.array([len(series.windows) for series in corpus])
    random = np.random.default_rng(SEED)
    found = {}
    for part, rows in halves(corpus).items():
        files = np.array(rows)
        drawn = files[random.integers(len(files), size=(RESAMPLES, len(files)))]
        resampled = _points(whole - without, windows, drawn)
        low, high = np.percentile(resampled, PERCENTILES).tolist()
        found[part] = (float(_points(whole - without, windows, files[None])[0]), low, high)
    return found


def _points(difference: np.ndarray, windows: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Of each row of file numbers the difference in normalised points."""
    return 100.0 * difference[rows].sum(axis=1) / (2.0 * np.maximum(1, windows[rows].sum(axis=1)))


def markdown(found: Sequence[Ablation]) -> str:
    """The report for a reader."""
    parts = list(found[0].cost)
    lines = [
        "## Ablation",
        "",
        "Points lost without a correction; nine in ten resamples of the files between.",
        "",
    ]
    lines += ["| without | " + " | ".join(parts) + " |", "|---|" + "---:|" * len(parts)]
    for entry in found:
        cells = [f"{cost:.1f} ({low:.1f} to {high:.1f})" for cost, low, high in entry.cost.values()]
        lines.append(f"| {entry.left_out} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def plain_data(found: Sequence[Ablation]) -> list[dict[str, object]]:
    """The same for a program."""
    return [vars(entry) for entry in found]
