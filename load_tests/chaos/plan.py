"""Which faults happen, in which order, for how long, and to whom: a pure function of the seed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

CHOICES = 2**16  # a fault's victim is this draw modulo the number of victims
NESTED_SHARE = 0.3  # of the lasting faults have another one in their middle
PEACE_SHARE = 0.5  # of the faults come when the service has caught up, the others at any time


@dataclass(frozen=True)
class Kind:
    """One kind of fault.

    ``seconds`` is how long it lasts, at least and at most, 0 for one that is over at once. ``from_its_end``: recovery
    is counted from its end, else from its beginning. ``may_nest``: it may happen in the middle of a lasting one.
    """

    name: str
    sentence: str
    seconds: tuple[float, float] = (0.0, 0.0)
    from_its_end: bool = False
    may_nest: bool = False

    @property
    def lasts(self) -> bool:
        """Whether it has a middle."""
        return self.seconds[1] > 0


@dataclass(frozen=True)
class Fault:
    """One fault of the plan: ``gap`` seconds after the one before, ``nested`` in its middle if that is given.

    ``in_peace``: not before the service has caught up with the stream.
    """

    kind: Kind
    gap: float
    seconds: float
    choice: int
    in_peace: bool = False
    nested: Fault | None = None

    @property
    def faults(self) -> int:
        """How many faults this is."""
        return 1 if self.nested is None else 2


def make_plan(seed: int, kinds: Mapping[str, Kind], rounds: int, most_gap: float) -> list[Fault]:
    """Every kind ``rounds`` times, in random order; lengths, gaps and victims drawn."""
    draw = random.Random(seed)
    order = [kind for kind in kinds.values() for _ in range(rounds)]
    draw.shuffle(order)
    waiting = [
        Fault(
            kind,
            draw.uniform(0.0, most_gap),
            draw.uniform(*kind.seconds),
            draw.randrange(CHOICES),
            draw.random() < PEACE_SHARE,
        )
        for kind in order
    ]
    plan: list[Fault] = []
    while waiting:
        fault = waiting.pop(0)
        if fault.kind.lasts and draw.random() < NESTED_SHARE:
            inner = next((other for other in waiting if other.kind.may_nest), None)
            if inner is not None:
                waiting.remove(inner)
                fault = replace(fault, nested=replace(inner, in_peace=False))
        plan.append(fault)
    return plan


def planned_seconds(plan: list[Fault]) -> float:
    """How long the plan takes, without what its faults need to be undone."""
    return sum(fault.gap + fault.seconds for fault in plan)
