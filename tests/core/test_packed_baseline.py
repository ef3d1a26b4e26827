"""A baseline as bytes: what was written comes back, and nothing else is taken for one."""

from __future__ import annotations

import random

import numpy as np
import pytest

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.detector import Detector
from stream_rcf.core.inspect import views
from stream_rcf.core.layout import BASELINE_WORDS, TAIL_BINS, TAILS_OF_EVENTS, Capacities
from stream_rcf.core.model import Model
from stream_rcf.core.packed_baseline import SavedBaseline, write_baseline
from stream_rcf.errors import CheckpointError

CHANNELS, SIZE = 8, 32
USUAL = 4 * SIZE  # events in the baseline's sample
KINDS = 5  # of signals: two features, each of two directions, and the forest's
LEVEL = 8 * BASELINE_WORDS
HELD = LEVEL + 8 * CHANNELS
TAIL = HELD + (CHANNELS + TAILS_OF_EVENTS) * TAIL_BINS // 8


@pytest.fixture(scope="module")
def block() -> KeyBlock:
    """The block of a key with two features and some thousand events."""
    detector = Detector(["a", "b"], trees=3, sample_size=SIZE, shingle_size=2, seed=2)
    generator = random.Random(4)
    for i in range(1000):
        detector.process({"a": generator.gauss(0, 1), "b": float(generator.randrange(5))}, 1000 * i)
    return detector._block


def read(model: Model, data: bytes) -> SavedBaseline:
    return SavedBaseline(model, memoryview(data))


def test_what_was_written_comes_back(block: KeyBlock) -> None:
    data = write_baseline(block)
    saved = read(block.model, data + b"what follows")
    other = KeyBlock(block.model, 0, Capacities(SIZE, 100, 20, 1))
    saved.fill(other)

    assert (saved.length, saved.size, saved.samples) == (len(data), USUAL, SIZE)
    assert write_baseline(other) == data
    for name in ("baseline", "level", "tail", "episode", "usual_priority", "usual", "peak"):
        assert (getattr(views(other), name) == getattr(views(block), name)).all(), name
    assert len(data) < 10_000


def test_a_newborn_key_takes_few_bytes(block: KeyBlock) -> None:
    assert len(write_baseline(KeyBlock(block.model, 0))) < 440


def test_every_truncation_is_refused(block: KeyBlock) -> None:
    data = write_baseline(block)
    for length in range(len(data)):
        with pytest.raises(CheckpointError, match="its baseline is none that events could have made"):
            read(block.model, data[:length])


def changed(data: bytes, at: int, value: np.generic) -> bytes:
    new = value.tobytes()
    return data[:at] + new + data[at + len(new) :]


def places(data: bytes) -> dict[str, int]:
    """Where the parts begin that have no fixed place."""
    usual = len(data) - 4 * CHANNELS * USUAL
    peak = usual - 4 * USUAL - 16 * KINDS
    return {"usual": usual, "peak": peak, "episode": peak - 8 * (CHANNELS + 1)}


@pytest.mark.parametrize(
    ("part", "value"),
    [
        (0, np.float64(USUAL + 1)),  # the size of the sample
        (0, np.float64(3.5)),
        (0, np.float64(-1)),
        (8, np.float64(1e9)),  # its base lies in the future
        (24, np.float64(np.nan)),  # events
        (24, np.float64(5)),  # fewer than the sample holds
        (32, np.float64(-1)),  # the unit of the tails
        (LEVEL, np.float64(np.inf)),
        (TAIL, np.float32(-1)),
        (TAIL, np.float32(np.nan)),
        ("episode", np.int32(51)),
        ("episode", np.int32(-1)),
        ("peak", np.float64(-1)),
        ("peak", np.float64(np.inf)),
        ("usual", np.float32(np.nan)),
    ],
)
def test_no_number_is_taken_that_events_could_not_have_made(
    block: KeyBlock, part: int | str, value: np.generic
) -> None:
    data = write_baseline(block)
    at = part if isinstance(part, int) else places(data)[part]

    with pytest.raises(CheckpointError):
        read(block.model, changed(data, at, value))


def test_whatever_bit_flips_it_is_refused_or_a_baseline(block: KeyBlock) -> None:
    data = write_baseline(block)
    generator = random.Random(7)
    for _ in range(500):
        bit = generator.randrange(8 * len(data))
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        other = KeyBlock(block.model, 0, Capacities(SIZE, 100, 20, 1))
        try:
            read(block.model, bytes(damaged)).fill(other)
        except CheckpointError:
            continue
        assert (np.diff(views(other).usual, axis=1) >= 0).all()
