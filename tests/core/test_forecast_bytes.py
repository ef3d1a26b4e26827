"""A saved forecaster goes on with the same bits, and damage is told."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from stream_rcf import Forecaster, RandomCutForest
from stream_rcf.core.forecast_bytes import CHECKSUM, PREFIX
from stream_rcf.errors import CheckpointError


def example(period: int | None = 7, records: int = 0) -> Forecaster:
    forecaster = Forecaster(
        2, 3, 8, 0.7, trees=3, sample_size=16, seed=5, period=period, minimum=[None, -3.0], maximum=4.0
    )
    forecaster.process_many(stream()[:records])
    return forecaster


def stream() -> np.ndarray:
    return np.random.default_rng(4).normal(size=(260, 2))


@pytest.mark.parametrize("period", [None, 7, 100])
@pytest.mark.parametrize("cut", [0, 1, 17, 90, 200])
def test_it_goes_on_with_the_same_bits(period: int | None, cut: int) -> None:
    subject = example(period, cut)
    other = Forecaster.from_bytes(subject.to_bytes())
    assert other.parameters == subject.parameters
    for record in stream()[cut:]:
        expected, found = subject.process(record), other.process(record)
        assert (found is None) == (expected is None)
        if expected is not None and found is not None:
            assert [part.tolist() for part in found] == [part.tolist() for part in expected]
    assert expected is not None
    assert other.to_bytes() == subject.to_bytes()
    assert other.accuracy().coverage.tolist() == subject.accuracy().coverage.tolist()


def test_any_damage_is_told() -> None:
    data = example(records=200).to_bytes()
    random = np.random.default_rng(9)
    for place in random.integers(0, len(data), 300):
        damaged = bytearray(data)
        damaged[place] ^= 1 << int(random.integers(8))
        with pytest.raises(CheckpointError):
            Forecaster.from_bytes(bytes(damaged))
    for end in random.integers(0, len(data), 30):
        with pytest.raises(CheckpointError):
            Forecaster.from_bytes(data[:end])


def test_something_else_is_refused() -> None:
    for data in (b"", b"RCFF", RandomCutForest().to_bytes()):
        with pytest.raises(CheckpointError, match="not a saved Forecaster"):
            Forecaster.from_bytes(data)


def test_another_version_is_named() -> None:
    data = bytearray(example().to_bytes())
    data[4] = 99
    with pytest.raises(CheckpointError, match="version 99"):
        Forecaster.from_bytes(bytes(data))


def with_prefix(**changes: float) -> bytes:
    """A saved forecaster whose prefix says something else, with the checksum of that."""
    names = ["magic", "version", "horizon", "period", "error_memory", "every", "coverage", "forest"]
    data = example(records=200).to_bytes()
    fields = dict(zip(names, PREFIX.unpack_from(data), strict=True)) | changes
    body = PREFIX.pack(*fields.values()) + data[PREFIX.size : -CHECKSUM.size]
    return body + CHECKSUM.pack(zlib.crc32(body))


def test_the_prefix_is_where_the_next_test_thinks() -> None:
    assert with_prefix() == example(records=200).to_bytes()


@pytest.mark.parametrize(
    "changes",
    [
        {"horizon": 0},
        {"horizon": 90_000},  # of which the state would be gigabytes: refused before room is made
        {"horizon": 2**31 - 1},
        {"period": -1},
        {"period": 8},
        {"error_memory": 99_999},
        {"every": 2},
        {"coverage": float("nan")},
        {"coverage": 1.5},
        {"forest": -1},
        {"forest": 2**60},
    ],
    ids=str,
)
def test_a_prefix_made_up_on_purpose_is_refused(changes: dict[str, float]) -> None:
    with pytest.raises(CheckpointError):
        Forecaster.from_bytes(with_prefix(**changes))


@pytest.mark.parametrize(
    ("array", "value"),
    [
        ("compared", -1),
        ("compared", 10**9),
        ("judged", 10**6),
        ("level", 5.0),
        ("errors", np.nan),
        ("errors", np.inf),
    ],
)
def test_a_calibration_made_up_on_purpose_is_refused(array: str, value: float) -> None:
    forecaster = example(records=200)
    getattr(forecaster._calibration, array).flat[0] = value
    with pytest.raises(CheckpointError):
        Forecaster.from_bytes(forecaster.to_bytes())


@pytest.mark.parametrize(
    ("array", "value"), [("made_at", 9999), ("made_at", -2), ("has_band", 7), ("given", 1e30)]
)
def test_checks_made_up_on_purpose_are_refused(array: str, value: float) -> None:
    forecaster = example(records=200)
    getattr(forecaster._checks, array).flat[0] = value
    with pytest.raises(CheckpointError):
        Forecaster.from_bytes(forecaster.to_bytes())


def test_limits_made_up_on_purpose_are_refused() -> None:
    forecaster = example(records=50)
    forecaster._limits[:] = [[1.0, 1.0], [0.0, 0.0]]
    with pytest.raises(CheckpointError):
        Forecaster.from_bytes(forecaster.to_bytes())
