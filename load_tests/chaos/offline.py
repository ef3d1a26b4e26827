"""What the service must publish: the same events through the same detector, in one piece and undisturbed."""

from __future__ import annotations

from typing import NamedTuple

import orjson

from load_tests.chaos.stream import Stream
from stream_rcf.pipeline.decode import EventDecoder
from stream_rcf.pipeline.encode import RecordEncoder, alert_fields
from stream_rcf.pipeline.events import Event, Position, Rejection
from stream_rcf.pipeline.score_batch import score_batch
from stream_rcf.settings.derived import detector_parameters, event_schema
from stream_rcf.settings.model import Settings
from stream_rcf.state.key_table import KeyTable

BATCH = 20_000

Place = tuple[int, int]  # partition and offset of an event in the input topic


class ExpectedRecord(NamedTuple):
    """One record that must be published, exactly so."""

    key: bytes
    value: bytes


class Expected(NamedTuple):
    """All records that must be published, by the place of their event. A dead letter's value is the input's."""

    scores: dict[Place, ExpectedRecord]
    alerts: dict[Place, ExpectedRecord]
    dead_letters: dict[Place, ExpectedRecord]
    rejections: dict[Place, Rejection]  # of each dead letter


def expected_outputs(stream: Stream, settings: Settings) -> Expected:
    """Score the stream partition by partition; nothing else happens meanwhile."""
    topic = settings.kafka.input_topic
    parameters = detector_parameters(settings)
    decoder = EventDecoder(event_schema(settings))
    encoder = RecordEncoder(parameters.features, parameters.fingerprint())
    expected = Expected({}, {}, {}, {})
    for partition, messages in enumerate(stream.by_partition()):
        table = KeyTable(parameters)
        for start in range(0, len(messages), BATCH):
            events: list[Event] = []
            places: list[Place] = []
            for offset, (key, value, _, timestamp) in enumerate(messages[start : start + BATCH], start):
                decoded = decoder.decode(value, key, timestamp)
                if isinstance(decoded, Rejection):
                    expected.dead_letters[partition, offset] = ExpectedRecord(key, value)
                    expected.rejections[partition, offset] = decoded
                else:
                    events.append(decoded)
                    places.append((partition, offset))
            scored = score_batch(parameters, events, [table] * len(events))
            for index, (event, place) in enumerate(zip(events, places, strict=True)):
                source = Position(topic, *place)
                record = encoder.score_record(event, source, scored, index)
                key = event.key.encode()
                expected.scores[place] = ExpectedRecord(key, orjson.dumps(record))
                if record["is_anomaly"]:
                    alert = record | alert_fields(event, source, parameters.features, scored, index)
                    expected.alerts[place] = ExpectedRecord(key, orjson.dumps(alert))
    return expected
