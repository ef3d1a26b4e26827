from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter

import orjson
import pytest

from stream_rcf.demo.bad_events import EVENTS_PER_BAD_ONE
from stream_rcf.demo.generator import EventGenerator, main
from stream_rcf.demo.host_metrics import HostMetrics
from stream_rcf.errors import UnreachableError
from stream_rcf.kafka.embedded_broker import PARTITIONS, EmbeddedBroker
from stream_rcf.kafka.simple_clients import EventProducer, OutputRecord, TopicReader
from stream_rcf.pipeline.decode import EventDecoder, EventSchema
from stream_rcf.pipeline.events import Event
from tests.support.broker import KafkaBroker

START = 1_767_225_600_000


def read_back(bootstrap: str, topic: str) -> list[OutputRecord]:
    reader = TopicReader(bootstrap, [topic])
    try:
        return list(reader.wait_for_ends(30.0))
    finally:
        reader.close()


def generate(bootstrap: str, events: int) -> EventProducer:
    """Write at least ``events`` events as fast as it goes."""
    producer = EventProducer(bootstrap)
    generator = EventGenerator(
        producer, "events", HostMetrics(5, 2, START), ("cpu", "latency"), rate=50_000.0
    )
    generator.run(lambda: producer.produced >= events)
    return producer


def test_events_are_in_order_within_their_key_and_one_in_two_hundred_is_broken() -> None:
    decoder = EventDecoder(EventSchema((), "timestamp", ("cpu", "latency"), 10_000))
    with EmbeddedBroker(["events"]) as broker:
        producer = generate(broker.bootstrap, 2 * EVENTS_PER_BAD_ONE)
        records = read_back(broker.bootstrap, "events")

    decoded = [decoder.decode(record.value, record.key, 0) for record in records]
    good = [event for event in decoded if isinstance(event, Event)]
    assert len(records) == producer.produced
    assert len(records) - len(good) == producer.produced // EVENTS_PER_BAD_ONE
    by_key: dict[str, list[int]] = {}
    for event in good:
        by_key.setdefault(event.key, []).append(event.timestamp)
    assert len(by_key) == 5
    for times in by_key.values():
        assert times == sorted(set(times)), "each half hour once, in order, whatever was broken between"
        assert times[-1] - times[0] == (len(times) - 1) * 30 * 60 * 1000


def test_it_waits_while_there_is_no_room() -> None:
    with EmbeddedBroker(["events"]) as broker:
        producer = EventProducer(broker.bootstrap)
        turns = Counter[str]()

        def should_stop() -> bool:
            turns["all"] += 1
            return turns["all"] > 10

        metrics = HostMetrics(5, 1, START)
        EventGenerator(producer, "events", metrics, ["cpu"], 1000.0, lambda: False).run(should_stop)

        assert producer.produced == 0


def test_its_rate_is_the_one_asked_for_at_most() -> None:
    with EmbeddedBroker(["events"]) as broker:
        producer = EventProducer(broker.bootstrap)
        generator = EventGenerator(producer, "events", HostMetrics(5, 1, START), ["cpu"], rate=1.0)
        stop = threading.Event()
        thread = threading.Thread(target=generator.run, args=(stop.is_set,))
        thread.start()
        stop.wait(1.2)
        stop.set()
        thread.join()

        assert producer.produced <= 2


def test_as_a_program_it_writes_to_any_broker(broker: KafkaBroker) -> None:
    broker.create_topic("generated", PARTITIONS)
    command = [sys.executable, "-m", "stream_rcf.demo.generator", "--bootstrap", broker.bootstrap]
    arguments = ["--topic", "generated", "--keys", "3", "--rate", "300", "--seconds", "2"]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    records = broker.read_all("generated")
    assert f"{len(records)} events written" in done.stderr
    assert len(records) > 10
    assert {record.key for record in records} >= {b"web-01", b"db-01", b"cache-01"}
    first = orjson.loads(records[0].value or b"")
    assert set(first) == {"timestamp", "value"}, "as the service's default settings expect"


def test_a_missing_topic_and_a_bad_argument_are_said(
    broker: KafkaBroker, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UnreachableError, match="stream-rcf topics create"):
        EventProducer(broker.bootstrap).require_topic("no-such-topic")

    assert main(["--bootstrap", broker.bootstrap, "--rate", "0"]) == 2
    assert "--rate is 0, but must be between" in capsys.readouterr().err
    assert main(["--bootstrap", broker.bootstrap, "--features", "cpu,,load"]) == 2
    assert "--features takes names separated by commas, not 'cpu,,load'" in capsys.readouterr().err
