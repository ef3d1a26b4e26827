"""One batch through the processor: what is learned, what is published, what is passed over, in which order."""

from __future__ import annotations

import orjson
import pytest
from confluent_kafka import KafkaError

from stream_rcf.kafka.dead_letters import DeadLetters
from stream_rcf.kafka.failures import DeliveryFailed, Remedy
from stream_rcf.kafka.messages import NO_TIMESTAMP
from stream_rcf.service.assignment import Assignment
from stream_rcf.service.batch import BatchProcessor
from stream_rcf.service.partition import Partition, PartitionState
from stream_rcf.settings.model import Settings, detector_parameters
from stream_rcf.state.recovery import RecoveryPlan
from tests.service.support import (
    CREATE_TIME,
    PARAMETERS,
    SETTINGS,
    START_OF_EVENTS,
    TOPIC,
    FakeMessage,
    RecordingPublisher,
    make_stream,
    message_of,
    new_metrics,
    small_settings,
    states_of,
    twin_of,
)

EVENTS = make_stream(300, 4, seed=8)
ALERT_FIELDS = {"alert_id", "severity", "first_anomalous_timestamp"}


class Bench:
    """A processor over partitions that the test puts where it wants them."""

    def __init__(self, settings: Settings = SETTINGS) -> None:
        self.parameters = detector_parameters(settings)
        self.metrics = new_metrics()
        self.partitions: dict[tuple[str, int], Partition] = {}
        self.publisher = RecordingPublisher()
        self.processor = BatchProcessor(
            settings,
            self.parameters,
            self.partitions_by_name(),
            DeadLetters("dead-letters", 1_000_000),
            self.metrics,
        )

    def partitions_by_name(self) -> Assignment:
        class Known:
            """The one question that the processor asks an assignment."""

            @staticmethod
            def get(topic: str, number: int) -> Partition | None:
                return self.partitions.get((topic, number))

        return Known()  # type: ignore[return-value] # -- the part of it that is asked

    def partition(
        self, number: int = 0, start: int = 0, publish_from: int | None = None, live: bool = True
    ) -> Partition:
        partition = Partition(TOPIC, number, self.parameters)
        end = start if publish_from is None else publish_from
        partition.load(RecoveryPlan(None, start, end, None), end, 0)
        if live:
            partition.loaded()
        self.partitions[TOPIC, number] = partition
        return partition

    def process(self, messages: list[FakeMessage], size: int | None = None) -> None:
        step = size or max(1, len(messages))
        for start in range(0, len(messages), step):
            self.processor.process(messages[start : start + step], self.publisher)  # type: ignore[arg-type] # -- fakes

    def published_offsets(self) -> list[int]:
        return [output.document["source"]["offset"] for output in self.publisher.on("scores")]  # type: ignore[index] # -- JSON


def stream_messages(number: int = 0, first: int = 0) -> list[FakeMessage]:
    return [message_of(event, first + i, number) for i, event in enumerate(EVENTS)]


def test_every_event_gets_one_score_with_its_source_and_model() -> None:
    bench = Bench()
    partition = bench.partition()
    bench.process(stream_messages(), size=40)
    assert bench.published_offsets() == list(range(300))
    assert partition.next_offset == 300
    assert bench.publisher.is_open
    for event, output in zip(EVENTS, bench.publisher.on("scores"), strict=True):
        record = output.document
        assert output.key == event.key.encode()
        assert (record["key"], record["timestamp"]) == (event.key, event.timestamp)
        assert record["values"] == {"value": event.values[0]}
        assert record["model"]["fingerprint"] == PARAMETERS.fingerprint()  # type: ignore[index] # -- JSON
    assert states_of(partition.table) == states_of(twin_of(EVENTS))


@pytest.mark.parametrize("size", [1, 7, 300])
def test_the_bytes_do_not_depend_on_the_batches(size: int) -> None:
    reference, other = Bench(), Bench()
    for bench, step in ((reference, 50), (other, size)):
        bench.partition()
        bench.process(stream_messages(), step)
    for topic in ("scores", "alerts"):
        assert other.publisher.on(topic) == reference.publisher.on(topic)


