"""Forecasts through a batch and into the records: the same bytes by the template and by the fields."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from stream_rcf.core.forecast_parameters import ForecastParameters
from stream_rcf.core.parameters import DetectorParameters, ForestParameters, LikelihoodParameters
from stream_rcf.pipeline.encode import RecordEncoder
from stream_rcf.pipeline.events import Position
from stream_rcf.pipeline.score_batch import BatchScorer, ScoredBatch, score_batch
from stream_rcf.state.batch_keys import MOST_FORECAST_STEPS, largest_batch
from stream_rcf.state.key_memory import KeyMemory
from stream_rcf.state.key_table import KeyTable
from stream_rcf.state.model_settings import model_settings
from tests.pipeline.test_score_batch import stream

FEATURES = ('cpu "%d"', "memory")
PLAIN = DetectorParameters(
    FEATURES,
    ForestParameters(trees=3, sample_size=16, dimensions=2, shingle_size=3, seed=4),
    likelihood=LikelihoodParameters(alert_budget=0.0),
)
PARAMETERS = replace(PLAIN, forecast=ForecastParameters(3, error_memory=12))
EVENTS = stream(400, keys=3)
SOURCES = [Position("events", 0, i) for i in range(len(EVENTS))]


def scored(size: int = 400, threads: int = 1) -> list[ScoredBatch]:
    table = KeyTable(PARAMETERS)
    parts = [EVENTS[first : first + size] for first in range(0, len(EVENTS), size)]
    return [score_batch(PARAMETERS, part, [table] * len(part), threads) for part in parts]


def encoded(batches: list[ScoredBatch]) -> tuple[list[bytes | None], dict[int, bytes]]:
    encoder = RecordEncoder(FEATURES, "ab%d", has_forecasts=True)
    scores: list[bytes | None] = []
    alerts: dict[int, bytes] = {}
    for batch in batches:
        first, end = len(scores), len(scores) + len(batch.score)
        found = encoder.encode(EVENTS[first:end], SOURCES[first:end], batch)
        scores += found.scores
        alerts |= {first + index: alert for index, alert in found.alerts.items()}
    return scores, alerts


def test_records_say_the_forecast_behind_the_reason_and_alerts_too() -> None:
    (batch,) = scored()
    scores, alerts = encoded([batch])
    encoder = RecordEncoder(FEATURES, "ab%d", has_forecasts=True)
    told = 0
    for index, score in enumerate(scores):
        assert score == orjson.dumps(encoder.score_record(EVENTS[index], SOURCES[index], batch, index))
        record = orjson.loads(score)
        names = list(record)
        assert names[names.index("reason") + 1 :] == ["forecast", "forecast_coverage", "source", "model"]
        if record["forecast"] is not None:
            told += 1
            assert list(record["forecast"]) == list(FEATURES)
            for parts in record["forecast"].values():
                assert {name: len(values) for name, values in parts.items()} == {
                    "values": 3,
                    "lower": 3,
                    "upper": 3,
                }
    assert 200 < told < 400
    assert orjson.loads(scores[0] or b"")["forecast"] is None
    assert len(alerts) > 3
    for index, alert in alerts.items():
        assert orjson.loads(alert)["forecast"] == orjson.loads(scores[index] or b"")["forecast"]


@pytest.mark.parametrize(("size", "threads"), [(1, 1), (7, 1), (150, 2), (400, 3)])
def test_any_batching_and_threads_give_the_same_bytes(size: int, threads: int) -> None:
    assert encoded(scored(size, threads)) == encoded(scored())


def test_keys_that_leave_memory_and_come_back_go_on_with_the_same_bytes(tmp_path: Path) -> None:
    events = stream(600, keys=12)
    table = KeyTable(PARAMETERS)
    usual = score_batch(PARAMETERS, events, [table] * len(events))
    grown = max(table.touch(key).bytes for key in table.keys())  # noqa: SIM118 -- a table is no mapping
    with closing(KeyMemory(4 * grown, tmp_path)) as memory:
        tight, found = KeyTable(PARAMETERS, memory), []
        for first in range(0, len(events), 3):
            part = events[first : first + 3]
            found += score_batch(PARAMETERS, part, [tight] * len(part)).forecasts
        held = sum(tight.resident(key) is not None for key in tight.keys())  # noqa: SIM118 -- as above
    assert found == list(usual.forecasts)
    assert held <= 4, "of twelve keys"


def test_without_the_setting_nothing_is_forecast() -> None:
    batch = score_batch(PLAIN, EVENTS[:5], [KeyTable(PLAIN)] * 5)
    assert batch.forecasts == ()
    record = RecordEncoder(FEATURES, "f").encode(EVENTS[:5], SOURCES[:5], batch).scores[0]
    assert b"forecast" not in (record or b"")


def test_a_started_batch_gives_the_same() -> None:
    table, scorer = KeyTable(PARAMETERS), BatchScorer(PARAMETERS, 2)
    running = scorer.start(EVENTS, [table] * len(EVENTS))
    assert running.result() == scored()[0]
    scorer.close()


def test_a_batch_takes_no_more_than_some_seconds() -> None:
    far = replace(PARAMETERS, forecast=ForecastParameters(480))
    assert largest_batch(KeyTable(PLAIN).model, None, 1000) == 1000
    assert largest_batch(KeyTable(PARAMETERS).model, None, 1000) == 1000
    assert largest_batch(KeyTable(far).model, None, 1000) == MOST_FORECAST_STEPS // 480 == 50


def test_forecasts_shape_a_model_only_where_they_are_asked_for() -> None:
    other = replace(PARAMETERS, forecast=ForecastParameters(3, 0.9, error_memory=20))
    assert len({one.fingerprint() for one in (PLAIN, PARAMETERS, other)}) == 3
    assert not any("forecast" in name for name in model_settings(PLAIN))
    assert model_settings(PARAMETERS)["forecast.horizon"] == "3"
    assert model_settings(other)["forecast.coverage"] == "0.9"
