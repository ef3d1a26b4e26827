"""What a key keeps for forecasts as bytes: what was written comes back, and nothing else is taken for it."""

from __future__ import annotations

import numpy as np
import pytest

from stream_rcf.core.batch import process_blocks
from stream_rcf.core.block import KeyBlock
from stream_rcf.core.forecast_parameters import ForecastParameters
from stream_rcf.core.forecast_section import ForecastSection, with_forecasts
from stream_rcf.core.layout import EVENTS_SEEN
from stream_rcf.core.model import model_of
from stream_rcf.core.packed_forecasts import read_forecasts, write_forecasts
from stream_rcf.core.packing import pack, unpack
from stream_rcf.core.parameters import DetectorParameters
from stream_rcf.core.scratch import new_scratch
from stream_rcf.errors import CheckpointError
from tests.core.damage_support import with_flipped_bits
from tests.core.forecast_support import ForecastKey, forecasting, minutes, wave

PARAMETERS = forecasting(2, ForecastParameters(3, 0.8, 5, error_memory=12))
REFUSED = "its forecasts are none that events could have left"
COMPARED, JUDGED, MADE_AT, HAS_BAND = 8, 32, 56, 80  # where they begin, for a horizon of 3 with 3 on the way


@pytest.fixture(scope="module")
def key() -> ForecastKey:
    found = ForecastKey(PARAMETERS)
    assert found.process(wave(70, 2), minutes(70))[-1].features is not None
    return found


def newborn(like: KeyBlock) -> KeyBlock:
    """A block that has seen as many events as another."""
    block = KeyBlock(like.model, 1)
    block.header()[EVENTS_SEEN] = like.header()[EVENTS_SEEN]
    return block


@pytest.mark.parametrize("count", [0, 1, 4, 20, 34, 70, 71])
def test_what_was_written_comes_back_and_goes_on_with_the_same_bits(count: int) -> None:
    ours = ForecastKey(PARAMETERS)
    if count:
        ours.process(wave(count, 2), minutes(count))
    data = write_forecasts(ours.block)
    other = newborn(ours.block)
    assert read_forecasts(other, memoryview(data + b"what follows")) == len(data)
    assert write_forecasts(other) == data
    for quick in (False, True):
        restored = ForecastKey(PARAMETERS)
        restored.blocks[0] = unpack(ours.model, pack(ours.block, quick=quick))
        assert pack(restored.block) == pack(ours.block)
        more = wave(30, 2, seed=2)
        twin = ForecastKey(PARAMETERS)
        twin.process(np.concatenate((wave(count, 2), more)), minutes(count + 30))
        restored.process(more, minutes(30, count))
        assert pack(restored.block) == pack(twin.block)


def test_a_key_without_forecasts_has_no_bytes_of_them() -> None:
    block = KeyBlock(model_of(DetectorParameters()), 1)
    assert block.model.forecast.bytes == 0
    assert write_forecasts(block) == b""
    assert read_forecasts(block, memoryview(b"")) == 0
    assert write_forecasts(KeyBlock(model_of(PARAMETERS), 1)) == b"", "nor has one without events"


def test_every_truncation_is_refused(key: ForecastKey) -> None:
    data = write_forecasts(key.block)
    for length in range(0, len(data), 7):
        with pytest.raises(CheckpointError, match=REFUSED):
            read_forecasts(newborn(key.block), memoryview(data[:length]))


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (0, -1),
        (0, 70),  # since a record that is yet to come
        (0, 69),  # since a record behind the forecasts put aside
        (COMPARED, -1),
        (COMPARED, 71),  # more truths than records
        (JUDGED, -1),
        (JUDGED, 71),
        (MADE_AT, -2),
        (MADE_AT, 71),
        (MADE_AT, 68),  # in another's place
        (HAS_BAND, 2),
        (HAS_BAND, -1),
    ],
)
def test_no_count_is_taken_that_events_could_not_have_left(key: ForecastKey, at: int, value: int) -> None:
    data = write_forecasts(key.block)
    new = np.int64(value).tobytes()
    with pytest.raises(CheckpointError, match=REFUSED):
        read_forecasts(newborn(key.block), memoryview(data[:at] + new + data[at + 8 :]))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_are_numbers(key: ForecastKey, value: float) -> None:
    data = write_forecasts(key.block)
    for at in range(HAS_BAND + 24, len(data), 8 * 11):
        with pytest.raises(CheckpointError, match=REFUSED):
            read_forecasts(
                newborn(key.block), memoryview(data[:at] + np.float64(value).tobytes() + data[at + 8 :])
            )


def test_whatever_bit_flips_it_is_refused_or_a_state_that_goes_on(key: ForecastKey) -> None:
    data = write_forecasts(key.block)
    taken = 0
    for damaged in with_flipped_bits(data, 600):
        other = ForecastKey(PARAMETERS)
        other.blocks[0] = unpack(key.model, pack(key.block))
        try:
            read_forecasts(other.block, memoryview(damaged))
        except CheckpointError:
            continue
        taken += 1
        (found,) = other.process(wave(1, 2), minutes(1, 70))
        assert found.features is not None
    assert taken > 0, "some numbers may be others"


def test_the_section_is_as_large_as_the_settings_say() -> None:
    for horizon, period in ((1, None), (7, 3), (24, None)):
        model = model_of(forecasting(2, ForecastParameters(horizon, period=period)))
        size = sum(array.nbytes for array in ForecastSection(model).arrays())
        assert size <= model.forecast.bytes < size + 64


def test_a_key_may_begin_to_forecast_later() -> None:
    model, x = model_of(forecasting(1, None)), wave(160)
    block, scratch = KeyBlock(model, 1), new_scratch(model)
    process_blocks(model, [scratch], [block] * 100, x[:100], minutes(100))
    late, early = ForecastKey(forecasting()), ForecastKey(forecasting())
    late.blocks[0] = with_forecasts(block, late.model)
    assert pack(block) == pack(block.copy())
    assert late.block.header()[EVENTS_SEEN] == 100
    early.process(x[:100], minutes(100))
    found = late.process(x[100:], minutes(60, 100))
    assert found[0].features is None
    expected = early.process(x[100:], minutes(60, 100))
    late_one, early_one = found[-1].features, expected[-1].features
    assert late_one is not None
    assert early_one is not None
    assert late_one[0].values == early_one[0].values, "by then both remember the same errors"
