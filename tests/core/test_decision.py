"""The decision beside its slow twin, for signals of any kind and whatever people said of them."""

from __future__ import annotations

import numpy as np
import pytest

from stream_rcf.core.batch import process_blocks
from stream_rcf.core.block import KeyBlock
from stream_rcf.core.model import model_of
from stream_rcf.core.parameters import DetectorParameters, ForestParameters, LikelihoodParameters
from stream_rcf.core.process import GRADE
from stream_rcf.core.reasons import Reason
from stream_rcf.core.rules import EventRules, no_rules
from stream_rcf.core.scratch import Scratch, new_scratch
from tests.core.decision_kernels import attribute, decide, rarity_of, usually_bearable
from tests.oracle.naive_decision import Signal
from tests.oracle.naive_decision import decide as slowly

FEATURES, SHINGLE, COUNT, TRIALS = 3, 2, 300, 400
MODEL = model_of(
    DetectorParameters(
        ("a", "b", "c"), ForestParameters(10, 32, FEATURES, SHINGLE), likelihood=LikelihoodParameters(2.0)
    )
)
STEPS = np.array([4.0**step for step in range(-4, 5)])


@pytest.fixture(scope="module")
def key() -> KeyBlock:
    """A key without a recent alert."""
    block = KeyBlock(MODEL, 1)
    x = np.random.default_rng(3).normal(size=(COUNT, FEATURES))
    times = 3_600_000 * np.arange(COUNT, dtype=np.int64)
    results = process_blocks(MODEL, [new_scratch(MODEL)], [block] * COUNT, x, times)
    assert not (results.numbers[-SHINGLE:, GRADE] > 0.0).any()
    return block


def forest_parts(key: KeyBlock, scratch: Scratch) -> np.ndarray:
    """Of the forest's score, by feature and direction."""
    attribute(key.address, MODEL, scratch)
    return scratch.total.reshape(SHINGLE, FEATURES, 2).sum(axis=0)


@pytest.mark.parametrize("has_feedback", [False, True])
def test_kernel_and_twin_agree(key: KeyBlock, has_feedback: bool) -> None:
    generator, scratch = np.random.default_rng(5), new_scratch(MODEL)
    usual = usually_bearable(key.address, MODEL)
    parts = forest_parts(key, scratch)
    made_most = np.unravel_index(np.argmax(parts), parts.shape)
    row, answers = 0, set()
    for _ in range(TRIALS):
        sensitivity = generator.choice(STEPS, (1, FEATURES, 2)) if has_feedback else np.ones((1, FEATURES, 2))
        rules = no_rules(FEATURES)
        if has_feedback:
            rules = EventRules(rules.muted, rules.tolerance, sensitivity)
        rarities = usual * 10.0 ** generator.uniform(-3.0, 3.0, FEATURES + 1)
        rises, is_news = generator.random(FEATURES) < 0.5, generator.random(FEATURES + 1) < 0.7
        scratch.rarity[:], scratch.rises[:], scratch.is_news[:] = rarities, rises, is_news
        row = row + 1 if rarities.min() <= usual else 0
        of_signals = [float(sensitivity[0, i, 0 if rises[i] else 1]) for i in range(FEATURES)]
        of_signals.append(float(sensitivity[0][made_most]))
        signals = [
            Signal(*each) for each in zip(rarities.tolist(), of_signals, is_news.tolist(), strict=True)
        ]
        spared = rarity_of(key.address, MODEL, float(parts[sensitivity[0] >= 1.0].sum()), scratch)
        grade, reason = decide(key.address, MODEL, rules, 0, scratch)
        expected = slowly(usual, signals, spared, row)
        assert (grade, Reason(reason).name.lower()) == expected
        answers.add(expected[1] if expected[0] == 0.0 else "alert")
    assert {"alert", "none", "already_alerted"} <= answers
    assert ("rule" in answers) is has_feedback
