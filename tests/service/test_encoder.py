"""Which encoder the settings choose, and what they tell it."""

from __future__ import annotations

import pytest

from stream_rcf.pipeline.encode import RecordEncoder
from stream_rcf.pipeline.encode_kinesis import KinesisEncoder
from stream_rcf.pipeline.encode_opensearch import OpenSearchEncoder
from stream_rcf.pipeline.events import Event, Position
from stream_rcf.pipeline.score_batch import ScoredBatch
from stream_rcf.service.encoder import record_encoder
from stream_rcf.settings.derived import detector_parameters
from stream_rcf.settings.model import Settings, load_with_origins

SCORED = ScoredBatch([1.0], [1.5], [0.0], [0.5], [0.5], [0], [100], [0], [0], [0], [], {})


@pytest.mark.parametrize(
    ("name", "encoder"),
    [("native", RecordEncoder), ("opensearch", OpenSearchEncoder), ("kinesis", KinesisEncoder)],
)
def test_the_format_chooses_the_encoder(name: str, encoder: type) -> None:
    settings = load_with_origins(None, {"output.format": name}, {}).settings
    assert type(record_encoder(settings, detector_parameters(settings))) is encoder


def test_records_are_native_by_default() -> None:
    assert type(record_encoder(Settings(), detector_parameters(Settings()))) is RecordEncoder


@pytest.mark.parametrize(
    ("overrides", "part"),
    [
        ({"kafka.group_id": "watch"}, b'"detector_id":"watch"'),
        ({"kafka.group_id": "watch", "output.detector_id": "kzcZ43wB"}, b'"detector_id":"kzcZ43wB"'),
        ({"events.key": "host.name"}, b'"entity":[{"name":"host.name","value":"k"}]'),
        ({}, b'"entity":[{"name":"key","value":"k"}]'),
    ],
)
def test_opensearch_records_name_the_detector_and_the_entity(overrides: dict[str, str], part: bytes) -> None:
    chosen = load_with_origins(None, {"output.format": "opensearch", **overrides}, {}).settings
    encoder = record_encoder(chosen, detector_parameters(chosen))
    (record,) = encoder.encode([Event("k", 0, (1.0,))], [Position("events", 0, 0)], SCORED).scores
    assert record is not None
    assert part in record
