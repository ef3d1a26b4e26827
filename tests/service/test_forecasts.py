"""Forecasts of the service: on a real broker, over a restart, what ``stream-rcf score`` tells of the same events."""

from __future__ import annotations

import subprocess
from pathlib import Path
from uuid import uuid4

import orjson
import pytest

from stream_rcf.settings.model import load_with_origins
from tests.service.bench import Bench
from tests.service.support import FakeMessage, small_settings, states_of
from tests.service.test_output_formats import offline, published, run_with_a_restart
from tests.support.broker import KafkaBroker
from tests.support.service import COMMAND, Topics, offline_rows

SETTINGS = {"forest__trees": 5, "forest__sample_size": 16, "forest__shingle_size": 3, "forecast__horizon": 5}


def test_the_records_of_a_restarted_service_are_those_of_an_offline_run_and_of_score(
    broker: KafkaBroker, tmp_path: Path
) -> None:
    topics = Topics(broker, f"forecast-{uuid4().hex[:8]}", 2)
    environment = topics.environment(tmp_path / "checkpoints", **SETTINGS)
    events = run_with_a_restart(topics, environment, tmp_path)
    settings = load_with_origins(None, {}, environment).settings
    scores, alerts = offline(topics, settings, events)
    assert published(topics, topics.scores) == scores
    assert published(topics, topics.alerts) == alerts
    rows = offline_rows(
        [value for _, value, _, _ in events],
        tmp_path,
        *(f"{name.replace('__', '.')}={value}" for name, value in SETTINGS.items()),
    )
    by_event = {(row["key"], int(row["timestamp"])): row for row in rows}
    told = 0
    for _, value in scores:
        record = orjson.loads(value)
        row = by_event[record["key"], record["timestamp"]]
        for name in ("forecast", "forecast_coverage"):
            assert row[name] == ("" if record[name] is None else orjson.dumps(record[name]).decode())
        told += record["forecast"] is not None
    assert told > len(scores) / 2


@pytest.mark.parametrize("stopped_at", [1, 150, 299])
def test_a_replay_learns_silently_and_goes_on_with_the_same_forecasts(stopped_at: int) -> None:
    settings = small_settings(forecast={"horizon": 3})
    whole, again = Bench(settings), Bench(settings)
    messages = [
        FakeMessage(i, orjson.dumps({"timestamp": 1000 * i, "value": i * 31 % 17}), b"ab"[i % 2 : i % 2 + 1])
        for i in range(300)
    ]
    partitions = whole.partition(), again.partition(publish_from=stopped_at)
    whole.process(messages, 40)
    again.process(messages, 7)
    found = [output.document for output in again.publisher.on("scores")]
    assert found == [output.document for output in whole.publisher.on("scores")][stopped_at:]
    assert found[-1]["forecast"] is not None
    assert states_of(partitions[0].table) == states_of(partitions[1].table)


def test_a_single_event_as_shingle_is_refused_at_the_start() -> None:
    arguments = ("check-config", "--set", "forecast.horizon=5", "--set", "forest.shingle_size=1")
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "a single event says nothing of the next one" in done.stderr
