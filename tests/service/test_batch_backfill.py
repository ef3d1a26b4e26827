"""Events that a backfill has learned: passed over, counted, said once, and the same ones however the stream is cut."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.service.assignment_support import EVENTS
from tests.service.backfill_support import HISTORY, MADE_AT, SavedHistory
from tests.service.bench import Bench
from tests.service.support import CREATE_TIME, FakeMessage, message_of, states_of, twin_of


def messages() -> list[FakeMessage]:
    """Every event once, at its offset; after each that is news, one that is older than its key's history."""
    found: list[FakeMessage] = []
    for event in EVENTS:
        found.append(message_of(event, len(found)))
        found[-1].time = (CREATE_TIME, event.timestamp)
        if event.timestamp > MADE_AT:
            late = event._replace(timestamp=EVENTS[0].timestamp, values=(event.values[0] + 1.0,))
            found.append(message_of(late, len(found)))
            found[-1].time = (CREATE_TIME, MADE_AT)
    return found


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    opened = Bench()
    partition = opened.partition()
    partition.backfill = partition.table.origin = SavedHistory(tmp_path).open()
    return opened


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_only_what_comes_before_the_first_news_of_its_key_is_passed_over(bench: Bench, size: int) -> None:
    bench.process(messages(), size)
    # The first events are the history; what is late behind news of its key is scored as ever.
    assert bench.published_offsets() == list(range(HISTORY, len(messages())))
    assert bench.metrics.registry.get_sample_value("stream_rcf_events_learned_before_total") == HISTORY
    reference = Bench()
    reference.partition()
    reference.process(messages(), 13)
    table, twin = (each.partitions["events", 0].table for each in (bench, reference))
    assert states_of(table) == states_of(twin)


def test_the_bytes_are_those_of_a_service_that_saw_the_history(bench: Bench) -> None:
    bench.process(messages(), 40)
    reference = Bench()
    reference.partition()
    reference.process(messages(), 40)
    for topic in ("scores", "alerts"):
        all_of_it = [
            out for out in reference.publisher.on(topic) if out.document["source"]["offset"] >= HISTORY
        ]  # type: ignore[index] # -- JSON
        assert bench.publisher.on(topic) == all_of_it


def test_what_is_passed_over_moves_the_offset(bench: Bench) -> None:
    bench.process(messages()[:HISTORY], 40)
    partition = bench.partitions["events", 0]
    assert bench.published_offsets() == []
    assert bench.publisher.is_open, "something is to be committed"
    assert partition.next_offset == bench.processor.published(partition) == HISTORY
    assert len(partition.table) == 0


def test_it_is_said_once_for_a_partition(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.process(messages()[:HISTORY], 10)
    assert caplog.text.count("they are taken to be learned already") == 1


def test_in_a_replay_it_is_neither_counted_nor_published(tmp_path: Path) -> None:
    bench = Bench()
    partition = bench.partition(publish_from=HISTORY + 20)
    partition.backfill = partition.table.origin = SavedHistory(tmp_path).open()
    bench.process(messages()[: HISTORY + 20], 10)
    assert bench.metrics.registry.get_sample_value("stream_rcf_events_learned_before_total") == 0
    assert bench.published_offsets() == []
    reference = Bench()
    reference.partition()
    reference.process(messages()[: HISTORY + 20], 10)
    replayed = states_of(partition.table)
    assert replayed.items() <= states_of(reference.partitions["events", 0].table).items()
    assert replayed


def test_without_a_backfill_nothing_is_passed_over() -> None:
    bench = Bench()
    bench.partition()
    bench.process(messages()[:HISTORY], 10)
    assert bench.published_offsets() == list(range(HISTORY))
    assert states_of(bench.partitions["events", 0].table) == states_of(twin_of(EVENTS[:HISTORY]))
