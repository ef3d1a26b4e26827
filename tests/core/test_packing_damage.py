"""Damaged states: every random damage is found, and one that was signed again is refused or still a forest."""

from __future__ import annotations

import random
import tracemalloc
import zlib

import numpy as np
import pytest

from stream_rcf.core.forest import RandomCutForest
from stream_rcf.core.packing import CHECKSUM, MAGIC, PREFIX, QUICK_MAGIC, STATE, pack, unpack
from stream_rcf.errors import CheckpointError
from tests.oracle.streams import stream
from tests.properties.invariants import check_block

START = len(RandomCutForest(2, 2, 3, 12).to_bytes()) - len(pack(RandomCutForest(2, 2, 3, 12)._block))
INTERESTING = [0, 1, 127, 128, 255]


def forest_of(name: str, events: int) -> RandomCutForest:
    forest = RandomCutForest(2, 2, trees=3, sample_size=12, time_decay=0.05, seed=2)
    forest.process_many(stream(name, events, 2))
    return forest


def weighted() -> RandomCutForest:
    """One whose samples and priorities are written out."""
    forest = RandomCutForest(2, 2, trees=3, sample_size=12, time_decay=0.05, seed=2)
    for event, record in enumerate(stream("gaussian", 60, 2)):
        forest.update(record, 1.0 + event % 3)
    return forest


@pytest.fixture(scope="module", params=[False, True], ids=["small", "quick"])
def states(request: pytest.FixtureRequest) -> list[bytes]:
    """States of one of the two forms."""
    forests = [forest_of("gaussian", 100), forest_of("tied", 60), forest_of("huge", 3), weighted()]
    return [pack(forest._block, quick=request.param) for forest in forests]


def signed(body: bytes) -> bytes:
    """The state with a checksum that matches."""
    return body + CHECKSUM.pack(zlib.crc32(body))


def model() -> RandomCutForest:
    return RandomCutForest(2, 2, trees=3, sample_size=12, time_decay=0.05, seed=2)


def refused(data: bytes) -> bool:
    """Whether it is refused; if not, it must be a forest in every respect."""
    forest = model()
    try:
        forest._block = unpack(forest._model, data)
    except CheckpointError:
        return True
    check_block(forest._block)
    again, quickly = pack(forest._block), pack(forest._block, quick=True)
    for data_again in (again, quickly):
        restored = unpack(forest._model, data_again)
        assert pack(restored) == again
        assert pack(restored, quick=True) == quickly
    assert np.isfinite(forest.process_many(stream("gaussian", 20, 2))).all()
    return False


def test_a_state_that_is_cut_short_anywhere_is_refused(states: list[bytes]) -> None:
    for data in states:
        for keep in range(len(data)):
            with pytest.raises(CheckpointError, match="cut short"):
                unpack(model()._model, data[:keep])


def test_a_lengthened_state_is_refused(states: list[bytes]) -> None:
    with pytest.raises(CheckpointError, match="checksum"):
        unpack(model()._model, states[0] + b"\0")
    with pytest.raises(CheckpointError, match="last part"):
        unpack(model()._model, signed(states[0][: -CHECKSUM.size] + b"\0"))


def test_one_form_under_the_other_s_name_is_refused_or_still_a_forest(states: list[bytes]) -> None:
    for data in states:
        other = QUICK_MAGIC if data[: len(MAGIC)] == MAGIC else MAGIC
        refused(signed(other + data[len(MAGIC) : -CHECKSUM.size]))


