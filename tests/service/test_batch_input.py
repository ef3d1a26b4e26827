"""What the input of a batch may look like: dead letters among good events, times, text, paths."""

from __future__ import annotations

import orjson
import pytest

from stream_rcf.kafka.messages import NO_TIMESTAMP
from tests.service.bench import EVENTS, Bench, stream_messages
from tests.service.support import (
    CREATE_TIME,
    START_OF_EVENTS,
    TOPIC,
    FakeMessage,
    small_settings,
    states_of,
    twin_of,
)


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


def test_several_features_and_a_composite_key() -> None:
    settings = small_settings(events={"key": ["site", "host"], "features": ["cpu.load", "memory"]})
    bench = Bench(settings)
    bench.partition()
    event = {"site": "a|b", "host": 7, "cpu": {"load": 0.5}, "memory": 2, "timestamp": START_OF_EVENTS}
    bench.process([FakeMessage(0, orjson.dumps(event), None)])
    (output,) = bench.publisher.on("scores")
    assert output.key == rb"a\|b|7"
    assert output.document["values"] == {"cpu.load": 0.5, "memory": 2.0}
