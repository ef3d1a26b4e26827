from __future__ import annotations

import argparse

import pytest

from stream_rcf.cli.columns import add_column_arguments, wanted_columns
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


@pytest.mark.parametrize("names", ["", "a,", "a,a"])
def test_names_are_different_and_not_empty(names: str) -> None:
    with pytest.raises(UsageError, match="--features takes different column names"):
        wanted("--features", names)
