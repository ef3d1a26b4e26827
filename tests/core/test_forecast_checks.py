"""Every forecast put aside meets each of its truths once, and no other's."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from stream_rcf.core.forecast_checks import Checks
from stream_rcf.core.forecast_parameters import ForecastParameters


@pytest.mark.parametrize(("horizon", "every"), [(1, 1), (6, 1), (6, 4), (7, 3), (8, 8), (24, 3)])
def test_each_step_of_each_forecast_is_due_once_and_in_its_time(horizon: int, every: int) -> None:
    checks = Checks(ForecastParameters(horizon, 0.8, calibrate_every=every), 2, 1)
    met: Counter[tuple[int, int]] = Counter()
    for seen in range(100):
        due, banded = checks.due(seen)
        assert len(set(due.steps.tolist())) == len(due.steps)
        candidates, given = checks.candidates_of(due), checks.given_of(banded)
        assert candidates.shape == (2, len(due.steps), 1)
        assert given.shape == (3, len(banded.steps), 1)
        # Each forecast says at every step when it was made, and whether it was given.
        for made_at, step in zip(candidates[0, :, 0].tolist(), due.steps.tolist(), strict=True):
            assert made_at + step == seen
            met[int(made_at), step] += 1
        assert (given[1, :, 0] + banded.steps == seen).all()
        assert (given[1] % 2 == 1).all()
        now = seen + 1
        if checks.is_time(now):
            said = np.full((2, horizon, 1), float(now))
            band = tuple(np.full((horizon, 1), float(now)) for _ in range(3))
            checks.put(now, said, band if now % 2 else None)
        assert checks.is_sound(now)

    assert set(met.values()) == {1}
    whole = range(every, 100 - horizon + 1, every)
    assert {(made_at, step) for made_at in whole for step in range(horizon)} <= met.keys()
