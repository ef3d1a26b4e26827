"""The cells of ``stream-rcf score`` are the bytes of the service's records, whatever a file's format."""

from __future__ import annotations

import re
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stream_rcf.files.columns import Columns
from stream_rcf.files.score_files import score_stream
from stream_rcf.pipeline.decode import EventDecoder
from stream_rcf.pipeline.encode import RecordEncoder
from stream_rcf.pipeline.events import Event, Position
from stream_rcf.pipeline.score_batch import score_batch
from stream_rcf.state.key_table import KeyTable
from tests.files.support import cells, scoring

COLUMNS = Columns(("key",), "timestamp", ("a", "b"))
ROWS = [
    {
        "key": f'host-{n % 3} é,"',
        "timestamp": 1_767_225_600_000 + n * 1000,
        "a": 50.0 if n == 150 else (n * 31 % 17) / 7,
        "b": float(n * n % 13),
    }
    for n in range(200)
]
CELLS = (
    "key",
    "timestamp",
    "anomaly_score",
    "threshold",
    "anomaly_grade",
    "is_anomaly",
    "confidence",
    "anomaly_likelihood",
    "reason",
)


def records() -> list[bytes]:
    """Return the score records of the service for the same events as JSON."""
    parameters = scoring().parameters_for(COLUMNS)
    decoder = EventDecoder(COLUMNS.schema(1000))
    events = [decoder.decode(orjson.dumps(row), None, 0) for row in ROWS]
    accepted = [event for event in events if isinstance(event, Event)]
    assert len(accepted) == len(ROWS)
    scored = score_batch(parameters, accepted, [KeyTable(parameters)] * len(accepted))
    encoder = RecordEncoder(parameters.features, parameters.fingerprint())
    return [
        orjson.dumps(encoder.score_record(event, Position("events", 0, index), scored, index))
        for index, event in enumerate(accepted)
    ]


def write(path: Path) -> Path:
    match path.suffix:
        case ".jsonl":
            path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in ROWS))
        case ".csv":
            quoted = [row | {"key": '"' + str(row["key"]).replace('"', '""') + '"'} for row in ROWS]
            lines = [",".join(str(value) for value in row.values()) for row in quoted]
            path.write_text("key,timestamp,a,b\n" + "\n".join(lines), encoding="utf-8")
        case ".parquet":
            pq.write_table(pa.Table.from_pylist(ROWS), path)
    return path


def text_in_record(record: bytes, name: str) -> str:
    """Return the bytes of a number or a word as they stand in the record."""
    found = re.search(rb'"%s":([^,}]*)' % name.encode(), record)
    assert found is not None
    return found[1].decode()


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_every_cell_equals_the_record(tmp_path: Path, suffix: str) -> None:
    score_stream(scoring(), [str(write(tmp_path / f"events{suffix}"))], str(tmp_path / "out.csv"))
    rows = cells((tmp_path / "out.csv").read_text(encoding="utf-8"))
    service = records()
    assert len(rows) == len(service)
    anomalies = 0
    for row, record in zip(rows, service, strict=True):
        document = orjson.loads(record)
        assert row[0] == document["key"]
        assert row[1:8] == [text_in_record(record, name) for name in CELLS[1:8]]
        assert row[8] == (document["reason"] or "")
        anomalies += document["is_anomaly"]
    assert anomalies > 0
