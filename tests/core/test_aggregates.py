"""How aggregates are written, and what shapes windows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stream_rcf.core.aggregates import (
    MAX_EMPTY_WINDOWS,
    MAX_OPEN_WINDOWS,
    MAX_WINDOW_MS,
    Aggregate,
    Aggregation,
    WindowParameters,
    aggregate_of,
    aggregates_of,
    paths_of,
)
from stream_rcf.core.arrival_parameters import ArrivalParameters
from stream_rcf.core.model import model_of
from stream_rcf.core.parameters import DetectorParameters, ForestParameters
from stream_rcf.errors import UsageError
from tests.core.window_support import window_parameters


@pytest.mark.parametrize(
    ("text", "aggregate"),
    [
        ("count", Aggregate(Aggregation.COUNT, "", 0)),
        ("sum(amount)", Aggregate(Aggregation.SUM, "amount", 0)),
        ("mean(order.total)", Aggregate(Aggregation.MEAN, "order.total", 0)),
        ("min(a)", Aggregate(Aggregation.MINIMUM, "a", 0)),
        ("max(a)", Aggregate(Aggregation.MAXIMUM, "a", 0)),
        ("p1(a)", Aggregate(Aggregation.PERCENTILE, "a", 1)),
        ("p50(latency ms)", Aggregate(Aggregation.PERCENTILE, "latency ms", 50)),
        ("p99(count)", Aggregate(Aggregation.PERCENTILE, "count", 99)),
    ],
)
def test_an_aggregate_is_read_as_it_is_written(text: str, aggregate: Aggregate) -> None:
    assert aggregate_of(text) == aggregate


@pytest.mark.parametrize(
    "text",
    ["", "value", "count()", "count(a)", "sum", "sum()", "p0(a)", "p100(a)", "p(a)", "SUM(a)", "sum(sum(a))"],
)
def test_anything_else_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(UsageError, match=r"is no aggregate: .* count, sum\(path\), .*p99\(path\)"):
        aggregates_of(["count", text])


def test_paths_are_read_once_and_those_of_percentiles_come_first() -> None:
    assert paths_of(["sum(a)", "count", "mean(b)", "p99(c)", "max(a)", "p50(b)"]) == ("c", "b", "a")
    assert paths_of(["count"]) == ()


@pytest.mark.parametrize(
    ("window_ms", "empty"), [(0, 0), (MAX_WINDOW_MS + 1, 0), (1, -1), (1, MAX_EMPTY_WINDOWS + 1)]
)
def test_windows_have_ranges(window_ms: int, empty: int) -> None:
    with pytest.raises(UsageError, match="must be between"):
        WindowParameters(window_ms, empty)


@pytest.mark.parametrize(("lateness", "slots"), [(0, 1), (1, 2), (10, 2), (11, 3), (25, 4)])
def test_windows_open_at_once_follow_from_the_lateness(lateness: int, slots: int) -> None:
    assert WindowParameters(10).open_windows(lateness) == slots
    assert model_of(window_parameters(lateness=lateness)).windows.slots == slots


def test_a_detector_over_windows_must_be_able_to_hold_them() -> None:
    windowed = window_parameters(("count",))
    with pytest.raises(UsageError, match="'value' is no aggregate"):
        DetectorParameters(windows=WindowParameters(10))
    with pytest.raises(UsageError, match="allowed_lateness_ms is 640"):
        replace(windowed, arrival=ArrivalParameters(10 * MAX_OPEN_WINDOWS))
    with pytest.raises(UsageError, match="retire_after_ms is 9"):
        replace(windowed, retire_after_ms=9)
    with pytest.raises(UsageError, match="max_gap_ms is 9"):
        replace(windowed, arrival=ArrivalParameters(max_gap_ms=9))


def test_windows_are_part_of_the_fingerprint_where_they_are_on() -> None:
    features = ("count",)
    off = DetectorParameters(features, ForestParameters())
    prints = {
        replace(off, windows=windows).fingerprint()
        for windows in (WindowParameters(10), WindowParameters(20))
    }
    prints |= {replace(off, windows=WindowParameters(10, 0)).fingerprint()}
    assert len(prints | {off.fingerprint()}) == 4


def test_a_key_takes_no_more_memory_while_windows_are_off() -> None:
    assert model_of(DetectorParameters()).windows.bytes == 0
    assert model_of(window_parameters(("count",))).windows.bytes == 64
    assert model_of(window_parameters(("count", "p99(a)"))).windows.bytes < 5000
