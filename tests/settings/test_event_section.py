"""Windows as a person sets them: in a file, in the environment, and what is said of mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from stream_rcf.core.aggregates import WindowParameters
from stream_rcf.core.arrival_parameters import ANY_LATENESS
from stream_rcf.settings.derived import detector_parameters, event_schema, state_fingerprint
from stream_rcf.settings.model import Settings, load_settings, load_with_origins
from tests.settings.test_model import refused

WINDOWS = {"events.window_seconds": "60", "events.features": '["count", "p99(latency.ms)", "sum(amount)"]'}


def test_by_default_every_event_is_a_record() -> None:
    events = Settings().events
    assert events.windows is None
    assert events.feature_paths == events.features
    assert not event_schema(Settings()).counts_events
    assert detector_parameters(Settings()).windows is None


def test_a_file_sets_windows(tmp_path: Path) -> None:
    config = tmp_path / "settings.toml"
    config.write_text(
        "[events]\nwindow_seconds = 0.5\nempty_windows = 3\nallowed_lateness_seconds = 2\n"
        'features = ["count", "p99(latency.ms)", "sum(amount)"]\n'
    )
    settings = load_settings(config)
    parameters, schema = detector_parameters(settings), event_schema(settings)
    assert parameters.windows == WindowParameters(500, 3)
    assert parameters.features == ("count", "p99(latency.ms)", "sum(amount)")
    assert parameters.arrival.allowed_lateness_ms == 2000
    assert schema.feature_paths == ("latency.ms", "amount")
    assert schema.counts_events


def test_the_environment_sets_windows() -> None:
    environment = {
        "STREAM_RCF_EVENTS__WINDOW_SECONDS": "60",
        "STREAM_RCF_EVENTS__FEATURES": '["mean(value)"]',
    }
    settings = load_with_origins(None, {}, environment).settings
    parameters = detector_parameters(settings)
    assert parameters.windows == WindowParameters(60_000)
    assert parameters.arrival.allowed_lateness_ms == ANY_LATENESS
    assert not event_schema(settings).counts_events


def test_checkpoints_of_other_windows_are_others() -> None:
    plain = {"events.features": WINDOWS["events.features"]}
    prints = {
        state_fingerprint(load_settings(None, overrides))
        for overrides in (plain, WINDOWS, WINDOWS | {"events.window_seconds": "61"})
    }
    assert len(prints) == 3


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"events.features": '["value"]'}, ("events.features: 'value' is no aggregate", "(--set)")),
        ({"events.features": '["sum(a..b)"]'}, ("dotted path",)),
        ({"events.features": '["sum(.a)"]'}, ("events.features: must not hold '.a'", "(--set)")),
        (
            {"events.window_seconds": "0"},
            ("events.window_seconds is '0' (--set), but must be a number between",),
        ),
        ({"events.empty_windows": "101"}, ("events.empty_windows is '101'", "between 0 and 100")),
        (
            {"events.allowed_lateness_seconds": "3781"},
            (
                "events.allowed_lateness_seconds is 3781, but must be at most 63 times events.window_seconds, 60",
            ),
        ),
        ({"events.max_gap_seconds": "59"}, ("events.max_gap_seconds is 59, but must be at least",)),
        ({"keys.retire_after_seconds": "30"}, ("keys.retire_after_seconds is 30, but must be at least",)),
    ],
)
def test_mistakes_are_told(overrides: dict[str, str], words: tuple[str, ...]) -> None:
    (complaint,) = refused(WINDOWS | overrides)
    for word in words:
        assert word in complaint


def test_windows_over_the_default_features_name_what_is_missing() -> None:
    (complaint,) = refused({"events.window_seconds": "60"})
    assert "'value' is no aggregate" in complaint
    assert complaint.endswith("(default)")


def test_as_late_as_there_may_be_windows_open() -> None:
    latest = load_settings(None, WINDOWS | {"events.allowed_lateness_seconds": "3780"})
    assert detector_parameters(latest).arrival.allowed_lateness_ms == 3_780_000
