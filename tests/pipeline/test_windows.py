"""From raw events to scored windows over many keys: the same whatever happens to batches, memory and processes."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from stream_rcf.core.reasons import Reason
from stream_rcf.pipeline.events import Event, Position, alert_id
from stream_rcf.pipeline.windows import EventWindows, WindowedBatch
from stream_rcf.state.key_memory import KeyMemory
from stream_rcf.state.key_table import KeyTable
from tests.core.window_support import naive_twin
from tests.oracle.naive_windows import NaiveWindows, RawEvent
from tests.pipeline.window_support import PARAMETERS, WINDOW_MS, Record, raw_stream, records_of

EVENTS = raw_stream(3000)
RETIRING = replace(PARAMETERS, retire_after_ms=60_000)
PAUSING = raw_stream(3000, pauses=(700, 1500, 2600))


@pytest.fixture(scope="module")
def whole() -> tuple[list[Record], list[tuple[int, str]]]:
    """What one batch of everything gives."""
    return records_of(PARAMETERS, EVENTS, KeyTable(PARAMETERS), len(EVENTS))


def test_each_key_has_the_windows_of_the_slow_twin(whole: tuple[list[Record], list[tuple[int, str]]]) -> None:
    twins: dict[str, NaiveWindows] = {}
    for event in EVENTS:
        twin = twins.setdefault(event.key, naive_twin(PARAMETERS))
        twin.add(RawEvent(event.timestamp, {"a": event.values[0]}, event.identity))
    for key, twin in twins.items():
        found = [(record.start, record.values) for record in whole[0] if record.key == key]
        assert found == [(window.start, repr(window.values)) for window in twin.closed]
    reasons = Counter(reason for _, reason in whole[1])
    assert reasons["LATE_EVENT"] == sum(len(twin.late) for twin in twins.values()) > 20
    assert reasons["DUPLICATE_EVENT"] == sum(len(twin.duplicate) for twin in twins.values()) > 20


def test_windows_are_scored_and_some_are_anomalies(whole: tuple[list[Record], list[tuple[int, str]]]) -> None:
    assert sum(record.grade > 0 for record in whole[0]) > 3
    assert sum(record.score > 0 for record in whole[0]) > 500
    closed_by = [record.closed_by for record in whole[0]]
    assert closed_by == sorted(closed_by), "in the order of the events that closed them"
    assert max(Counter(closed_by).values()) > 1, "one event may close several"


@pytest.mark.parametrize("size", [1, 7, 500])
def test_the_cut_into_batches_changes_nothing(
    whole: tuple[list[Record], list[tuple[int, str]]], size: int
) -> None:
    assert records_of(PARAMETERS, EVENTS, KeyTable(PARAMETERS), size) == whole


def test_saving_and_loading_between_changes_nothing(
    whole: tuple[list[Record], list[tuple[int, str]]],
) -> None:
    generator = random.Random(4)

    def reloaded(table: KeyTable) -> KeyTable:
        if generator.random() < 0.7:
            return table
        other = KeyTable(PARAMETERS)
        for key in table.keys():  # noqa: SIM118 -- a table is no mapping
            other.restore(key, table.pack(key))
        return other

    assert records_of(PARAMETERS, EVENTS, KeyTable(PARAMETERS), 40, reloaded) == whole


def test_keys_that_leave_memory_take_their_windows_along(
    whole: tuple[list[Record], list[tuple[int, str]]],
) -> None:
    memory = KeyMemory(limit_bytes=40_000)  # room for two or three of the five
    assert records_of(PARAMETERS, EVENTS, KeyTable(PARAMETERS, memory), 3) == whole
    assert memory.returns > 100
    memory.close()


def test_copies_for_a_checkpoint_are_of_the_windows_before(
    whole: tuple[list[Record], list[tuple[int, str]]],
) -> None:
    """A cut is begun, the stream goes on, and whoever loads the cut has the rest again."""
    table = KeyTable(PARAMETERS)
    first, _ = records_of(PARAMETERS, EVENTS[:1500], table)
    cut = table.begin_cut()
    records_of(PARAMETERS, EVENTS[1500:], table)
    other = KeyTable(PARAMETERS)
    for key, snapshot in cut.take(10**6):
        other.restore(key, snapshot.pack())
    rest, _ = records_of(PARAMETERS, EVENTS[1500:], other)
    shifted = [record._replace(closed_by=record.closed_by + 1500) for record in rest]
    assert first + shifted == whole[0]


@pytest.mark.parametrize("size", [1, 50, 5000])
def test_a_key_that_begins_anew_does_so_for_windows_and_forest_at_once(size: int) -> None:
    found, _ = records_of(RETIRING, PAUSING, KeyTable(RETIRING), size)
    retired = [record for record in found if record.reason == Reason.IDLE_KEY_RETIRED]
    assert Counter(record.key for record in retired) == {f"key-{i}": 3 for i in range(5)}
    assert all(record.events_seen == 1 for record in retired)
    assert found == records_of(RETIRING, PAUSING, KeyTable(RETIRING), 64)[0]


def test_the_closing_event_and_the_windows_start_tell_alerts_apart(
    whole: tuple[list[Record], list[tuple[int, str]]],
) -> None:
    windows, table = EventWindows(PARAMETERS), KeyTable(PARAMETERS)
    closed = windows.close(EVENTS, [table] * len(EVENTS))
    sources = closed.sources([Position("events", 0, i) if i % 2 else None for i in range(len(EVENTS))])
    ids = [alert_id(source) for source in sources if source is not None]
    assert len(set(ids)) == len(ids) > len(whole[0]) // 3
    assert ids[0].startswith("events:0:")
    assert all(
        source is None or source.window == event.timestamp
        for source, event in zip(sources, closed.events, strict=True)
    )
    assert [source is None for source in sources] == [index % 2 == 0 for index in closed.closed_by]


def test_counting_alone_needs_no_number() -> None:
    counting = replace(PARAMETERS, features=("count",), forest=replace(PARAMETERS.forest, dimensions=1))
    table = KeyTable(counting)
    events = [Event("a", at, ()) for at in (0, 1, 2, WINDOW_MS + 4000)]
    (record,) = EventWindows(counting).close(events, [table] * 4).events
    assert record == Event("a", 0, (3.0,))


def test_no_events_no_windows() -> None:
    assert EventWindows(PARAMETERS).close([], []) == WindowedBatch([], [], [], [])
