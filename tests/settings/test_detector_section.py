"""How values are looked at: the settings' names, what they make, and what they say where they do not fit."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from stream_rcf.core.preprocessing import Preprocessing, Transform
from stream_rcf.errors import UsageError
from stream_rcf.settings.derived import detector_parameters
from stream_rcf.settings.model import Settings, load_with_origins
from stream_rcf.settings.printing import settings_as_toml

TOML = """
[events]
features = ["cpu.load", "requests"]
[detector]
cooldown_seconds = 90
[detector.transforms]
requests = "log"
[detector.weights]
"cpu.load" = 2
"""


def from_toml(folder: Path, text: str) -> Settings:
    path = folder / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return load_with_origins(path, {}, {}).settings


def test_transforms_and_weights_are_given_by_name(tmp_path: Path) -> None:
    parameters = detector_parameters(from_toml(tmp_path, TOML))

    assert parameters.preprocessing == Preprocessing((Transform.NONE, Transform.LOG), (2.0, 1.0))
    assert parameters.cooldown_ms == 90_000


def test_by_default_features_count_alike_and_are_seen_as_they_are() -> None:
    parameters = detector_parameters(Settings())

    assert parameters.preprocessing == Preprocessing()
    assert parameters.cooldown_ms == 0


def test_the_environment_gives_maps_as_json() -> None:
    environment = {
        "STREAM_RCF_DETECTOR__TRANSFORMS": '{"value": "difference"}',
        "STREAM_RCF_DETECTOR__NORMALIZE": "false",
    }
    settings = load_with_origins(None, {}, environment).settings

    assert detector_parameters(settings).preprocessing == Preprocessing((Transform.DIFFERENCE,), (), False)


def test_what_is_printed_reads_back(tmp_path: Path) -> None:
    settings = from_toml(tmp_path, TOML)
    printed = settings_as_toml(load_with_origins(tmp_path / "settings.toml", {}, {}))

    assert tomllib.loads(printed)["detector"]["transforms"] == {"requests": "log"}
    again = detector_parameters(from_toml(tmp_path, printed))
    assert again.fingerprint() == detector_parameters(settings).fingerprint()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("transforms", '{"other": "log"}', "transforms names the feature 'other', which is none of value"),
        ("transforms", '{"value": "square"}', "detector.transforms"),
        ("weights", '{"other": 2}', "weights names the feature 'other'"),
        ("weights", '{"value": 0}', "a weight is 0.0, but must be between"),
        ("weights", '{"value": "heavy"}', "detector.weights"),
        ("weights", "value", "not the JSON of a map"),
        (
            "cooldown_seconds",
            "0",
            "detector.cooldown_seconds is '0' (--set), but must be a number between 0.001",
        ),
    ],
)
def test_what_does_not_fit_is_told_with_its_setting(name: str, value: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        load_with_origins(None, {f"detector.{name}": value}, {})
    assert said in str(raised.value)
    assert "--set" in str(raised.value)
