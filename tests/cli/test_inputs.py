from __future__ import annotations

from pathlib import Path

import pytest

from stream_rcf.cli.inputs import topic_of


def test_a_file_comes_before_a_topic_of_the_same_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert topic_of("metrics") == "metrics"
    (tmp_path / "metrics").touch()
    assert topic_of("metrics") is None
    assert topic_of("topic:metrics") == "metrics"


@pytest.mark.parametrize("name", ["-", "a.csv", "a.JSONL", "a.parquet", "folder/metrics", "odd name"])
def test_what_can_only_be_a_file(name: str) -> None:
    assert topic_of(name) is None


@pytest.mark.parametrize("name", ["metrics.cpu", "a_b-c", "topic:a.csv"])
def test_what_is_a_topic(name: str) -> None:
    assert topic_of(name) == name.removeprefix("topic:")
