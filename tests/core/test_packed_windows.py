"""Open windows as bytes: what was written comes back, and nothing else is taken for some."""

from __future__ import annotations

import numpy as np
import pytest

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.layout import LATEST_TIMESTAMP, RECORD_TIMESTAMP
from stream_rcf.core.model import model_of
from stream_rcf.core.packed_windows import HEAD_WORDS, read_windows, write_windows
from stream_rcf.core.packing import pack, unpack
from stream_rcf.core.parameters import DetectorParameters
from stream_rcf.errors import CheckpointError
from tests.core.damage_support import with_flipped_bits
from tests.core.window_support import WindowedKey, raw, window_parameters

PARAMETERS = window_parameters(("count", "mean(b)", "p99(a)"), lateness=25, remembered_ids=2)
HEAD, SLOT, NUMBERS, SKETCH = 8 * HEAD_WORDS, 16, 64, 32
FIRST = HEAD + SLOT  # where the first open window's numbers begin: of a, then of b
WORDS = FIRST + NUMBERS  # of its sketch
BINS = WORDS + SKETCH
USED = 12  # values, all different, in the first open window


@pytest.fixture(scope="module")
def key() -> WindowedKey:
    """A key with three open windows."""
    found = WindowedKey(PARAMETERS)
    found.add([raw(0), raw(40), raw(77)])
    found.add([raw(55, 1.5 * n, None if n % 3 else float(n)) for n in range(USED)])
    found.add([raw(60 + n % 15, float(n * n)) for n in range(300)])
    found.block.header()[RECORD_TIMESTAMP] = 40
    return found


def newborn(like: KeyBlock) -> KeyBlock:
    """A block whose state words are those of another."""
    block = KeyBlock(like.model, 1)
    block.header()[LATEST_TIMESTAMP] = like.header()[LATEST_TIMESTAMP]
    return block


def test_what_was_written_comes_back(key: WindowedKey) -> None:
    data = write_windows(key.block)
    other = newborn(key.block)
    assert read_windows(other, memoryview(data + b"what follows")) == len(data)
    assert write_windows(other) == data
    assert int(other.header()[RECORD_TIMESTAMP]) == 40
    assert pack(unpack(key.model, pack(key.block))) == pack(key.block)
    assert pack(unpack(key.model, pack(key.block, quick=True))) == pack(key.block)


def test_a_key_without_windows_has_no_bytes_of_them() -> None:
    block = KeyBlock(model_of(DetectorParameters()), 1)
    assert write_windows(block) == b""
    assert read_windows(block, memoryview(b"")) == 0
    assert len(write_windows(KeyBlock(model_of(PARAMETERS), 1))) == HEAD


def test_every_truncation_is_refused(key: WindowedKey) -> None:
    data = write_windows(key.block)
    for length in range(0, len(data), 3):
        with pytest.raises(CheckpointError, match="its open windows are none that events could have left"):
            read_windows(newborn(key.block), memoryview(data[:length]))


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (0, np.int64(78)),  # a record that is later than the latest event
        (8, np.int64(2)),  # neither filled nor not
        (8, np.int64(0)),  # never filled, but with a number
        (16, np.int64(5)),  # filled last was one that is not closed
        (24, np.int64(0)),  # filled now, and never
        (24, np.int64(2)),
        (32, np.int64(-1)),
        (32, np.int64(5)),  # more open than there are slots
        (HEAD, np.int64(4)),  # open, though it is closed
        (HEAD, np.int64(8)),  # of the future
        (HEAD + 8, np.int64(0)),  # without events
        (FIRST, np.float64(USED + 1)),  # more values than events
        (FIRST, np.float64(1.5)),
        (FIRST, np.float64(-1)),
        (FIRST, np.float64(0)),  # none, but their sum
        (FIRST + 8, np.float64(np.nan)),
        (FIRST + 8, np.float64(1e300)),
        (FIRST + 16, np.float64(1e39)),
        (FIRST + 16, np.float64(100)),  # the lowest above the highest
        (FIRST + 24, np.float64(np.inf)),
        (FIRST + 24, np.float64(17)),  # not the greatest of the sketch
        (WORDS, np.int64(257)),
        (WORDS, np.int64(0)),
        (WORDS + 8, np.int64(-1)),
        (WORDS + 8, np.int64(57)),
        (WORDS + 16, np.int64(1)),  # not where the lowest stands
        (WORDS + 24, np.int64(2**63 - 1)),
        (BINS, np.int64(-5)),
        (BINS + 8, np.int64(0)),  # not ascending
        (BINS + 8 * USED, np.int64(0)),  # a count of none
        (BINS + 8 * USED, np.int64(2)),  # more than the values
    ],
)
def test_no_number_is_taken_that_events_could_not_have_left(
    key: WindowedKey, at: int, value: np.generic
) -> None:
    data = write_windows(key.block)
    new = value.tobytes()
    with pytest.raises(CheckpointError):
        read_windows(newborn(key.block), memoryview(data[:at] + new + data[at + len(new) :]))


def test_whatever_bit_flips_it_is_refused_or_a_state_that_goes_on(key: WindowedKey) -> None:
    data = write_windows(key.block)
    taken = 0
    for damaged in with_flipped_bits(data, 1500):
        other = WindowedKey(PARAMETERS)
        other.block = newborn(key.block)
        try:
            length = read_windows(other.block, memoryview(damaged))
        except CheckpointError:
            continue
        taken += 1
        assert write_windows(other.block) == damaged[:length]
        rows = [window.values for window in other.add([raw(70), raw(90), raw(10**6)])]
        assert np.isfinite(np.array(rows, np.float32)[:, 0]).all()
        assert not np.isinf(np.array(rows, np.float32)).any()
    assert taken > 0, "some numbers may be others"
