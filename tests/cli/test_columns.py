from __future__ import annotations

import argparse
import os
from pathlib import Path

import pytest

from stream_rcf.cli.columns import add_column_arguments, wanted_columns, with_features
from stream_rcf.errors import UsageError
from stream_rcf.files.columns import Wanted
from stream_rcf.settings.model import load_with_origins


def wanted(*arguments: str, **settings: str) -> Wanted:
    parser = argparse.ArgumentParser()
    add_column_arguments(parser)
    overrides = {f"events.{name}": value for name, value in settings.items()}
    return wanted_columns(parser.parse_args(arguments), load_with_origins(None, overrides, {}))


def test_an_option_comes_before_a_setting_and_both_before_the_file() -> None:
    assert wanted() == Wanted(None, None, None), "defaults are no wish"
    assert wanted(key="host", timestamp="at", features='["x"]') == Wanted(("host",), "at", ("x",))
    assert wanted(
        "--key", "k", "--timestamp", "t", "--features", "a, b", key="host", features='["x"]'
    ) == Wanted(("k",), "t", ("a", "b"))
    assert wanted(key='["host", "disk"]').keys == ("host", "disk")
    assert wanted(id="order").identity == "order"


def test_aggregates_are_a_setting_wherever_windows_are_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    parser = argparse.ArgumentParser()
    add_column_arguments(parser)
    arguments = parser.parse_args(["--features", "count,p99(a)"])
    monkeypatch.setattr(os, "environ", {})
    assert with_features(arguments, None, {}) == {}
    expected = {"events.features": '["count", "p99(a)"]'}
    windowed = {"events.window_seconds": "60"}
    assert with_features(arguments, None, windowed) == {**windowed, **expected}
    config = tmp_path / "settings.toml"
    config.write_text("[events]\nwindow_seconds = 60\n")
    assert with_features(arguments, config, {}) == expected
    monkeypatch.setattr(os, "environ", {"STREAM_RCF_EVENTS__WINDOW_SECONDS": "60"})
    assert with_features(arguments, None, {}) == expected
    loaded = load_with_origins(config, expected, {})
    assert wanted_columns(arguments, loaded) == Wanted(None, None, ("count", "p99(a)"), is_windowed=True)


@pytest.mark.parametrize("names", ["", "a,", "a,a"])
def test_names_are_different_and_not_empty(names: str) -> None:
    with pytest.raises(UsageError, match="--features takes different column names"):
        wanted("--features", names)
