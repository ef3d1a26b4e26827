"""Forecasts and the state they need do not depend on how a stream is cut, saved, copied or shared out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stream_rcf.core.forecast_parameters import ForecastParameters
from stream_rcf.core.packing import pack, unpack
from stream_rcf.core.parameters import DetectorParameters
from tests.core.forecast_support import ForecastKey, forecasting
from tests.properties.generated import bounded, records

KEYS = 3
Drawn = tuple[DetectorParameters, np.ndarray, np.ndarray, list[int]]


@st.composite
def streams(draw: st.DrawFn) -> Drawn:
    """A detector that forecasts, and events of some keys: with gaps, late ones, and some that lack features."""
    features, horizon = draw(st.integers(1, 2)), draw(st.integers(1, 4))
    forecast = ForecastParameters(
        horizon,
        0.5,
        draw(st.sampled_from([None, 1, 5])),
        draw(st.sampled_from([4, 9])),
        draw(st.integers(1, horizon)),
        minimum=draw(st.sampled_from([(), (0.0,) * features])),
    )
    transforms = st.sampled_from(["none", "log", "difference", "subtract_average"])
    parameters = forecasting(
        features,
        forecast,
        draw(st.sampled_from([0, 1000])),
        {f"f{i}": draw(transforms) for i in range(features)} if draw(st.booleans()) else None,
        max_gap_ms=draw(st.sampled_from([0, 300])),
        allowed_lateness_ms=draw(st.sampled_from([-1, 5])),
        fills_missing=True,
    )
    x = draw(records(features, least=1, most=150))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x[random.random(x.shape) < draw(st.sampled_from([0.0, 0.05, 0.3]))] = np.nan
    steps = random.choice([1, 10, -8, 400, 1500], size=len(x), p=[0.6, 0.3, 0.05, 0.03, 0.02])
    return parameters, x, np.cumsum(steps), random.integers(0, KEYS, len(x)).tolist()


@bounded(60)
@given(streams(), st.lists(st.floats(0, 1), max_size=6), st.booleans(), st.integers(1, 3))
def test_any_cut_with_any_save_gives_the_same_bytes(
    drawn: Drawn, cuts: list[float], quick: bool, threads: int
) -> None:
    parameters, x, times, keys = drawn
    whole, cut = ForecastKey(parameters, KEYS), ForecastKey(parameters, KEYS, threads)
    expected = whole.process(x, times, keys)
    places = sorted(round(place * len(x)) for place in cuts)
    found = []
    with ThreadPoolExecutor(threads) as pool:
        for first, end in zip([0, *places], [*places, len(x)], strict=True):
            if first == end:
                continue
            part = slice(first, end)
            found += cut.process(x[part], times[part], keys[part], pool.map)
            saved = [pack(block, quick=quick) for block in cut.blocks]
            copied = [block.copy() for block in cut.blocks]
            cut.blocks = [unpack(cut.model, data) if quick else copied[i] for i, data in enumerate(saved)]
    assert found == expected
    assert [pack(block) for block in cut.blocks] == [pack(block) for block in whole.blocks]


@bounded(40)
@given(streams())
def test_bands_lie_around_their_values_within_the_limits(drawn: Drawn) -> None:
    parameters, x, times, keys = drawn
    assert parameters.forecast is not None
    for forecast in ForecastKey(parameters, KEYS).process(x, times, keys):
        for one in forecast.features or ():
            assert len(one.values) == len(one.lower) == len(one.upper) == parameters.forecast.horizon
            assert np.isfinite(np.array(one)).all()
            for value, lower, upper in zip(*one, strict=True):
                assert lower <= value <= upper
                assert not parameters.forecast.minimum or lower >= 0.0
        assert forecast.coverage is None or all(0.0 <= share <= 1.0 for share in forecast.coverage)
