"""One batch in flight: what is published, what may be committed and what is dropped while its kernel runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from stream_rcf.core.batch import BlockBatch
from stream_rcf.service.partition import PartitionState
from tests.service.bench import EVENTS, Bench, stream_messages
from tests.service.support import FakeMessage, states_of, twin_of

PATIENCE_SECONDS = 30.0


class Gate:
    """Holds kernels back until the test lets them go; ``failure`` is what the next one ends with."""

    def __init__(self) -> None:
        self.is_open = threading.Event()
        self.failure: Exception | None = None


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    made = Gate()
    original = BlockBatch.run

    def run(batch: BlockBatch) -> None:
        assert made.is_open.wait(PATIENCE_SECONDS)
        if made.failure is not None:
            raise made.failure
        original(batch)

    monkeypatch.setattr(BlockBatch, "run", run)
    yield made
    made.is_open.set()


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.processor.close()


def take(bench: Bench, messages: list[FakeMessage]) -> None:
    bench.processor.take(messages, bench.publisher)  # type: ignore[arg-type] # -- fakes


def test_what_is_in_flight_is_learned_and_not_yet_published(gate: Gate, bench: Bench) -> None:
    partition = bench.partition()
    take(bench, stream_messages()[:100])
    assert bench.processor.is_in_flight
    assert bench.processor.is_running
    assert (partition.next_offset, bench.processor.published(partition)) == (100, 0)
    assert bench.publisher.outputs == []
    assert not bench.publisher.is_open, "there is nothing to commit"

    gate.is_open.set()
    bench.finish()

    assert not bench.processor.is_in_flight
    assert bench.published_offsets() == list(range(100))
    assert bench.processor.published(partition) == partition.next_offset == 100


def test_the_next_batch_takes_the_place_of_the_one_before(gate: Gate, bench: Bench) -> None:
    partition = bench.partition()
    messages = stream_messages()
    take(bench, messages[:100])
    # Let the first kernel end; hold the second one back.
    second_may_run = threading.Event()
    first, gate.is_open = gate.is_open, second_may_run
    first.set()
    take(bench, messages[100:200])
    assert bench.published_offsets() == list(range(100)), "published while the second kernel waits"
    assert bench.processor.published(partition) == 100
    assert partition.next_offset == 200
    second_may_run.set()
    bench.finish()
    assert bench.published_offsets() == list(range(200))
    assert states_of(partition.table) == states_of(twin_of(EVENTS[:200]))


def test_a_batch_of_a_few_events_is_published_at_once(gate: Gate, bench: Bench) -> None:
    gate.is_open.set()
    bench.partition()
    take(bench, stream_messages()[:5])
    assert not bench.processor.is_in_flight
    assert bench.published_offsets() == list(range(5))


def test_dead_letters_wait_for_the_events_around_them(gate: Gate, bench: Bench) -> None:
    """Else their offset could be committed before the events in front of it are published."""
    bench.partition()
    take(bench, [*stream_messages()[:99], FakeMessage(99, b"{not json")])
    assert bench.publisher.outputs == []
    gate.is_open.set()
    bench.finish()
    assert len(bench.publisher.on("dead-letters")) == 1
    assert len(bench.publisher.on("scores")) == 99


def test_a_partition_that_ends_its_replay_in_flight_stays_committed_where_it_was(
    gate: Gate, bench: Bench
) -> None:
    partition = bench.partition(start=0, publish_from=60)
    take(bench, stream_messages()[:100])
    assert partition.state is PartitionState.LIVE
    assert bench.processor.published(partition) == 60 == partition.committed
    gate.is_open.set()
    bench.finish()
    assert bench.published_offsets() == list(range(60, 100))


def test_a_partition_without_events_in_flight_is_published_as_far_as_it_is_learned(
    gate: Gate, bench: Bench
) -> None:
    bench.partition(0)
    other = bench.partition(1, start=7)
    take(bench, stream_messages(0)[:100])
    assert bench.processor.published(other) == 7
    gate.is_open.set()


def test_what_is_dropped_is_waited_for_and_never_published(gate: Gate, bench: Bench) -> None:
    bench.partition()
    take(bench, stream_messages()[:100])
    threading.Timer(0.05, gate.is_open.set).start()
    bench.processor.drop()
    assert gate.is_open.is_set(), "the kernel may be at the blocks until here"
    bench.finish()
    assert bench.publisher.outputs == []
    assert not bench.processor.is_in_flight


@pytest.mark.parametrize("how", ["finish", "take"])
def test_a_kernel_that_fails_is_heard_of_by_the_loop(gate: Gate, bench: Bench, how: str) -> None:
    bench.partition()
    messages = stream_messages()
    take(bench, messages[:100])
    gate.failure = MemoryError("no room")
    gate.is_open.set()
    going_on = bench.finish if how == "finish" else lambda: take(bench, messages[100:200])
    with pytest.raises(MemoryError, match="no room"):
        going_on()
    assert bench.publisher.outputs == []


def test_a_failure_of_what_is_dropped_is_logged(
    gate: Gate, bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.partition()
    take(bench, stream_messages()[:100])
    gate.failure = MemoryError("no room")
    gate.is_open.set()
    bench.processor.drop()
    assert "no room" in caplog.text
