from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from pydantic import ValidationError

from stream_rcf.core.parameters import DetectorParameters, ForestParameters, ThresholdParameters
from stream_rcf.errors import UsageError
from stream_rcf.pipeline.decode import EventSchema
from stream_rcf.settings.derived import detector_parameters, event_schema
from stream_rcf.settings.model import Settings, load_settings, load_with_origins


def refused(overrides: dict[str, str], toml: str | None = None, folder: Path | None = None) -> list[str]:
    """Return the complaints, one a line, without the line that counts them."""
    config = None
    if toml is not None:
        assert folder is not None
        config = folder / "settings.toml"
        config.write_text(toml, encoding="utf-8")
    with pytest.raises(UsageError) as failure:
        load_with_origins(config, overrides, {})
    count, *complaints = str(failure.value).split("\n  ")
    assert count == ("1 error" if len(complaints) == 1 else f"{len(complaints)} errors") + " in the settings:"
    return complaints


def test_the_defaults_are_the_contracts() -> None:
    settings = Settings()
    kafka, events, forest = settings.kafka, settings.events, settings.forest
    assert (kafka.bootstrap_servers, kafka.group_id, kafka.group_protocol) == (
        "localhost:9092",
        "stream-rcf",
        "classic",
    )
    assert (kafka.delivery, kafka.properties, kafka.transactional_id) == ("exactly_once", {}, "")
    topics = (kafka.input_topic, kafka.scores_topic, kafka.alerts_topic, kafka.dead_letter_topic)
    assert topics == ("events", "scores", "alerts", "dead-letters")
    assert (kafka.start_from, kafka.commit_interval_ms, kafka.batch_size) == ("earliest", 100, 1000)
    assert (events.key, events.timestamp, events.features, events.max_bytes) == (
        "",
        "timestamp",
        ("value",),
        524_288,
    )
    assert (forest.trees, forest.sample_size, forest.shingle_size, forest.seed) == (50, 256, 8, 0)
    assert forest.time_decay is None
    checkpoint = settings.checkpoint
    assert (checkpoint.url, checkpoint.interval_seconds, checkpoint.on_unusable) == (
        "file:./checkpoints",
        30,
        "fail",
    )
    assert (settings.http.host, settings.http.port, settings.workers) == ("127.0.0.1", 8080, 1)
    assert (settings.logging.level, settings.logging.format) == ("info", "json")


def test_the_detectors_own_defaults_are_the_same() -> None:
    assert detector_parameters(Settings()) == DetectorParameters()
    assert detector_parameters(Settings()).forest.decay == 1 / 2560


def test_settings_become_what_shapes_a_model() -> None:
    overrides = {
        "events.features": '["a", "b.c"]',
        "forest.trees": "30",
        "forest.sample_size": "64",
        "forest.shingle_size": "2",
        "forest.time_decay": "0",
        "forest.seed": "-5",
        "detector.z_factor": "2.5",
        "detector.score_differencing": "1",
        "keys.retire_after_seconds": "1.5",
    }
    assert detector_parameters(load_with_origins(None, overrides, {}).settings) == DetectorParameters(
        ("a", "b.c"),
        ForestParameters(30, 64, 2, 2, 0.0, -5),
        ThresholdParameters(z_factor=2.5, score_differencing=1.0),
        retire_after_ms=1500,
    )


@pytest.mark.parametrize(
    ("key", "paths"), [("", ()), ("host.name", ("host.name",)), ('["a", "b"]', ("a", "b")), ('["a"]', ("a",))]
)
def test_settings_become_where_an_event_keeps_its_parts(key: str, paths: tuple[str, ...]) -> None:
    overrides = {"events.key": key, "events.timestamp": "at", "events.max_bytes": "9"}
    assert event_schema(load_with_origins(None, overrides, {}).settings) == EventSchema(
        paths, "at", ("value",), 9
    )


def test_the_environment_is_read_by_load_settings_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("STREAM_RCF_CONFIG", raising=False)
    monkeypatch.setenv("STREAM_RCF_FOREST__TREES", "9")
    assert Settings().forest.trees == 50
    assert load_settings().forest.trees == 9
    assert load_settings(overrides={"forest.trees": "8"}).forest.trees == 8
    config = tmp_path / "settings.toml"
    config.write_text("[forest]\nseed = 4\n", encoding="utf-8")
    assert load_settings(config).forest.seed == 4


