from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stream_rcf.core.parameters import ForestParameters
from stream_rcf.errors import UsageError
from stream_rcf.files.columns import Columns
from stream_rcf.tuning.sample import Refused, Sample
from stream_rcf.tuning.suggestion import Suggestion, suggest
from tests.tuning.support import ONE_FEATURE, key_sample, sample, wave

FOREST = ForestParameters()


def suggested(
    found: Sample, columns: Columns = ONE_FEATURE, is_explicit: bool = False, fixed: tuple[str, ...] = ()
) -> Suggestion:
    return suggest("a.csv", found, columns, is_explicit, FOREST, fixed)


def values_of(found: Suggestion) -> dict[str, object]:
    return {one.name: one.value for one in found.proposals}


def test_every_setting_has_a_value_and_a_reason() -> None:
    found = suggested(sample(key_sample(wave(1000, 24)), features=("value",)))
    assert list(values_of(found)) == [
        "events.key",
        "events.timestamp",
        "events.features",
        "detector.transforms",
        "forest.shingle_size",
        "forest.sample_size",
        "forest.time_decay",
        "detector.decision",
        "detector.alert_budget",
    ]
    assert all(one.reason.endswith(".") for one in found.proposals)
    assert found.remarks == ("1,000 events of 1 key over 5.9 weeks, an event of a key every 1 hour",)


def test_columns_are_written_as_they_were_read() -> None:
    columns = Columns(("host", "disk"), None, ("value",))
    found = values_of(suggested(sample(key_sample(wave(200, 24), None), features=("value",)), columns))
    assert (found["events.key"], found["events.timestamp"]) == (("host", "disk"), "")
    one = values_of(suggested(sample(key_sample(wave(200, 24))), Columns(("host",), "at", ("f0",))))
    assert (one["events.key"], one["events.timestamp"], one["events.features"]) == ("host", "at", ("f0",))


def test_what_is_no_feature_is_left_out_with_its_reason_unless_named() -> None:
    columns = np.column_stack([wave(300, 24), np.ones(300)])
    found = suggested(sample(key_sample(columns)))
    assert values_of(found)["events.features"] == ("f0",)
    assert found.proposals[2].reason.endswith("f1 is constant.")
    assert found.sample.features == ("f0",)
    named = suggested(sample(key_sample(columns)), is_explicit=True)
    assert values_of(named)["events.features"] == ("f0", "f1")
    assert "think again of these: f1 is constant" in named.proposals[2].reason


def test_what_is_fixed_is_not_proposed_and_counts() -> None:
    found = suggest(
        "a.csv",
        sample(key_sample(wave(1000, 24))),
        ONE_FEATURE,
        False,
        ForestParameters(sample_size=1000),
        ("forest.sample_size", "forest.shingle_size", "detector.alert_budget"),
    )
    names = values_of(found)
    assert {"forest.sample_size", "forest.shingle_size", "detector.alert_budget"}.isdisjoint(names)
    assert names["forest.time_decay"] == 0.0001


def test_too_little_is_said() -> None:
    few = replace(sample(key_sample(wave(99, 24))), refused={"missing_key": Refused(7, "it has none")})
    with pytest.raises(
        UsageError, match=r"a\.csv: 99 events can be read.* at least 100; 7 rows.*missing_key 7"
    ):
        suggested(few)
    with pytest.raises(UsageError, match="no numeric field is worth watching: f0 is constant"):
        suggested(sample(key_sample(np.ones(200))))


def test_bad_rows_and_what_was_not_kept_are_said() -> None:
    found = sample(key_sample(wave(200, 24)))
    remarks = suggested(replace(found, events=5000, refused={"too_large": Refused(2, "it is large")})).remarks
    assert remarks[0].endswith("; 2 rows cannot be read (too_large 2, such as: it is large)")
    assert remarks[1].startswith("judged by the newest 200 events of 1 key")


def test_counters_are_watched_by_their_differences() -> None:
    counter = np.cumsum(np.random.default_rng(1).poisson(3, 300))
    columns = np.column_stack([wave(300, 24), counter])
    found = values_of(suggested(sample(key_sample(columns))))
    assert found["detector.transforms"] == {"f0": "subtract_time_of_day", "f1": "difference"}
    assert found["events.features"] == ("f0", "f1")
    assert "detector.transforms" not in values_of(suggested(sample(key_sample(wave(300, 17)))))
