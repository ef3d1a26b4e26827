"""Late, double and incomplete events, and gaps: each by what it does to the score, and to what is known afterwards."""

from __future__ import annotations

import numpy as np
import pytest

from stream_rcf.core.arrival_parameters import ArrivalParameters
from stream_rcf.core.batch import BlockBatch
from stream_rcf.core.block import KeyBlock
from stream_rcf.core.event_arrays import EventArrays, plain_events
from stream_rcf.core.layout import EVENTS_SEEN
from stream_rcf.core.model import model_of
from stream_rcf.core.packing import pack, unpack
from stream_rcf.core.parameters import DetectorParameters, ForestParameters
from stream_rcf.core.preprocessing import preprocessing_of
from stream_rcf.core.process import REASON, SCORE, SEEN
from stream_rcf.core.reasons import Reason
from stream_rcf.core.retirement import retired_block
from stream_rcf.core.scratch import new_scratch
from stream_rcf.errors import CheckpointError, UsageError

MINUTE = 60_000


class Key:
    """One key under some policies, and what came of its events."""

    def __init__(
        self,
        dimensions: int = 1,
        shingle_size: int = 4,
        transforms: dict[str, str] | None = None,
        retire_after_ms: int = 0,
        **arrival: object,
    ) -> None:
        forest = ForestParameters(5, 32, dimensions, shingle_size)
        names = tuple(f"f{i}" for i in range(dimensions))
        preprocessing = preprocessing_of(names, transforms or {}, {}, True)
        self.model = model_of(
            DetectorParameters(
                names,
                forest,
                retire_after_ms=retire_after_ms,
                arrival=ArrivalParameters(**arrival),
                preprocessing=preprocessing,
            )
        )
        self.block = KeyBlock(self.model, 1)
        self.scratch = new_scratch(self.model)

    def process(self, values: np.ndarray, times: np.ndarray, ids: list[int] | None = None) -> tuple:
        """(numbers, integers) of the events."""
        arrays: EventArrays = plain_events(np.array(values, np.float64), np.array(times, np.int64))
        if ids is not None:
            arrays = arrays._replace(identities=np.array(ids, np.int64))
        batch = BlockBatch(self.model, [self.scratch], [self.block] * len(times), arrays)
        batch.run()
        results = batch.finish()
        return results.numbers, results.integers

    def reasons(self, values: np.ndarray, times: np.ndarray, ids: list[int] | None = None) -> list[Reason]:
        """Why the events have no score, or no alert."""
        return [Reason(reason) for reason in self.process(values, times, ids)[1][:, REASON].tolist()]


def noise(count: int, dimensions: int = 1, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, dimensions))


def minutes(count: int, start: int = 0) -> np.ndarray:
    return MINUTE * np.arange(start, start + count)


def test_by_default_every_event_is_scored_in_the_order_in_which_it_comes() -> None:
    key = Key()
    key.process(noise(100), minutes(100))
    numbers, integers = key.process(noise(3, seed=2), np.array([5, 3, 4]))

    assert (numbers[:, SCORE] > 0.0).all()
    assert integers[:, SEEN].tolist() == [101, 102, 103]


def test_an_event_that_is_too_late_is_passed_over_as_if_it_had_never_come() -> None:
    late, without = Key(allowed_lateness_ms=2 * MINUTE), Key(allowed_lateness_ms=2 * MINUTE)
    for key in (late, without):
        key.process(noise(100), minutes(100))
    numbers, integers = late.process(np.full((3, 1), 1e6), MINUTE * np.array([96, 97, 10]))

    assert [Reason(r) for r in integers[:, REASON]][::2] == [Reason.LATE_EVENT] * 2
    assert Reason(integers[1, REASON]) is not Reason.LATE_EVENT, "two minutes behind are allowed"
    assert numbers[::2, SCORE].tolist() == [0.0, 0.0]
    assert integers[:, SEEN].tolist() == [100, 101, 101]
    without.process(np.full((1, 1), 1e6), MINUTE * np.array([97]))
    assert pack(late.block) == pack(without.block)


def test_times_that_lie_as_far_apart_as_can_be_are_told_apart() -> None:
    key = Key(allowed_lateness_ms=1000, max_gap_ms=1000)
    first, last = -(2**63) + 1, 2**63 - 1
    key.process(noise(1), np.array([last]))

    assert key.reasons(noise(1), np.array([first])) == [Reason.LATE_EVENT]


def test_an_id_is_scored_once_while_it_is_remembered() -> None:
    key = Key(remembered_ids=3)
    assert key.reasons(noise(5), minutes(5), [7, 8, 7, 9, 8])[2:5:2] == [Reason.DUPLICATE_EVENT] * 2
    assert int(key.block.header()[EVENTS_SEEN]) == 3
    # 7 is the oldest of three: the next id takes its place.
    later = key.reasons(noise(3), minutes(3, 5), [10, 7, 10])
    assert [reason is Reason.DUPLICATE_EVENT for reason in later] == [False, False, True]


def test_events_without_an_id_are_never_duplicates() -> None:
    key = Key(remembered_ids=3)
    assert Reason.DUPLICATE_EVENT not in key.reasons(noise(4), minutes(4), [0, 0, 0, 0])