def test_an_alert_is_its_score_record_and_three_fields() -> None:
    bench = Bench()
    bench.partition()
    bench.process(stream_messages(), size=40)
    anomalies = [output for output in bench.publisher.on("scores") if output.document["is_anomaly"]]
    alerts = bench.publisher.on("alerts")
    assert len(alerts) == len(anomalies) > 3
    for score, alert in zip(anomalies, alerts, strict=True):
        record, extended = score.document, alert.document
        assert alert.key == score.key
        assert set(extended) - set(record) == ALERT_FIELDS
        assert {name: extended[name] for name in record} == record
        assert alert.value is not None
        assert score.value is not None
        assert alert.value.startswith(score.value[:-1]), "the same bytes first"
        source = record["source"]
        assert extended["alert_id"] == "{topic}:{partition}:{offset}".format(**source)  # type: ignore[arg-type] # -- JSON
        assert extended["severity"] in {"low", "medium", "high", "critical"}
        assert START_OF_EVENTS <= extended["first_anomalous_timestamp"] <= record["timestamp"]  # type: ignore[operator] # -- JSON


def test_outputs_of_a_key_keep_the_order_of_its_events() -> None:
    bench = Bench()
    bench.partition(0)
    bench.partition(1)
    mixed = [message for pair in zip(stream_messages(0), stream_messages(1), strict=True) for message in pair]
    bench.process(mixed, size=64)
    last: dict[tuple[int, str], int] = {}
    for output in bench.publisher.on("scores"):
        record = output.document
        source = record["source"]
        assert isinstance(source, dict)
        name = (source["partition"], str(record["key"]))
        assert last.get(name, -1) < source["offset"]
        last[name] = source["offset"]
    assert len(last) == 8
    assert states_of(bench.partitions[TOPIC, 0].table) == states_of(bench.partitions[TOPIC, 1].table)


def test_what_was_learned_before_is_passed_over() -> None:
    bench = Bench()
    partition = bench.partition(start=100)
    messages = stream_messages()
    bench.process(messages[90:110])
    assert bench.published_offsets() == list(range(100, 110))
    bench.process(messages[105:115])
    assert bench.published_offsets() == list(range(100, 115))
    assert partition.next_offset == 115
    assert states_of(partition.table) == states_of(twin_of(EVENTS[100:115]))


def test_replay_is_silent_and_publishing_begins_exactly_where_it_ended() -> None:
    bench = Bench()
    partition = bench.partition(start=0, publish_from=50)
    messages = stream_messages()
    bad = FakeMessage(20, b"{not json")
    bench.process([*messages[:20], bad, *messages[21:40]])
    assert bench.publisher.outputs == []
    assert not bench.publisher.is_open, "nothing to commit"
    assert partition.state is PartitionState.REPLAYING
    assert partition.next_offset == 40

    bench.process(messages[40:60])

    assert bench.published_offsets() == list(range(50, 60))
    assert partition.state is PartitionState.LIVE
    assert states_of(partition.table) == states_of(twin_of([*EVENTS[:20], *EVENTS[21:60]]))


def test_offsets_without_records_do_not_hold_replay_up() -> None:
    """Transaction markers take offsets, that of ``publish_from`` perhaps."""
    bench = Bench()
    partition = bench.partition(start=0, publish_from=50)
    messages = stream_messages()
    bench.process([*messages[:45], *messages[55:60]])
    assert bench.published_offsets() == list(range(55, 60))
    assert partition.state is PartitionState.LIVE
    assert partition.next_offset == 60


@pytest.mark.parametrize("state", ["parked", "loading", "lost", "unknown"])
def test_messages_of_partitions_that_do_not_accept_events_change_nothing(state: str) -> None:
    bench = Bench()
    partition = bench.partition(live=state != "loading")
    if state == "parked":
        partition.park()
    elif state == "lost":
        partition.lose()
    elif state == "unknown":
        bench.partitions.clear()
    bench.process([*stream_messages()[:10], FakeMessage(10, b"{not json")])
    assert bench.publisher.outputs == []
    assert not bench.publisher.is_open
    assert (len(partition.table), partition.next_offset) == (0, 0)


def test_a_dead_letter_carries_the_original_and_says_where_and_why() -> None:
    bench = Bench()
    partition = bench.partition(3, start=7)
    bench.process([FakeMessage(7, b"{not json", b"host-9", number=3)])
    (letter,) = bench.publisher.outputs
    assert (letter.topic, letter.key, letter.value) == ("dead-letters", b"host-9", b"{not json")
    assert letter.headers.pop("reason").startswith(b"the value is not JSON")
    assert letter.headers == {
        "error": b"invalid_json",
        "source_topic": TOPIC.encode(),
        "source_partition": b"3",
        "source_offset": b"7",
    }
    assert partition.next_offset == 8, "it is dealt with"
    assert bench.publisher.is_open, "and that is committed"


