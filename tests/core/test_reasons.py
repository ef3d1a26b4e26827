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
    }