def test_remembered_ids_are_saved() -> None:
    key = Key(remembered_ids=4)
    key.process(noise(3), minutes(3), [1, 2, 3])
    data = pack(key.block)
    other = Key(remembered_ids=4)
    other.block = unpack(other.model, data)

    assert other.reasons(noise(1), minutes(1, 3), [2]) == [Reason.DUPLICATE_EVENT]
    with pytest.raises(CheckpointError):
        unpack(Key(remembered_ids=5).model, data)


def test_no_shingle_spans_a_gap_and_the_model_stays() -> None:
    key = Key(max_gap_ms=10 * MINUTE)
    key.process(noise(100), minutes(100))
    before, after = key.reasons(noise(1), minutes(1, 109)), key.process(noise(6), minutes(6, 200))

    assert before == [Reason.NONE], "ten minutes are no gap"
    assert [Reason(r) for r in after[1][:4, REASON]] == [Reason.SHINGLE_FILLING] * 3 + [Reason.NONE]
    assert (after[0][:, SCORE] > 0.0).tolist() == [False] * 3 + [True] * 3
    assert after[1][-1, SEEN] == 107


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_gap_is_remembered_over_a_restart(cut: int) -> None:
    x, times = noise(110), np.concatenate([minutes(100), minutes(10, 500)])
    whole, parts = Key(max_gap_ms=10 * MINUTE), Key(max_gap_ms=10 * MINUTE)
    expected = whole.process(x, times)
    parts.process(x[: 100 + cut], times[: 100 + cut])
    parts.block = unpack(parts.model, pack(parts.block))
    rest = parts.process(x[100 + cut :], times[100 + cut :])

    assert (rest[0] == expected[0][100 + cut :]).all()
    assert (rest[1] == expected[1][100 + cut :]).all()


def test_a_gap_of_years_costs_no_more_than_an_event() -> None:
    """Nothing is made up for the records that did not come: the store has the one that did."""
    key = Key(max_gap_ms=MINUTE)
    key.process(noise(50), minutes(50))
    _, integers = key.process(noise(1), minutes(1, 10**9))
    assert integers[0, SEEN] == 51


def test_a_missing_feature_counts_as_it_was_before() -> None:
    incomplete, filled = Key(2, fills_missing=True), Key(2, fills_missing=True)
    x = noise(100, 2)
    with_gaps, same = x.copy(), x.copy()
    with_gaps[50, 1] = np.nan
    with_gaps[51, 1] = np.nan
    same[50, 1] = same[51, 1] = np.float32(x[49, 1])

    numbers, integers = incomplete.process(with_gaps, minutes(100))
    expected = filled.process(same, minutes(100))
    assert (numbers == expected[0]).all()
    assert (integers == expected[1]).all()


def test_a_record_that_is_mostly_made_up_teaches_the_forest_nothing() -> None:
    key, twin = Key(3, shingle_size=1, fills_missing=True), Key(3, shingle_size=1, fills_missing=True)
    x = noise(60, 3)
    for other in (key, twin):
        other.process(x, minutes(60))
    key.process(np.array([[np.nan, np.nan, 50.0]] * 40), minutes(40, 60))
    probe = noise(1, 3, seed=9) + np.array([[0.0, 0.0, 50.0]])

    score = key.process(probe, minutes(1, 100))[0][0, SCORE]
    twin.process(np.array([[x[-1, 0], x[-1, 1], 50.0]] * 40), minutes(40, 60))
    taught = twin.process(probe, minutes(1, 100))[0][0, SCORE]
    assert score > 1.3 * taught


def test_a_first_record_that_lacks_a_feature_is_passed_over() -> None:
    key = Key(2, fills_missing=True)
    assert key.reasons(np.array([[1.0, np.nan]]), minutes(1)) == [Reason.MISSING_FEATURES]
    assert int(key.block.header()[EVENTS_SEEN]) == 0
    assert key.reasons(np.array([[1.0, 2.0]]), minutes(1)) == [Reason.SHINGLE_FILLING]


@pytest.mark.parametrize(
    "arrival", [{"allowed_lateness_ms": -2}, {"max_gap_ms": -1}, {"remembered_ids": 5000}]
)
def test_policies_have_ranges(arrival: dict[str, int]) -> None:
    with pytest.raises(UsageError, match=next(iter(arrival))):
        ArrivalParameters(**arrival)


def test_policies_are_part_of_the_fingerprint_where_they_are_set() -> None:
    prints = {
        DetectorParameters(arrival=arrival).fingerprint()
        for arrival in (ArrivalParameters(), ArrivalParameters(5), ArrivalParameters(fills_missing=True))
    }
    assert len(prints) == 3


def test_the_event_with_which_a_key_begins_anew_is_known_when_it_comes_again() -> None:
    key, let_go = (Key(remembered_ids=4, retire_after_ms=1000 * MINUTE) for _ in range(2))
    key.process(noise(50), minutes(50), list(range(1, 51)))
    let_go.block = retired_block(let_go.model, 1, 49 * MINUTE)
    for one in (key, let_go):
        again = one.reasons(np.ones((2, 1)), MINUTE * np.array([2000, 2001]), [60, 60])
        assert again == [Reason.IDLE_KEY_RETIRED, Reason.DUPLICATE_EVENT]
    assert pack(key.block) == pack(let_go.block), "whether its state had been let go before tells nothing"
