"""Forecasts that wait for the truth: every ``calibrate_every`` records one is put aside, and compared as it comes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stream_rcf.core.forecast_parameters import ForecastParameters


class Due(NamedTuple):
    """Of each forecast put aside of which something comes true now: where it is, and which step, from 0; (k,) int64."""

    slots: np.ndarray
    steps: np.ndarray


class Checks:
    """The forecasts put aside, each in its slot until its whole horizon has come."""

    def __init__(self, parameters: ForecastParameters, methods: int, dimensions: int) -> None:
        shape = (parameters.horizon, dimensions)
        self._parameters = parameters
        self.made_at = np.full(parameters.checks, -1, np.int64)  # records seen then; -1 for an empty slot
        self.candidates = np.zeros((parameters.checks, methods, *shape), np.float64)
        self.given = np.zeros((parameters.checks, 3, *shape), np.float64)  # value, lower, upper
        self.has_band = np.zeros(parameters.checks, np.int64)  # 1 where ``given`` was

    def begin(self) -> None:
        """Forget what was put aside."""
        self.made_at[:] = -1
        self.has_band[:] = 0

    def arrays(self) -> list[np.ndarray]:
        """All state, in a fixed order."""
        return [self.made_at, self.candidates, self.given, self.has_band]

    def lie_in(self, arrays: Sequence[np.ndarray]) -> None:
        """Take ``arrays``, of the shapes and in the order of ``arrays()``, for its state, with what they hold."""
        self.made_at, self.candidates, self.given, self.has_band = arrays

    def is_time(self, seen: int) -> bool:
        """Whether the forecast made after ``seen`` records is one to put aside."""
        return seen % self._parameters.calibrate_every == 0

    def put(self, seen: int, candidates: np.ndarray, given: tuple[np.ndarray, ...] | None) -> None:
        """Put a forecast aside in place of the oldest, whose horizon is over; ``given`` is None without a band."""
        slot = self.slot(seen)
        self.made_at[slot] = seen
        self.candidates[slot] = candidates
        self.has_band[slot] = given is not None
        self.given[slot] = 0.0 if given is None else given

    def slot(self, seen: int) -> int:
        """Where the forecast made after ``seen`` records is."""
        return seen // self._parameters.calibrate_every % self._parameters.checks

    def due(self, seen: int) -> tuple[Due, Due]:
        """What comes true with the record after the first ``seen``: of all forecasts, and of those with bands."""
        steps = seen - self.made_at
        open_now = (self.made_at >= 0) & (steps < self._parameters.horizon)
        slots, banded = np.flatnonzero(open_now), np.flatnonzero(open_now & (self.has_band == 1))
        return Due(slots, steps[slots]), Due(banded, steps[banded])

    def candidates_of(self, due: Due) -> np.ndarray:
        """(methods, k, dimensions): what each method said of it."""
        return self.candidates[due.slots, :, due.steps].swapaxes(0, 1)

    def given_of(self, due: Due) -> np.ndarray:
        """(3, k, dimensions): the value, lower and upper end that were given for it."""
        return self.given[due.slots, :, due.steps].swapaxes(0, 1)

    def is_sound(self, seen: int) -> bool:
        """Whether the state is one that ``seen`` records can have led to."""
        used = np.flatnonzero(self.made_at >= 0)
        made_at = self.made_at[used]
        in_place = [
            self.is_time(at) and self.slot(at) == slot for slot, at in zip(used, made_at, strict=True)
        ]
        value, lower, upper = self.given.swapaxes(0, 1)
        return bool(
            all(in_place)
            and (self.made_at >= -1).all()
            and (made_at <= seen).all()
            and np.isin(self.has_band, (0, 1)).all()
            and (lower <= value).all()
            and (value <= upper).all()
        )
