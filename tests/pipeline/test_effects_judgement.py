"""Effects in a batch: each event by its own partition's, beside the rules of the settings, and named in the results."""

from __future__ import annotations

import numpy as np

from stream_rcf.core.reasons import Reason
from stream_rcf.pipeline.effects import Effects
from stream_rcf.pipeline.effects_judgement import with_effect_names, with_effects
from stream_rcf.pipeline.events import Event
from stream_rcf.pipeline.notices import ABOVE, BELOW, About, Maintenance, Missed, NotAnAnomaly
from stream_rcf.pipeline.rules import BOTH, RISE, Rule, RuleSet
from stream_rcf.pipeline.score_batch import ScoredBatch, arrays_of

EVENTS = [Event("a", 1500, (1.0, 2.0)), Event("b", 1500, (3.0, 4.0)), Event("a", 2500, (5.0, 6.0))]
NOTHING = Effects(2)
TOLD, _ = NOTHING.after([NotAnAnomaly("a", (About(1, ABOVE, 8.0),), ""), Missed("b", (About(0, BELOW),), "")])
AT_WORK, _ = NOTHING.after([Maintenance("work", ("*",), (0,), 1000, 2000)])


def test_where_nothing_is_in_effect_the_arrays_are_as_they_were() -> None:
    arrays = arrays_of(EVENTS)
    assert with_effects(arrays, EVENTS, [NOTHING] * 3) is arrays
    others, _ = NOTHING.after(
        [NotAnAnomaly("c", (About(0, ABOVE),), ""), Maintenance("w", ("c",), (0,), 0, 9999)]
    )
    assert with_effects(arrays, EVENTS, [others] * 3) is arrays


def test_each_event_has_what_its_own_partition_has_heard() -> None:
    rules = with_effects(arrays_of(EVENTS), EVENTS, [AT_WORK, TOLD, TOLD]).rules
    assert rules.muted.tolist() == [[BOTH, 0], [0, 0], [0, 0]]
    assert rules.tolerance.tolist() == [[[0, 0], [0, 0]], [[0, 0], [0, 0]], [[0, 0], [10, 0]]]
    assert rules.sensitivity.tolist() == [[[1, 1], [1, 1]], [[1, 4], [1, 1]], [[1, 1], [0.25, 1]]]
    assert [array.dtype for array in rules] == [np.uint8, np.float64, np.float64]
    assert all(array.flags.c_contiguous for array in rules)


def test_the_rules_of_the_settings_hold_beside() -> None:
    settings = RuleSet([Rule("r", ("a",), (1,), muted=RISE, above=12.0, below=3.0)], ["f", "g"])
    arrays = with_effects(arrays_of(EVENTS, settings), EVENTS, [TOLD, AT_WORK, AT_WORK])
    assert arrays.rules.muted.tolist() == [[0, RISE], [BOTH, 0], [0, RISE]]
    assert arrays.rules.tolerance.tolist() == [[[0, 0], [12, 3]], [[0, 0], [0, 0]], [[0, 0], [12, 3]]]
    assert arrays.rules.sensitivity[0].tolist() == [[1, 1], [0.25, 1]]


def test_what_holds_an_alert_back_is_named() -> None:
    reasons = [int(Reason.RULE), int(Reason.RULE), int(Reason.NONE)]
    nothing: list[float] = [0.0] * 3
    scored = ScoredBatch(
        nothing, nothing, nothing, nothing, nothing, reasons, [0] * 3, [0] * 3, [0] * 3, [0] * 3, [], {}
    )
    scored = scored._replace(rule_names={0: "night"})
    assert with_effect_names(scored, EVENTS, []) is scored
    both, _ = TOLD.after([Maintenance("work", ("*",), (0,), 1000, 2000)])
    assert dict(with_effect_names(scored, EVENTS, [both, AT_WORK, both]).rule_names) == {
        0: "night,maintenance work,feedback",
        1: "maintenance work",
    }
