from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from stream_rcf.demo.display import Display
from stream_rcf.demo.run import Demo, DemoOptions, DemoReport, demo_settings
from stream_rcf.errors import StreamRcfError, UsageError

BOOTSTRAP = "127.0.0.1:12345"


@pytest.fixture
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


@pytest.mark.usefixtures("_logging_as_before")
def test_a_short_run_accounts_for_every_event_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    stream = io.StringIO()
    demo = Demo(DemoOptions(seconds=3.0, keys=4, rate=1000.0), lambda: False, Display(stream))

    report = demo.run()

    assert report.is_complete
    assert report.keys == 4
    assert report.events_scored > 500
    assert report.dead_letters == report.events_produced // 200
    assert report.alerts > 0, "750 readings a key, of which an anomaly every 150"
    assert "demo broker" in stream.getvalue()
    assert "learning: 0 of 4 keys ready" in stream.getvalue() or "4 keys, all ready" in stream.getvalue()
    assert "planted anomalies" in demo.planted_summary(slack=8)
    assert list(tmp_path.glob("stream-rcf-demo-*")) == []


@pytest.mark.usefixtures("_logging_as_before")
def test_a_service_that_fails_ends_the_demo_with_its_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        logging.getLogger("service").error("something is on fire")
        raise StreamRcfError("the service broke")

    monkeypatch.setattr("stream_rcf.demo.run.run_service", fail)
    stream = io.StringIO()

    with pytest.raises(StreamRcfError, match="the service broke"):
        Demo(DemoOptions(), lambda: False, Display(stream)).run()

    assert "something is on fire" in stream.getvalue()


def test_an_event_without_an_outcome_is_noticed() -> None:
    assert DemoReport(10, 8, 3, 2, 1).is_complete
    assert not DemoReport(10, 7, 3, 2, 1).is_complete


def test_the_user_may_choose_the_models_but_not_where_the_demo_lives(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STREAM_RCF_FOREST__TREES", "30")
    monkeypatch.setenv("STREAM_RCF_KAFKA__BOOTSTRAP_SERVERS", "production:9092")
    monkeypatch.setenv("STREAM_RCF_KAFKA__INPUT_TOPIC", "^orders.*")
    monkeypatch.setenv("STREAM_RCF_KAFKA__PROPERTIES", '{"sasl.password": "secret"}')
    monkeypatch.setenv("STREAM_RCF_EVENTS__FEATURES", '["amount"]')
    monkeypatch.setenv("STREAM_RCF_OUTPUT__FORMAT", "kinesis")
    settings = demo_settings(BOOTSTRAP, tmp_path)

    assert settings.forest.trees == 30
    assert settings.kafka.bootstrap_servers == BOOTSTRAP
    assert settings.kafka.input_topic == "events"
    assert "sasl.password" not in settings.kafka.properties
    assert settings.events.features == ("cpu", "latency")
    assert settings.output.format == "native"
    assert settings.checkpoint.url == tmp_path.as_uri()
    assert settings.http.port == 0


def test_a_port_that_the_user_set_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STREAM_RCF_HTTP__PORT", "18080")

    assert demo_settings(BOOTSTRAP, tmp_path).http.port == 18080


def test_a_wrong_setting_is_an_error_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STREAM_RCF_FOREST__TREES", "none")

    with pytest.raises(UsageError, match=r"forest\.trees"):
        demo_settings(BOOTSTRAP, tmp_path)
