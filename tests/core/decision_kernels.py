"""Kernels that reach what the product's own kernels inline: the decision about one event, for tests."""

from __future__ import annotations

from stream_rcf.core.attribution import attribute_point
from stream_rcf.core.decision import decide_by_budget
from stream_rcf.core.kernel import kernel
from stream_rcf.core.layout import STORED, open_block
from stream_rcf.core.likelihood import SIGNALS_OF_FOREST, bearable
from stream_rcf.core.model import Model
from stream_rcf.core.rules import EventRules
from stream_rcf.core.scratch import Scratch
from stream_rcf.core.store import latest_point
from stream_rcf.core.tails import JOINT, rarity_in


@kernel
def decide(address: int, model: Model, rules: EventRules, event: int, scratch: Scratch) -> tuple[float, int]:
    """Grade and reason by the signals in ``scratch``."""
    return decide_by_budget(open_block(address, model), model, 1.0, rules, event, scratch)


@kernel
def usually_bearable(address: int, model: Model) -> float:
    """The probability below which an event is an alert where nobody said anything."""
    return bearable(open_block(address, model), model)


@kernel
def attribute(address: int, model: Model, scratch: Scratch) -> None:
    """Set ``scratch.total`` for the latest point."""
    block = open_block(address, model)
    attribute_point(block, model, latest_point(block, model, block.integers[STORED]), scratch)


@kernel
def rarity_of(address: int, model: Model, score: float, scratch: Scratch) -> float:
    """How rare the forest's signal would be with this score."""
    block = open_block(address, model)
    return SIGNALS_OF_FOREST * rarity_in(block, model.channels, JOINT, score, scratch.believed)
