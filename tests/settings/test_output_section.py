from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from stream_rcf.errors import UsageError
from stream_rcf.pipeline.record_names import KINESIS_COLUMNS
from stream_rcf.settings.derived import detector_parameters, state_fingerprint
from stream_rcf.settings.model import Settings, load_with_origins
from stream_rcf.settings.printing import settings_as_toml

KINESIS = "default of output.format kinesis"


def loaded(**settings: str) -> Settings:
    """Settings by name with ``__`` between section and name."""
    return load_with_origins(
        None, {name.replace("__", "."): value for name, value in settings.items()}, {}
    ).settings


def test_kinesis_brings_its_forest() -> None:
    forest = detector_parameters(loaded(output__format="kinesis")).forest
    assert (forest.trees, forest.sample_size, forest.shingle_size, forest.decay) == (100, 256, 1, 0.00001)
    assert loaded(output__format="opensearch").forest == Settings().forest


def test_explicit_settings_win_over_those_of_the_format() -> None:
    loaded_settings = load_with_origins(
        None,
        {"forest.trees": "50"},
        {"STREAM_RCF_OUTPUT__FORMAT": "kinesis", "STREAM_RCF_FOREST__SHINGLE_SIZE": "8"},
    )
    forest, origins = loaded_settings.settings.forest, loaded_settings.origins
    assert (forest.trees, forest.shingle_size, forest.sample_size) == (50, 8, 256)
    assert origins["forest.trees"] == "--set"
    assert origins["forest.shingle_size"] == "environment STREAM_RCF_FOREST__SHINGLE_SIZE"
    assert origins["forest.sample_size"] == origins["forest.time_decay"] == KINESIS
    assert origins["forest.seed"] == "default"


def test_where_the_forest_comes_from_is_printed_and_reads_back(tmp_path: Path) -> None:
    config = tmp_path / "settings.toml"
    config.write_text('[output]\nformat = "kinesis"\n', encoding="utf-8")
    first = load_with_origins(config, {}, {})
    text = settings_as_toml(first)
    assert f"trees = 100  # {KINESIS}" in text.splitlines()
    assert f"time_decay = 1e-05  # {KINESIS}" in text.splitlines()
    assert tomllib.loads(text)["output"] == {
        "format": "kinesis",
        "detector_id": "",
        "copy_fields": [],
        "resolved": False,
        "digest_seconds": 60.0,
    }
    config.write_text(text, encoding="utf-8")
    assert load_with_origins(config, {}, {}).settings == first.settings


def test_a_complaint_about_a_setting_of_the_format_names_it() -> None:
    with pytest.raises(UsageError) as failure:
        loaded(output__format="kinesis", forest__sample_size="0")
    assert "forest.sample_size is '0' (--set)" in str(failure.value)


@pytest.mark.parametrize("name", KINESIS_COLUMNS)
def test_no_feature_may_be_called_like_a_column_of_kinesis(name: str) -> None:
    features = f'["cpu", "{name}"]'
    with pytest.raises(UsageError) as failure:
        loaded(output__format="kinesis", events__features=features)
    assert f"events.features holds {name!r}" in str(failure.value)
    assert "(--set)" in str(failure.value)
    assert loaded(output__format="opensearch", events__features=features).events.features == ("cpu", name)


def test_another_format_is_refused() -> None:
    with pytest.raises(UsageError) as failure:
        loaded(output__format="flink")
    assert "output.format is 'flink' (--set), but must be native or opensearch or kinesis" in str(
        failure.value
    )


def test_digests_are_off_unless_asked_for() -> None:
    assert (Settings().output.digest_keys, Settings().output.digest_seconds) == (None, 60.0)
    output = loaded(output__digest_keys="20", output__digest_seconds="0.5").output
    assert (output.digest_keys, output.digest_seconds) == (20, 0.5)
    for output_format in ("opensearch", "kinesis"):
        assert loaded(output__format=output_format, output__digest_keys="2").output.digest_keys == 2


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("digest_keys", "1", "must be a whole number between 2 and 1000"),
        ("digest_keys", "1001", "must be a whole number between 2 and 1000"),
        ("digest_keys", "2.5", "must be a whole number"),
        ("digest_seconds", "0", "must be a number between 0.001 and 10000000000"),
        ("digest_seconds", "1e12", "must be a number between 0.001 and 10000000000"),
    ],
)
def test_digests_out_of_bounds_are_refused(name: str, value: str, complaint: str) -> None:
    with pytest.raises(UsageError) as failure:
        loaded(**{f"output__{name}": value})
    assert f"output.{name} is '{value}' (--set), but {complaint}" in str(failure.value)


def test_digests_change_no_model() -> None:
    assert state_fingerprint(loaded(output__digest_keys="20")) == state_fingerprint(Settings())
