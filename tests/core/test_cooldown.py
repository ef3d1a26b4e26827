"""After an alert its key has no other for a while, by the events' own times."""

from __future__ import annotations

import numpy as np
import pytest

from stream_rcf.core.batch import BatchResults, process_blocks
from stream_rcf.core.block import KeyBlock
from stream_rcf.core.model import model_of
from stream_rcf.core.packing import pack, unpack
from stream_rcf.core.parameters import DetectorParameters, LikelihoodParameters
from stream_rcf.core.process import GRADE, REASON, SCORE
from stream_rcf.core.reasons import Reason
from stream_rcf.core.scratch import new_scratch
from stream_rcf.errors import UsageError

STEP = 300_000  # ms between events
AT, AGAIN, LATER = 3000, 3060, 3400  # the events that are spikes


def spikes() -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(5).normal(size=(3500, 1))
    x[[AT, AGAIN, LATER], 0] += [15.0, -16.0, 40.0]
    return x, STEP * np.arange(len(x), dtype=np.int64)


def run(
    x: np.ndarray, times: np.ndarray, budget: float = 2.0, restart: int = 0, **arguments: int
) -> BatchResults:
    parameters = DetectorParameters(likelihood=LikelihoodParameters(budget), **arguments)
    model = model_of(parameters)
    block, scratch = KeyBlock(model, 1), [new_scratch(model)]
    parts = []
    for first, end in ((0, restart), (restart, len(x))):
        if end > first:
            blocks = [block] * (end - first)
            parts.append(process_blocks(model, scratch, blocks, x[first:end].copy(), times[first:end]))
            block = unpack(model, pack(block))
    return BatchResults(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


@pytest.mark.parametrize("budget", [2.0, 0.0])
@pytest.mark.parametrize("restart", [0, AT + 5])
def test_an_alert_shortly_after_another_is_none_and_says_so(budget: float, restart: int) -> None:
    x, times = spikes()
    free, cooled = (run(x, times, budget, restart, cooldown_ms=ms) for ms in (0, 61 * STEP))

    assert (free.numbers[[AT, AGAIN, LATER], GRADE] > 0.0).all()
    assert (cooled.numbers[[AT, AGAIN, LATER], GRADE] > 0.0).tolist() == [True, False, True]
    assert Reason(cooled.integers[AGAIN, REASON]) is Reason.COOLDOWN
    assert np.array_equal(cooled.numbers[:, SCORE], free.numbers[:, SCORE])


def test_a_cooldown_that_is_over_holds_nothing_back() -> None:
    x, times = spikes()
    assert run(x, times, cooldown_ms=59 * STEP).numbers[AGAIN, GRADE] > 0.0


def test_a_time_in_the_far_future_does_not_silence_the_key_until_then() -> None:
    x, times = spikes()
    times[AT] += 10**12
    found = run(x, times, cooldown_ms=61 * STEP).numbers
    assert (found[[AT, AGAIN, LATER], GRADE] > 0.0).all()


def test_it_is_a_time_and_part_of_the_fingerprint() -> None:
    with pytest.raises(UsageError, match="cooldown_ms is -1"):
        DetectorParameters(cooldown_ms=-1)
    assert len({DetectorParameters(cooldown_ms=ms).fingerprint() for ms in (0, 1, 2)}) == 3