def test_every_flipped_bit_is_found(states: list[bytes]) -> None:
    for data in states:
        for bit in range(8 * len(data)):
            damaged = bytearray(data)
            damaged[bit // 8] ^= 1 << bit % 8
            with pytest.raises(CheckpointError):
                unpack(model()._model, bytes(damaged))


def test_damage_that_was_signed_again_is_refused_or_still_a_forest(states: list[bytes]) -> None:
    """Whatever a byte is changed to: no crash, no tree that is none, no score that is not a number."""
    draw = random.Random(20260101)
    outcomes = []
    for _ in range(4000):
        body = bytearray(draw.choice(states)[: -CHECKSUM.size])
        for _ in range(draw.choice([1, 1, 1, 3])):
            body[draw.randrange(len(body))] = draw.choice([*INTERESTING, draw.randrange(256)])
        outcomes.append(refused(signed(bytes(body))))
    assert 500 < sum(outcomes) < 3900


def test_nonsense_behind_a_good_beginning_is_refused_or_still_a_forest(states: list[bytes]) -> None:
    draw = random.Random(20260102)
    start = PREFIX.size + STATE.size
    for _ in range(1500):
        body = draw.choice(states)[: draw.choice([start, start + 5, start + 60])]
        rest = draw.choice([b"", b"\0" * 300, b"\xff" * 300, draw.randbytes(draw.randrange(300))])
        refused(signed(body + rest))


def test_a_shortened_state_that_was_signed_again_is_refused_or_still_a_forest(states: list[bytes]) -> None:
    for data in states:
        for keep in range(len(data) - CHECKSUM.size):
            refused(signed(data[:keep]))


@pytest.mark.parametrize(
    ("place", "number"),
    [(6, 2**31 - 1), (6, -1), (7, 2**31 - 1), (7, -1), (8, 2**31 - 1), (8, 13), (8, -1), (6, 40), (8, 11)],
)
def test_no_count_makes_it_take_memory(states: list[bytes], place: int, number: int) -> None:
    """Records, runs, samples: all three are bounded by what the model itself may hold."""
    fields = list(PREFIX.unpack_from(states[0]))
    fields[place] = number
    data = signed(PREFIX.pack(*fields) + states[0][PREFIX.size : -CHECKSUM.size])
    unpack(model()._model, states[0])  # whose kernels must not be loaded below
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError):
            unpack(model()._model, data)
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("word", "number", "complaint"),
    [
        (1, -1, "counts -1 events"),
        (1, 2**62, "events: impossible"),
        (1, 99, "latest events"),
        (2, 101, "lies in the future"),
        (2, -1, "lies in the future"),
        (3, 2, "a flag"),
        (4, 101, "events: impossible"),
        (7, 101, "more alerts than events"),
        (8, -1, "more alerts than events"),
        (10, 101, "more alerts than events"),
        (11, -1, "more alerts than events"),
        (12, 1, "ids of its latest events"),
        (14, np.float64(np.nan), "not a finite number"),
        (14, np.float64(1.0), "time decay"),
        (14, np.float64(-0.5), "time decay"),
        (15, np.float64(np.inf), "not a finite number"),
    ],
)
def test_impossible_state_words_are_named(
    states: list[bytes], word: int, number: int | np.float64, complaint: str
) -> None:
    words = list(STATE.unpack_from(states[0], PREFIX.size))
    words[word] = int(number.view(np.int64)) if isinstance(number, np.float64) else number
    body = (
        states[0][: PREFIX.size] + STATE.pack(*words) + states[0][PREFIX.size + STATE.size : -CHECKSUM.size]
    )
    with pytest.raises(CheckpointError, match=complaint):
        unpack(model()._model, signed(body))


def test_the_forest_s_own_frame_is_no_weaker() -> None:
    """With the parameters before it: any change of those is another forest, or none."""
    draw = random.Random(20260103)
    data = forest_of("gaussian", 100).to_bytes()
    for _ in range(500):
        damaged = bytearray(data)
        damaged[draw.randrange(START)] = draw.choice([*INTERESTING, draw.randrange(256)])
        try:
            forest = RandomCutForest.from_bytes(bytes(damaged))
        except CheckpointError:
            continue
        assert np.isfinite(forest.process_many(stream("gaussian", 20, 2))).all()
