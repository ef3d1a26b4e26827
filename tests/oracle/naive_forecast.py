"""The forecaster in plain Python: every forecast and every error kept for ever, one number at a time.

The forest is the real one, whose forecasts have a twin of their own (naive_imputation.py).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from stream_rcf.core.forest import RandomCutForest


class Cell(NamedTuple):
    """The forecast of one step and feature."""

    value: float
    lower: float
    upper: float
    source: str


class Track:
    """What is known of one step and feature."""

    def __init__(self, methods: list[str], coverage: float, memory: int) -> None:
        self.miss, self.memory = 1.0 - coverage, memory
        self.errors: dict[str, list[float]] = {method: [] for method in methods}
        self.absolute_error = dict.fromkeys([*methods, "forecast"], 0.0)
        self.bias = dict.fromkeys([*methods, "forecast"], 0.0)
        self.level = self.miss
        self.judged = 0
        self.inside = self.width = 0.0

    def compare(self, truth: float, said: dict[str, float]) -> None:
        for method, value in said.items():
            error = truth - value
            self.errors[method].append(error)
            rate = 1.0 / min(len(self.errors[method]), self.memory)
            self.absolute_error[method] += (abs(error) - self.absolute_error[method]) * rate
            self.bias[method] += (error - self.bias[method]) * rate

    def judge(self, truth: float, cell: Cell) -> None:
        hit = cell.lower <= truth <= cell.upper
        self.level += 0.1 * self.miss * (self.miss - (0.0 if hit else 1.0))
        self.level = min(max(self.level, -self.miss), 2.0 * self.miss, 1.0)
        self.judged += 1
        rate = 1.0 / min(self.judged, self.memory)
        error = truth - cell.value
        self.absolute_error["forecast"] += (abs(error) - self.absolute_error["forecast"]) * rate
        self.bias["forecast"] += (error - self.bias["forecast"]) * rate
        self.inside += (hit - self.inside) * rate
        self.width += (cell.upper - cell.lower - self.width) * rate

    def cell(self, said: dict[str, float], least: float, most: float) -> Cell:
        source = "forest"
        for method in said:
            error = self.absolute_error[source] * (0.95 if source == "forest" else 1.0)
            if method != "forest" and self.absolute_error[method] < error:
                source = method
        value = said[source]
        errors = sorted(self.errors[source][-self.memory :])
        place = (len(errors) + 1) * self.level / 2.0
        lower = value + at_place(errors, place)
        upper = value + at_place(errors, len(errors) + 1 - place)
        usual = at_place(errors, (len(errors) + 1) / 2.0)
        left = sum(abs(error - usual) for error in errors)
        if left < 0.9 * sum(map(abs, errors)) or not lower <= value <= upper:
            value += usual
        value = min(max(value, lower), upper)
        return Cell(*(min(max(x, least), most) for x in (value, lower, upper)), source)


def at_place(ordered: list[float], place: float) -> float:
    """The value at ``place`` among the ordered, 1 for the least; a tenth of their range for each rank beyond."""
    span = ordered[-1] - ordered[0]
    if place < 1:
        return ordered[0] - (1 - place) * 0.1 * span
    if place > len(ordered):
        return ordered[-1] + (place - len(ordered)) * 0.1 * span
    below = math.floor(place)
    if below == len(ordered):
        return ordered[-1]
    return ordered[below - 1] + (ordered[below] - ordered[below - 1]) * (place - below)


class NaiveForecaster:
    """One feature or many; the arguments are those of ``Forecaster``, all given."""

    def __init__(
        self,
        forest: RandomCutForest,
        horizon: int,
        coverage: float,
        error_memory: int,
        period: int | None,
        calibrate_every: int,
        minimum: float,
        maximum: float,
    ) -> None:
        self.forest, self.horizon, self.coverage, self.period = forest, horizon, coverage, period
        self.every, self.limits = calibrate_every, (minimum, maximum)
        self.records: list[list[float]] = []
        self.methods = ["forest", "last_value"] + (["seasonal"] if period else [])
        features = range(forest.parameters.dimensions)
        self.tracks = [
            [Track(self.methods, coverage, error_memory) for _ in features] for _ in range(horizon)
        ]
        self.checks: list[tuple[int, list[list[dict[str, float]]], list[list[Cell]] | None]] = []

    def update(self, record: list[float]) -> None:
        now = len(self.records)
        for made_at, said, cells in self.checks:
            step = now - made_at
            if step >= self.horizon:
                continue
            for feature, truth in enumerate(record):
                self.tracks[step][feature].compare(truth, said[step][feature])
                if cells is not None:
                    self.tracks[step][feature].judge(truth, cells[step][feature])
        self.forest.update(record)
        self.records.append(record)
        if len(self.records) % self.every == 0:
            said = self.said()
            if said is not None:
                self.checks.append((len(self.records), said, self.forecast()))

    def said(self) -> list[list[dict[str, float]]] | None:
        """What each method says of each step and feature."""
        expected = self.forest.extrapolate(self.horizon).values
        if np.isnan(expected).any() or len(self.records) < (self.period or 0):
            return None
        return [
            [self._said_of(step, feature, float(value)) for feature, value in enumerate(row)]
            for step, row in enumerate(expected)
        ]

    def _said_of(self, step: int, feature: int, expected: float) -> dict[str, float]:
        said = {"forest": expected, "last_value": self.records[-1][feature]}
        if self.period:
            place = len(self.records) + step
            while place >= len(self.records):
                place -= self.period
            said["seasonal"] = self.records[place][feature]
        return said

    def forecast(self) -> list[list[Cell]] | None:
        needed = math.ceil(round(2.0 / (1.0 - self.coverage), 6))
        if any(len(track.errors["forest"]) < needed for row in self.tracks for track in row):
            return None
        said = self.said()
        assert said is not None
        return [
            [track.cell(said[step][feature], *self.limits) for feature, track in enumerate(row)]
            for step, row in enumerate(self.tracks)
        ]
