"""The service with each preset of ``output.format``: on a real broker, over a restart, what the events alone say."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from stream_rcf.core.parameters import ForestParameters
from stream_rcf.pipeline.decode import EventDecoder
from stream_rcf.pipeline.events import Event, Position
from stream_rcf.pipeline.score_batch import score_batch
from stream_rcf.service.encoder import record_encoder
from stream_rcf.settings.derived import detector_parameters, event_schema
from stream_rcf.settings.model import Settings, load_with_origins
from stream_rcf.state.key_table import KeyTable
from tests.support.broker import KafkaBroker
from tests.support.service import Service, Topics, make_events, wait_for_outputs

EVENTS, KEYS, PARTITIONS = 1600, 4, 2
SMALL = {"forest__trees": 10, "forest__sample_size": 32}
Produced = Sequence[tuple[bytes, bytes, int, int]]
Published = list[tuple[bytes, bytes]]  # key and value of each record, sorted


@pytest.fixture
def topics(broker: KafkaBroker) -> Topics:
    return Topics(broker, f"format-{uuid4().hex[:8]}", PARTITIONS)


def run_with_a_restart(topics: Topics, environment: Mapping[str, str], folder: Path) -> Produced:
    """Let the service score the first half of the events, end it, and let another go on; the events."""
    events = make_events(EVENTS, KEYS, PARTITIONS, seed=6)
    for name, part in (("first", events[: EVENTS // 2]), ("second", events[EVENTS // 2 :])):
        topics.broker.produce(topics.events, part)
        with Service(environment, folder / f"log-{name}") as service:
            wait_for_outputs(topics, EVENTS // 2 if name == "first" else EVENTS, [service])
            assert service.stop() == 0
    return events


def offline(topics: Topics, settings: Settings, events: Produced) -> tuple[Published, Published]:
    """The score and alert records of the same events, one at a time, without a broker."""
    parameters, decoder = detector_parameters(settings), EventDecoder(event_schema(settings))
    encoder, tables = record_encoder(settings, parameters), defaultdict(lambda: KeyTable(parameters))
    offsets: dict[int, int] = defaultdict(int)
    scores: Published = []
    alerts: Published = []
    for key, value, partition, timestamp in events:
        event = decoder.decode(value, key, timestamp)
        assert isinstance(event, Event)
        source = Position(topics.events, partition, offsets[partition])
        offsets[partition] += 1
        encoded = encoder.encode([event], [source], score_batch(parameters, [event], [tables[partition]]))
        assert encoded.scores[0] is not None
        scores.append((key, encoded.scores[0]))
        alerts.extend((key, alert) for alert in encoded.alerts.values())
    return sorted(scores), sorted(alerts)


def published(topics: Topics, topic: str) -> Published:
    records = topics.broker.read_all(topic)
    return sorted((record.key or b"", record.value or b"") for record in records)


def documents(records: Published) -> list[dict[str, Any]]:
    return [json.loads(value) for _, value in records]


def test_opensearch_results_are_published_exactly_once(topics: Topics, tmp_path: Path) -> None:
    environment = topics.environment(
        tmp_path / "checkpoints", output__format="opensearch", output__detector_id="kzcZ43wB", **SMALL
    )
    events = run_with_a_restart(topics, environment, tmp_path)
    settings = load_with_origins(None, {}, environment).settings
    scores, alerts = offline(topics, settings, events)
    assert published(topics, topics.scores) == scores
    assert published(topics, topics.alerts) == alerts
    anomalies = [record for record in documents(scores) if record["anomaly_grade"] > 0.0]
    assert len(anomalies) == len(alerts) > 0
    for record in documents(scores):
        assert record["detector_id"] == "kzcZ43wB"
        (entity,) = record["entity"]
        assert record["model_id"] == f"kzcZ43wB_entity_{entity['value']}"
        times = {record[f"{what}_{end}_time"] for what in ("data", "execution") for end in ("start", "end")}
        assert times <= {timestamp for *_, timestamp in events}
        assert len(times) == 1
    for alert in documents(alerts):
        assert alert["alert_id"].startswith(f"{topics.events}:")
        assert alert["relevant_attribution"] == [{"feature_id": "value", "data": 1.0}]


def test_kinesis_rows_are_published_exactly_once_by_its_own_forest(topics: Topics, tmp_path: Path) -> None:
    environment = topics.environment(tmp_path / "checkpoints", output__format="kinesis")
    events = run_with_a_restart(topics, environment, tmp_path)
    settings = load_with_origins(None, {}, environment).settings
    assert detector_parameters(settings).forest == ForestParameters(100, 256, 1, 1, 1e-5)
    scores, alerts = offline(topics, settings, events)
    assert published(topics, topics.scores) == scores
    assert published(topics, topics.alerts) == alerts
    assert len(alerts) > 0
    rows = documents(scores)
    assert {tuple(row) for row in rows} == {
        ("key", "ROWTIME", "value", "ANOMALY_SCORE", "ANOMALY_EXPLANATION")
    }
    assert min(row["ROWTIME"] for row in rows) == "2026-01-01 00:00:00.000"
    assert sum(row["ANOMALY_SCORE"] == 0.0 for row in rows) == 64 * KEYS, "a key scores after 64 events"
    for alert in documents(alerts):
        explanation = json.loads(alert["ANOMALY_EXPLANATION"])
        assert float(explanation["value"]["ATTRIBUTION_SCORE"]) == pytest.approx(
            alert["ANOMALY_SCORE"], abs=1e-4
        )
        assert alert["severity"] in {"low", "medium", "high", "critical"}
