"""Raw events through the processor: published is what the windows come to, where the event that closed each lies."""

from __future__ import annotations

import orjson
import pytest

from stream_rcf.settings.derived import detector_parameters
from stream_rcf.settings.model import Settings
from stream_rcf.state.key_table import KeyTable
from tests.pipeline.window_support import raw_stream, records_of
from tests.service.bench import Bench
from tests.service.support import FakeMessage, small_settings, states_of

EVENTS = raw_stream(1500)
WINDOWED: dict[str, object] = {
    "window_seconds": 10,
    "features": ("count", "sum(a)", "p99(a)"),
    "allowed_lateness_seconds": 4,
    "empty_windows": 2,
    "id": "id",
    "remembered_ids": 8,
}


def settings(**sections: dict[str, object]) -> Settings:
    return small_settings(**{"events": WINDOWED, **sections})  # type: ignore[arg-type] # -- by name


def messages(first: int = 0) -> list[FakeMessage]:
    return [
        FakeMessage(
            first + i,
            orjson.dumps(
                {"timestamp": event.timestamp, "a": event.values[0], "id": event.identity, "route": i}
            ),
            event.key.encode(),
        )
        for i, event in enumerate(EVENTS)
    ]


def scores(bench: Bench) -> list[dict[str, object]]:
    return [output.document for output in bench.publisher.on("scores")]


@pytest.mark.parametrize("size", [1, 13, 400, 2000])
def test_scores_are_those_of_the_windows_whatever_the_batches(size: int) -> None:
    bench = Bench(settings())
    bench.partition()
    bench.process(messages(), size)
    parameters = detector_parameters(settings())
    records, passed_over = records_of(parameters, EVENTS, KeyTable(parameters))
    found = scores(bench)
    assert [(one["key"], one["timestamp"], one["anomaly_score"], one["source"]) for one in found] == [
        (r.key, r.start, r.score, {"topic": "events", "partition": 0, "offset": r.closed_by}) for r in records
    ]
    values = [one["values"] for one in found]
    assert all(list(one) == list(parameters.features) for one in values)  # type: ignore[call-overload] # -- JSON
    text = bench.metrics.exposition().decode()
    for reason in ("late_event", "duplicate_event"):
        count = sum(name == reason.upper() for _, name in passed_over)
        assert count > 10
        assert f'stream_rcf_passed_over_events_total{{reason="{reason}"}} {count}.0' in text


def test_alerts_have_ids_of_their_own_and_fields_of_the_closing_event() -> None:
    bench = Bench(settings(output={"copy_fields": ("route",)}))
    bench.partition()
    bench.process(messages(), 100)
    alerts = [output.document for output in bench.publisher.on("alerts")]
    assert len(alerts) > 2
    assert len({alert["alert_id"] for alert in alerts}) == len(alerts)
    for alert in alerts:
        offset = alert["source"]["offset"]  # type: ignore[index] # -- JSON
        assert alert["alert_id"] == f"events:0:{offset}:{alert['timestamp']}"
        assert alert["fields"] == {"route": offset}


@pytest.mark.parametrize("stopped_at", [1, 400, 801])
def test_a_replay_learns_silently_and_goes_on_with_the_same_records(stopped_at: int) -> None:
    whole, again = Bench(settings()), Bench(settings())
    whole_partition = whole.partition()
    whole.process(messages(), 50)
    partition = again.partition(publish_from=stopped_at)
    again.process(messages(), 50)
    assert scores(again) == [one for one in scores(whole) if one["source"]["offset"] >= stopped_at]  # type: ignore[index] # -- JSON
    assert states_of(partition.table) == states_of(whole_partition.table)


def test_an_event_that_closes_no_window_moves_the_offset_all_the_same() -> None:
    bench = Bench(settings())
    partition = bench.partition()
    bench.process(messages()[:3])
    assert scores(bench) == []
    assert partition.next_offset == 3
    assert bench.publisher.is_open, "the offset is to be committed"


def test_a_result_of_opensearch_spans_the_window() -> None:
    bench = Bench(settings(output={"format": "opensearch"}))
    bench.partition()
    bench.process(messages()[:300])
    assert scores(bench)
    for one in scores(bench):
        start = one["data_start_time"]
        assert isinstance(start, int)
        assert (
            one["data_end_time"] == one["execution_start_time"] == one["execution_end_time"] == start + 10_000
        )


def test_events_without_any_number_are_counted_where_features_may_be_missing() -> None:
    events = {**WINDOWED, "features": ("count", "mean(a)"), "id": ""}
    bench, strict = Bench(settings(events={**events, "missing": "previous"})), Bench(settings(events=events))
    times = [1_767_225_600_000 + 3000 * i for i in range(20)]
    for one in (bench, strict):
        one.partition()
        one.process([FakeMessage(i, orjson.dumps({"timestamp": at})) for i, at in enumerate(times)])
    first = scores(bench)[0]
    assert first["values"] == {"count": 4.0, "mean(a)": None}
    assert first["reason"] == "missing_features", "there is no window before to take the mean from"
    assert len(strict.publisher.on("dead-letters")) == len(times)
