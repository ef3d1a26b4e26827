from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from stream_rcf.errors import UsageError
from stream_rcf.pipeline.record_names import KINESIS_COLUMNS
from stream_rcf.settings.derived import detector_parameters
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
