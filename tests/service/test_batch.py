"""One batch through the processor: what is learned, what is published, what is passed over, in which order."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError

from stream_rcf.kafka.failures import DeliveryFailed, Remedy
from stream_rcf.service.partition import PartitionState
from tests.service.bench import EVENTS, Bench, stream_messages
from tests.service.support import (
    PARAMETERS,
    START_OF_EVENTS,
    TOPIC,
    FakeMessage,
    small_settings,
    states_of,
    twin_of,
)

ALERT_FIELDS = {
    "alert_id",
    "severity",
    "expected_band",
    "direction",
    "first_anomalous_timestamp",
    "duration_ms",
    "incident_id",
    "incident_alerts",
    "status",
}


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


def test_keys_of_two_partitions_do_not_share_a_forest() -> None:
    bench = Bench()
    bench.partition(0)
    bench.partition(1)
    bench.process([FakeMessage(0, b'{"value": 1}', b"k", 0), FakeMessage(0, b'{"value": 2}', b"k", 1)])
    seen = [output.document["model"]["events_seen"] for output in bench.publisher.on("scores")]  # type: ignore[index] # -- JSON
    assert seen == [1, 1]


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


def ruled(**rule: object) -> Bench:
    bench = Bench(small_settings(rules=[{"name": "night", **rule}]))
    bench.partition()
    bench.process(stream_messages(), size=40)
    return bench


def test_what_a_rule_covers_is_scored_and_no_alert() -> None:
    free = Bench()
    free.partition()
    free.process(stream_messages(), size=40)
    bench = ruled(alert_on="rises", maximum_value=-1e30)
    assert len(free.publisher.on("alerts")) > 3
    assert bench.publisher.on("alerts") == []
    scores = [output.document for output in bench.publisher.on("scores")]
    expected = [output.document for output in free.publisher.on("scores")]
    assert [record["anomaly_score"] for record in scores] == [record["anomaly_score"] for record in expected]
    held = [record["reason"] for record in scores if str(record["reason"]).startswith("rule")]
    assert set(held) == {"rule:night"}
    assert len(held) == len(free.publisher.on("alerts"))


def test_a_rule_for_other_keys_changes_nothing() -> None:
    free = Bench()
    free.partition()
    free.process(stream_messages(), size=40)
    bench = ruled(keys=["nobody-*"], maximum_value=-1e30)
    assert [output.value for output in bench.publisher.on("alerts")] == [
        output.value for output in free.publisher.on("alerts")
    ]
