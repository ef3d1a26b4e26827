"""Every score is explained where that is asked for, and asking changes nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stream_rcf.core.batch import BatchResults, process_blocks
from stream_rcf.core.block import KeyBlock
from stream_rcf.core.explanation import DIRECTION, EXPECTED, LOWER, SHARE, UPPER
from stream_rcf.core.model import model_of
from stream_rcf.core.packing import pack
from stream_rcf.core.parameters import DetectorParameters, ForestParameters, LikelihoodParameters
from stream_rcf.core.process import GRADE, SCORE
from stream_rcf.core.scratch import new_scratch

BY_BUDGET = DetectorParameters(("a", "b"), ForestParameters(10, 64, 2, 2))
PARAMETERS = {
    "budget": BY_BUDGET,
    "threshold": replace(BY_BUDGET, likelihood=LikelihoodParameters(0.0)),
    "no likelihood": replace(BY_BUDGET, likelihood=None),
}


def stream() -> np.ndarray:
    values = np.random.default_rng(2).normal(size=(600, 2))
    values[400:404, 1] += 30.0
    values[500, 0] = 0.0  # as usual as can be
    return values


def run(parameters: DetectorParameters) -> tuple[BatchResults, bytes]:
    model = model_of(parameters)
    block, values = KeyBlock(model, 3), stream()
    times = np.arange(len(values), dtype=np.int64) * 60_000
    return process_blocks(model, [new_scratch(model)], [block] * len(values), values, times), pack(block)


@pytest.mark.parametrize("parameters", PARAMETERS.values(), ids=PARAMETERS)
def test_every_score_is_explained_and_nothing_else_changes(parameters: DetectorParameters) -> None:
    usual, state = run(parameters)
    found, same_state = run(replace(parameters, explains_all=True))
    score, grade = found.numbers[:, SCORE], found.numbers[:, GRADE]

    assert found.numbers.tobytes() == usual.numbers.tobytes()
    assert found.integers.tobytes() == usual.integers.tobytes()
    assert same_state == state
    assert np.array_equal(found.details[grade > 0], usual.details[grade > 0])
    assert not usual.details[grade == 0].any()
    assert (grade > 0).any()
    assert ((found.details[:, 0, DIRECTION] != 0) == (score > 0)).all()


@pytest.mark.parametrize("parameters", PARAMETERS.values(), ids=PARAMETERS)
def test_explanations_hold_together(parameters: DetectorParameters) -> None:
    found, _ = run(replace(parameters, explains_all=True))
    details = found.details[found.numbers[:, SCORE] > 0]
    values = stream()[found.numbers[:, SCORE] > 0]

    assert np.isfinite(details).all()
    assert details[:, :, SHARE].sum(axis=1) == pytest.approx(1.0)
    assert (details[:, :, SHARE] >= 0).all()
    assert (details[:, :, LOWER] <= details[:, :, UPPER]).all()
    is_above = values.astype(np.float32) >= details[:, :, EXPECTED]
    assert np.array_equal(details[:, :, DIRECTION], np.where(is_above, 1.0, -1.0))


def test_asking_is_no_other_detector() -> None:
    assert replace(BY_BUDGET, explains_all=True).fingerprint() == BY_BUDGET.fingerprint()
