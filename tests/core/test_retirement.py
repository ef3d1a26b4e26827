"""Idle keys begin anew: when exactly, and as if they had never been."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from stream_rcf.core.batch import process_blocks
from stream_rcf.core.block import KeyBlock
from stream_rcf.core.detector import Detector
from stream_rcf.core.layout import EVENTS_SEEN
from stream_rcf.core.model import model_of
from stream_rcf.core.packing import pack, unpack
from stream_rcf.core.parameters import DetectorParameters, ForestParameters
from stream_rcf.core.process import REASON, SEEN
from stream_rcf.core.reasons import Reason
from stream_rcf.core.scratch import new_scratch
from stream_rcf.errors import UsageError
from tests.oracle.naive_detector import NaiveDetector
from tests.oracle.streams import stream
from tests.properties.invariants import check_block

HOUR = 3_600_000  # ms


def detector(shingle_size: int = 2, retire_after_seconds: float | None = 3600.0, key: str = "") -> Detector:
    return Detector(
        ["value"],
        shingle_size,
        3,
        24,
        0.02,
        5,
        key,
        retire_after_seconds=retire_after_seconds,
        alert_budget=None,
    )


def times(count: int, seed: int = 1) -> np.ndarray:
    """Minutes apart; now and then an hour or two, and every tenth is late."""
    random = np.random.default_rng(seed)
    steps = random.choice([60_000, HOUR, HOUR + 1, 2 * HOUR], size=count, p=[0.985, 0.005, 0.005, 0.005])
    return np.asarray(np.cumsum(steps) - (random.random(count) < 0.1) * random.integers(0, 3 * HOUR, count))


@pytest.mark.parametrize("shingle_size", [1, 4])
def test_every_event_equals_the_twins(shingle_size: int) -> None:
    twin = NaiveDetector(
        HOUR, trees=3, sample_size=24, dimensions=1, shingle_size=shingle_size, time_decay=0.02, seed=5
    )
    ours = detector(shingle_size)
    retired = 0
    for record, timestamp in zip(stream("mixed", 1500, 1), times(1500).tolist(), strict=True):
        expected = twin.process(record, timestamp)
        found = ours.process({"value": float(record[0])}, timestamp)
        assert found["anomaly_score"] == pytest.approx(expected.score, rel=1e-9, abs=0.0)
        assert found["anomaly_grade"] == expected.grade
        assert found["model"]["events_seen"] == expected.events_seen
        assert (found["reason"] == "idle_key_retired") == expected.retired
        retired += expected.retired
    assert retired >= 5


def test_a_key_that_began_anew_is_as_if_newborn() -> None:
    ours = detector()
    x = stream("gaussian", 400, 1)[:, 0]
    for i in range(200):
        ours.process({"value": x[i]}, 1000 * i)
    bytes_held = ours._block.bytes
    newborn = detector()
    for i in range(200, 400):
        found = ours.process({"value": x[i]}, HOUR + 1000 * i)
        expected = newborn.process({"value": x[i]}, HOUR + 1000 * i)
        assert found["reason"] == ("idle_key_retired" if i == 200 else expected["reason"])
        assert {**found, "reason": None} == {**expected, "reason": None}
        assert ours._block.bytes >= bytes_held
        check_block(ours._block)
        for quick in (False, True):
            assert ours.to_bytes(quick=quick) == newborn.to_bytes(quick=quick)


def seen_after(pauses: list[int], retire_after_seconds: float | None = 3600.0) -> list[int]:
    """The count of events with each of the events so many ms after the first."""
    ours = detector(retire_after_seconds=retire_after_seconds)
    return [ours.process({"value": 1.0}, pause)["model"]["events_seen"] for pause in (0, *pauses)]


def test_only_a_longer_pause_retires() -> None:
    assert seen_after([HOUR, 2 * HOUR]) == [1, 2, 3]
    assert seen_after([HOUR + 1, HOUR + 2]) == [1, 1, 2]
    assert seen_after([10**13], retire_after_seconds=None) == [1, 2]
    assert seen_after([1, 2, 4], retire_after_seconds=0.001) == [1, 2, 3, 1]


def test_a_late_event_retires_nothing_and_does_not_turn_back_the_time() -> None:
    assert seen_after([-10 * HOUR, 1, HOUR + 1]) == [1, 2, 3, 4]
    assert seen_after([-10 * HOUR, HOUR + 1]) == [1, 2, 1]


def test_no_timestamp_is_too_large_or_too_small() -> None:
    low, high = -(2**63), 2**63 - 1
    assert seen_after([low, high, low, high - 1]) == [1, 2, 1, 2, 3]
    ours = detector()
    assert [ours.process({"value": 1.0}, t)["model"]["events_seen"] for t in (low, high, high)] == [1, 1, 2]


def batches(x: np.ndarray, size: int, threads: int, save: bool) -> tuple[list[Any], list[bytes]]:
    """The integers of all events of seven keys in turn, in batches of this size, and the states in the end."""
    parameters = DetectorParameters(("value",), ForestParameters(3, 24, 1, 2, 0.02), retire_after_ms=HOUR)
    model = model_of(parameters)
    blocks = [KeyBlock(model, key) for key in range(7)]
    scratches = [new_scratch(model) for _ in range(threads)]
    moments = times(len(x), seed=4)
    found: list[Any] = []
    with ThreadPoolExecutor(threads) as pool:
        for first in range(0, len(x), size):
            part = slice(first, first + size)
            held = [blocks[i % 7] for i in range(first, min(first + size, len(x)))]
            results = process_blocks(model, scratches, held, x[part], moments[part], pool.map)
            found += results.integers[:, [REASON, SEEN]].tolist()
            if save:
                blocks = [unpack(model, pack(block, quick=i % 2 == 0)) for i, block in enumerate(blocks)]
    for block in blocks:
        check_block(block)
    return found, [pack(block) for block in blocks]


def test_batches_threads_and_saves_do_not_matter() -> None:
    x = stream("gaussian", 2100, 1)
    expected = batches(x, 1, 1, save=False)
    assert [Reason.IDLE_KEY_RETIRED, 1] in expected[0]
    assert batches(x, 2100, 1, save=False) == expected
    assert batches(x, 700, 3, save=False) == expected
    assert batches(x, 150, 1, save=True) == expected


def test_growing_goes_on_after_a_pause_in_the_middle_of_a_batch() -> None:
    parameters = DetectorParameters(("value",), ForestParameters(3, 64, 1, 4, 0.0), retire_after_ms=HOUR)
    model = model_of(parameters)
    block, scratch = KeyBlock(model, 1), new_scratch(model)
    for batch, count in enumerate((3, 20, 40, 100, 7, 400)):
        moments = np.arange(count) * 1000
        moments[count // 2 :] += 10 * HOUR
        moments += 100 * HOUR * batch
        x = stream("gaussian", count, 1, seed=count)
        process_blocks(model, [scratch], [block] * count, x, moments)
        check_block(block)
        assert int(block.header()[EVENTS_SEEN]) == count - count // 2


@pytest.mark.parametrize("seconds", [0.0, -1.0, 0.0001, 1e11, float("nan"), float("inf")])
def test_an_impossible_pause_is_refused_by_name(seconds: float) -> None:
    with pytest.raises(UsageError, match=r"retire_after_seconds is .*, but must be between 0.001 and"):
        detector(retire_after_seconds=seconds)