@pytest.mark.parametrize(
    ("key", "value", "error"),
    [
        (b"k", None, b"tombstone"),
        (None, b'{"value": 1}', b"missing_key"),
        (b"k", b'{"other": 1}', b"missing_feature"),
        (b"\xff", b'{"value": 1}', b"invalid_key"),
    ],
)
def test_bad_input_among_good_costs_one_dead_letter(
    key: bytes | None, value: bytes | None, error: bytes
) -> None:
    bench = Bench()
    partition = bench.partition()
    messages = stream_messages()[:30]
    messages[10] = FakeMessage(10, value, key)
    bench.process(messages)
    (letter,) = bench.publisher.on("dead-letters")
    assert (letter.key, letter.value, letter.headers["error"]) == (key, value, error)
    assert bench.published_offsets() == [offset for offset in range(30) if offset != 10]
    assert states_of(partition.table) == states_of(twin_of([*EVENTS[:10], *EVENTS[11:30]]))


def test_a_record_without_a_time_of_its_own_takes_kafka_s() -> None:
    bench = Bench()
    bench.partition()
    bench.process([FakeMessage(0, b'{"value": 1}', time=(CREATE_TIME, START_OF_EVENTS + 5))])
    assert bench.publisher.on("scores")[0].document["timestamp"] == START_OF_EVENTS + 5


def test_a_record_without_any_time_is_a_dead_letter() -> None:
    bench = Bench()
    bench.partition()
    bench.process([FakeMessage(0, b'{"value": 1}', time=(NO_TIMESTAMP, -1))])
    (letter,) = bench.publisher.outputs
    assert letter.headers["error"] == b"invalid_timestamp"


def test_text_from_the_client_is_as_good_as_bytes() -> None:
    bench = Bench()
    bench.partition()
    bench.process([FakeMessage(0, '{"value": 1}', "höst"), FakeMessage(1, "{not json", "höst")])
    assert bench.publisher.on("scores")[0].key == "höst".encode()
    assert bench.publisher.on("dead-letters")[0].value == b"{not json"


def test_keys_of_two_partitions_do_not_share_a_forest() -> None:
    bench = Bench()
    bench.partition(0)
    bench.partition(1)
    bench.process([FakeMessage(0, b'{"value": 1}', b"k", 0), FakeMessage(0, b'{"value": 2}', b"k", 1)])
    seen = [output.document["model"]["events_seen"] for output in bench.publisher.on("scores")]  # type: ignore[index] # -- JSON
    assert seen == [1, 1]


def test_several_features_and_a_composite_key() -> None:
    settings = small_settings(events={"key": ["site", "host"], "features": ["cpu.load", "memory"]})
    bench = Bench(settings)
    bench.partition()
    event = {"site": "a|b", "host": 7, "cpu": {"load": 0.5}, "memory": 2, "timestamp": START_OF_EVENTS}
    bench.process([FakeMessage(0, orjson.dumps(event), None)])
    (output,) = bench.publisher.on("scores")
    assert output.key == rb"a\|b|7"
    assert output.document["values"] == {"cpu.load": 0.5, "memory": 2.0}


def test_a_failed_delivery_escapes_to_the_loop() -> None:
    bench = Bench()
    bench.partition()

    def fail() -> None:
        raise DeliveryFailed("publishing", KafkaError(KafkaError._QUEUE_FULL), Remedy.NEW_PRODUCER)

    bench.publisher.on_publish = fail
    with pytest.raises(DeliveryFailed):
        bench.process(stream_messages()[:5])


def test_batches_are_counted() -> None:
    bench = Bench()
    partition = bench.partition(start=0, publish_from=100)
    bench.process([*stream_messages()[:299], FakeMessage(299, b"{not json")])
    value = bench.metrics.registry.get_sample_value
    assert value("stream_rcf_events_total") == 300.0
    assert value("stream_rcf_scores_total") == 199.0
    assert value("stream_rcf_alerts_total") == len(bench.publisher.on("alerts")) > 0
    assert value("stream_rcf_dead_letters_total", {"error": "invalid_json"}) == 1.0
    assert partition.state is PartitionState.LIVE


def test_an_empty_batch_is_no_batch() -> None:
    bench = Bench()
    bench.process([])
    assert not bench.publisher.is_open
    assert bench.publisher.outputs == []