def test_settings_cannot_change_and_can_be_handed_to_another_process() -> None:
    settings = load_with_origins(None, {"kafka.properties": '{"linger.ms": 5}'}, {}).settings
    with pytest.raises(ValidationError):
        settings.workers = 2  # type: ignore[misc]  # what is tested
    with pytest.raises(ValidationError):
        settings.forest.trees = 2  # type: ignore[misc]  # what is tested
    assert pickle.loads(pickle.dumps(settings)) == settings


def test_every_error_is_listed_at_once_with_value_source_and_range(tmp_path: Path) -> None:
    toml = """
        wrong = 1
        workers = true
        [kafka]
        group_id = ""
        delivery = "twice"
        input_topic = "scores"
        [forest]
        trees = 0
        time_decay = nan
        [events]
        features = ["a", "a", "b..c"]
    """
    origin = f"(file {tmp_path / 'settings.toml'})"
    assert refused({"http.port": "65536", "events.key": "[]"}, toml, tmp_path) == [
        f"wrong is not a setting {origin}",
        f"kafka.group_id is '' {origin}, but must be text that is not empty, at most 249 characters",
        f"kafka.delivery is 'twice' {origin}, but must be exactly_once or at_least_once",
        "kafka.scores_topic is 'scores' (default), but must differ from kafka.input_topic",
        "events.key is [] (--set), but must name at least one field",
        f"events.features is ['a', 'a', 'b..c'] {origin}, but must not hold 'b..c': a dotted path has a name "
        "on each side of every dot",
        f"forest.trees is 0 {origin}, but must be a whole number between 1 and 1000",
        f"forest.time_decay is nan {origin}, but must be a number at least 0 and below 1",
        "http.port is '65536' (--set), but must be a whole number between 0 and 65535",
        f"workers is True {origin}, but must be a number, not true or false",
    ]


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("events.features", "[]", "must name at least one field"),
        ("events.features", '["a", "a"]', "must not repeat a"),
        ("events.features", "[1]", 'must be a list of texts, such as ["value"]'),
        ("events.features", str(list(range(1001))).replace(" ", ""), "must be a list of texts"),
        ("events.key", ".a", "on each side of every dot"),
        ("events.timestamp", "a.", "on each side of every dot"),
        ("forest.seed", str(2**63), "must be a whole number"),
        ("forest.sample_size", "1", "between 2 and 32768"),
        ("forest.shingle_size", "1.5", "must be a whole number"),
        ("detector.z_factor", "inf", "must be a number between 2 and 10"),
        ("keys.memory_limit_mb", "15", "must be a whole number at least 16"),
        ("checkpoint.interval_seconds", "0", "must be a number between"),
        ("checkpoint.on_unusable", "ignore", "must be fail or fresh"),
        ("logging.level", "loud", "must be debug or info or warning or error"),
        ("workers", "0", "between 1 and 256"),
    ],
)
def test_a_value_out_of_range_is_refused(name: str, value: str, part: str) -> None:
    (complaint,) = refused({name: value})
    assert complaint.startswith(f"{name} is ")
    assert part in complaint


@pytest.mark.parametrize("url", ["s3://bucket/x", "gs://bucket/x", "az://container/x"])
def test_buckets_are_places_for_checkpoints(url: str) -> None:
    assert Settings(checkpoint={"url": url}).checkpoint.url == url


@pytest.mark.parametrize("url", ["", "./checkpoints", "http://x/y", "file:"])
def test_a_place_that_is_no_folder_is_refused(url: str) -> None:
    (complaint,) = refused({"checkpoint.url": url})
    assert complaint.startswith("checkpoint.url ")
    assert complaint.endswith("(--set)")


def test_a_point_has_a_bounded_number_of_dimensions() -> None:
    (complaint,) = refused({"events.features": '["a", "b"]', "forest.shingle_size": "20000"})
    assert (
        complaint == "forest.shingle_size is 20000, but must be at most 16384 with 2 events.features (--set)"
    )


def test_a_name_of_one_process_allows_only_one() -> None:
    overrides = {"kafka.transactional_id": "mine"}
    assert load_with_origins(None, overrides, {}).settings.workers == 1
    (complaint,) = refused({**overrides, "workers": "2"})
    assert complaint.startswith("workers is '2' (--set), but must be 1 where kafka.")


def test_memory_is_shared_by_the_workers() -> None:
    settings = load_with_origins(None, {"keys.memory_limit_mb": "100", "workers": "4"}, {}).settings
    assert settings.memory_limit_bytes_per_worker == 25 * 2**20


def test_the_level_of_the_log_may_be_written_in_capitals() -> None:
    assert load_with_origins(None, {"logging.level": "WARNING"}, {}).settings.logging.level == "warning"
