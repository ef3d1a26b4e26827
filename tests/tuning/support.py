"""Series whose periods are known, and samples made of them."""

from __future__ import annotations

import numpy as np

from stream_rcf.files.columns import Columns, Wanted, choose_columns
from stream_rcf.files.inputs import open_input
from stream_rcf.files.rows import RowDecoder
from stream_rcf.tuning.sample import KeySample, Sample, sample_of
from stream_rcf.tuning.words import HOUR
from tests.files.support import nab_file

START = 1_767_225_600_000  # 2026-01-01, epoch ms
ONE_FEATURE = Columns((), "timestamp", ("value",))


def key_sample(
    values: np.ndarray, step_ms: int | None = HOUR, key: str = "a", times: np.ndarray | None = None
) -> KeySample:
    """Return a key with an event every ``step_ms``, or at ``times``, or without times."""
    columns = np.asarray(values, np.float64).reshape(len(values), -1)
    if times is None and step_ms is not None:
        times = START + step_ms * np.arange(len(values), dtype=np.int64)
    return KeySample(key, len(values), times, columns)


def sample(*keys: KeySample, features: tuple[str, ...] | None = None) -> Sample:
    """Return a sample that holds all of its input."""
    names = features or tuple(f"f{place}" for place in range(keys[0].values.shape[1]))
    spans = [int(key.times.max() - key.times.min()) for key in keys if key.times is not None]
    events = sum(key.events for key in keys)
    return Sample(names, keys, events, len(keys), True, max(spans) if spans else None, {})


def wave(count: int, period: float, noise: float = 0.1, seed: int = 0) -> np.ndarray:
    """Return a wave that is no plain sine, of height 1, with noise."""
    place = np.arange(count) / period
    shape = np.sin(2 * np.pi * place) + 0.5 * np.cos(4 * np.pi * place)
    return shape + noise * np.random.default_rng(seed).normal(size=count)


def nab_sample(name: str) -> Sample:
    """Return the sample of a file of the NAB corpus."""
    with open_input(str(nab_file(name)), 10_000) as opened:
        columns = choose_columns(Wanted(), opened.fields())
        rows = opened.rows(columns, RowDecoder(columns, 10_000, "series"))
        return sample_of(rows, columns.features)
