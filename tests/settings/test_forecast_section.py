from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from stream_rcf.core.forecast_parameters import ForecastParameters
from stream_rcf.core.parameters import DetectorParameters
from stream_rcf.errors import UsageError
from stream_rcf.settings.derived import detector_parameters, state_fingerprint
from stream_rcf.settings.model import Settings, load_settings, load_with_origins
from stream_rcf.settings.printing import settings_as_toml

TWO = {"events.features": '["a", "b"]'}


def refused(overrides: dict[str, str]) -> list[str]:
    with pytest.raises(UsageError) as caught:
        load_settings(overrides=overrides)
    return str(caught.value).splitlines()[1:]


def test_by_default_nothing_is_forecast_and_the_fingerprint_is_what_it_was() -> None:
    assert detector_parameters(Settings()).forecast is None
    unused = load_settings(overrides={"forecast.coverage": "0.9", "forecast.period": "7"})
    assert state_fingerprint(unused) == state_fingerprint(Settings())
    assert detector_parameters(Settings()).fingerprint() == DetectorParameters().fingerprint()


def test_a_horizon_is_all_it_takes() -> None:
    settings = load_settings(overrides={"forecast.horizon": "24"})
    assert detector_parameters(settings).forecast == ForecastParameters(24, 0.8)
    assert state_fingerprint(settings) != state_fingerprint(Settings())


def test_all_of_it_by_a_file_which_is_printed_and_reads_back(tmp_path: Path) -> None:
    config = tmp_path / "settings.toml"
    config.write_text(
        '[events]\nfeatures = ["a", "b"]\n[forecast]\nhorizon = 6\ncoverage = 0.9\nperiod = 48\n'
        "[forecast.minimum]\nb = 0\n[forecast.maximum]\nb = 100.5\n",
        encoding="utf-8",
    )
    first = load_with_origins(config, {}, {})
    assert detector_parameters(first.settings).forecast == ForecastParameters(
        6, 0.9, 48, minimum=(None, 0.0), maximum=(None, 100.5)
    )
    text = settings_as_toml(first)
    assert tomllib.loads(text)["forecast"]["minimum"] == {"b": 0.0}
    config.write_text(text, encoding="utf-8")
    assert load_with_origins(config, {}, {}).settings.forecast == first.settings.forecast


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (
            {"forecast.horizon": "0"},
            "forecast.horizon is '0' (--set), but must be a whole number between 1 and 1000",
        ),
        ({"forecast.horizon": "1001"}, "between 1 and 1000"),
        (
            {"forecast.horizon": "2", "detector.transforms": '{"value": "subtract_time_of_day"}'},
            "lets 'value' go with the clock, and records to come have no times yet",
        ),
        (
            {"forecast.coverage": "1"},
            "forecast.coverage is '1' (--set), but must be a number between 0.01 and 0.999",
        ),
        ({"forecast.period": "0"}, "forecast.period"),
        (
            {"forecast.horizon": "5", "forest.shingle_size": "1"},
            "forecast.horizon is 5, but forest.shingle_size is 1: a single event says nothing of the next one. Set "
            "forest.shingle_size to 2 at least, best as long as the pattern (--set)",
        ),
        (
            {**TWO, "forecast.horizon": "501"},
            "forecast.horizon is 501, but must be at most 500 with 2 features (--set)",
        ),
        (
            {"forecast.horizon": "5", "output.format": "opensearch"},
            "forecast.horizon is 5, but output.format is opensearch, whose records have no place for forecasts: "
            "choose native, or leave forecast.horizon out (--set)",
        ),
        (
            {"forecast.minimum": '{"other": 0}'},
            "forecast.minimum names 'other', but events.features has value (--set)",
        ),
        (
            {"forecast.minimum": '{"value": 2}', "forecast.maximum": '{"value": 1}'},
            "forecast.minimum of 'value' is 2, but must be at most forecast.maximum, 1 (--set)",
        ),
        (
            {"forecast.minimum": '{"value": "low"}'},
            'a map of features to numbers, such as { "requests" = 0 }',
        ),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(overrides: dict[str, str], words: str) -> None:
    (complaint,) = refused(overrides)
    assert words in complaint


def test_other_formats_and_single_events_are_fine_where_nothing_is_forecast() -> None:
    assert detector_parameters(load_settings(overrides={"output.format": "kinesis"})).forecast is None


def test_a_detector_refuses_what_the_settings_do() -> None:
    for forecast in (ForecastParameters(1001), ForecastParameters(1, minimum=(0.0, 1.0))):
        with pytest.raises(UsageError, match="but must be"):
            DetectorParameters(forecast=forecast)
    with pytest.raises(UsageError, match="period is 100001, but must be at most 100000"):
        DetectorParameters(forecast=ForecastParameters(1, period=100_001))
