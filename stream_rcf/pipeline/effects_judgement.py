"""What feedback and maintenance say of the events of a batch, beside the rules of the settings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stream_rcf.core.event_arrays import EventArrays
from stream_rcf.core.reasons import Reason
from stream_rcf.core.rules import EventRules
from stream_rcf.pipeline.effects import Effects
from stream_rcf.pipeline.events import Event
from stream_rcf.pipeline.score_batch import ScoredBatch


def with_effects(arrays: EventArrays, events: Sequence[Event], effects: Sequence[Effects]) -> EventArrays:
    """The same events with what holds for each: muting adds up, the larger tolerance holds.

    ``effects[i]`` are those of event ``i``, or there are none at all.
    """
    groups: dict[Effects, list[int]] = {}
    for index, one in enumerate(effects):
        if not one.is_empty:
            groups.setdefault(one, []).append(index)
    said = _Said(arrays)
    for one, rows in groups.items():
        if one.rules is not None:
            of_group = [events[row] for row in rows]
            ruled = one.rules.judge(of_group, arrays.values[rows], arrays.timestamps[rows])
            if ruled is not None:
                said.muted[rows] |= ruled.muted
        for row in rows:
            of_key = one.of_key(events[row].key)
            if of_key is not None:
                said.tolerance[row] = np.maximum(said.tolerance[row], of_key.tolerance)
                said.sensitivity[row] = of_key.sensitivity
    return arrays if said.rules is None else arrays._replace(rules=said.rules)


class _Said:
    """The rules of a batch, made whole once something is to be added."""

    def __init__(self, arrays: EventArrays) -> None:
        self._events, self._dimensions = arrays.values.shape
        self._given = arrays.rules
        self.rules: EventRules | None = None

    def _whole(self) -> EventRules:
        if self.rules is None:
            shape = (self._events, self._dimensions)
            given = self._given
            has_rules = len(given.muted) > 0
            self.rules = EventRules(
                given.muted if has_rules else np.zeros(shape, np.uint8),
                given.tolerance if has_rules else np.zeros((*shape, 2)),
                np.ones((*shape, 2)),
            )
        return self.rules

    @property
    def muted(self) -> np.ndarray:
        return self._whole().muted

    @property
    def tolerance(self) -> np.ndarray:
        return self._whole().tolerance

    @property
    def sensitivity(self) -> np.ndarray:
        return self._whole().sensitivity


def with_effect_names(
    scored: ScoredBatch, events: Sequence[Event], effects: Sequence[Effects]
) -> ScoredBatch:
    """The same results, which name feedback and maintenance behind the rules that hold an alert back."""
    if not effects or Reason.RULE not in scored.reason:
        return scored
    names = dict(scored.rule_names)
    for index, reason in enumerate(scored.reason):
        if reason == Reason.RULE and (found := effects[index].names_for(events[index])):
            names[index] = ",".join(filter(None, (names.get(index, ""), *found)))
    return scored._replace(rule_names=names)
