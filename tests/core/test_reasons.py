"""The closed set of reasons, as records carry them."""

from __future__ import annotations

from stream_rcf.core.reasons import Reason


def test_reasons_have_their_numbers_and_texts() -> None:
    assert {int(reason): reason.text for reason in Reason} == {
        0: None,
        1: "shingle_filling",
        2: "warming_up",
        3: "below_first_grade",
        4: "idle_key_retired",
        5: "within_budget",
        6: "already_alerted",
        7: "drift",
        8: "noise",
        9: "anomaly_in_shingle",
        10: "rule",
        11: "cooldown",
        12: "late_event",
        13: "duplicate_event",
        14: "missing_features",
    }
