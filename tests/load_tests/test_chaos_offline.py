"""The undisturbed run of the chaos tests is the product's own: `stream-rcf score` prints the same."""

from __future__ import annotations

from pathlib import Path

import orjson

from load_tests.chaos.offline import expected_outputs
from load_tests.chaos.stream import make_stream
from stream_rcf.settings.model import Settings
from tests.load_tests.chaos_support import TINY
from tests.support.service import SHARED_FIELDS, json_field, offline_rows

BY_THRESHOLD = {"decision": "threshold"}  # so that few events are enough for alerts
FOREST = {"trees": TINY.trees, "sample_size": TINY.sample_size, "shingle_size": TINY.shingle_size}


def test_expected_scores_are_those_of_the_offline_command(tmp_path: Path) -> None:
    stream = make_stream(TINY, seed=8)
    expected = expected_outputs(stream, Settings(forest=FOREST, detector=BY_THRESHOLD))  # type: ignore[arg-type] # -- pydantic takes a mapping
    partitions = stream.by_partition()
    values = []
    for partition, offset in expected.scores:
        key, value, _, _ = partitions[partition][offset]
        values.append(orjson.dumps({"key": key.decode(), **orjson.loads(value)}))

    rows = offline_rows(values, tmp_path, *(f"forest.{name}={value}" for name, value in FOREST.items()))

    assert len(rows) == len(expected.scores) == TINY.events - len(expected.dead_letters)
    for row, record in zip(rows, expected.scores.values(), strict=True):
        for field in SHARED_FIELDS:
            assert json_field(field, row[field]) in record.value
    assert len(expected.alerts) == sum(row["is_anomaly"] == "true" for row in rows) > 0


def test_each_key_s_events_are_counted_from_one(tmp_path: Path) -> None:
    expected = expected_outputs(make_stream(TINY, seed=8), Settings(forest=FOREST, detector=BY_THRESHOLD))  # type: ignore[arg-type] # -- pydantic takes a mapping
    seen: dict[bytes, int] = {}
    for _, record in sorted(expected.scores.items()):
        seen[record.key] = seen.get(record.key, 0) + 1
        assert orjson.loads(record.value)["model"]["events_seen"] == seen[record.key]
    assert len(seen) == TINY.keys
