from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from stream_rcf.cli.arguments import add_settings_arguments, overrides_of
from stream_rcf.errors import UsageError


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_settings_arguments(parser)
    return parser.parse_args(arguments)


def test_settings_are_named_and_repeated() -> None:
    arguments = parsed("--config", "a.toml", "--set", "forest.trees=3", "--set", "kafka.group_id=a=b")
    assert arguments.config == Path("a.toml")
    assert overrides_of(arguments) == {"forest.trees": "3", "kafka.group_id": "a=b"}


def test_a_setting_may_be_empty_and_the_last_of_two_counts() -> None:
    assert overrides_of(parsed("--set", "events.timestamp=", "--set", "workers=1", "--set", "workers=2")) == {
        "events.timestamp": "",
        "workers": "2",
    }
    assert overrides_of(parsed()) == {}


@pytest.mark.parametrize("text", ["forest.trees", "=3", ""])
def test_a_setting_without_name_or_value_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"SECTION\.NAME=VALUE"):
        overrides_of(parsed("--set", text))
