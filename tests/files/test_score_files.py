from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from stream_rcf.errors import UsageError
from stream_rcf.files import score_files
from stream_rcf.files.columns import Columns, Wanted
from stream_rcf.files.score_files import score_stream
from stream_rcf.files.series import SeriesCollector
from stream_rcf.pipeline.encode import number_text
from stream_rcf.pipeline.events import Event
from stream_rcf.pipeline.score_batch import score_batch
from stream_rcf.state.key_table import KeyTable
from tests.files.support import cells, scoring


def values(count: int, first: int = 0) -> list[float]:
    return [float((n * 7919) % 101) for n in range(first, first + count)]


def csv_file(path: Path, numbers: list[float], key: str | None = None) -> str:
    header, start = ("key,value\n", f"{key},") if key is not None else ("value\n", "")
    path.write_text(header + "".join(f"{start}{number}\n" for number in numbers), encoding="utf-8")
    return str(path)


def scores_of(output: Path) -> list[str]:
    return [row[2] for row in cells(output.read_text(encoding="utf-8"))]


def test_scores_are_those_of_the_detector_whatever_the_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, numbers = csv_file(tmp_path / "a.csv", values(100), key="host"), values(100)
    parameters = scoring().parameters_for(Columns(("key",), None, ("value",)))
    table = KeyTable(parameters)
    expected = score_batch(parameters, [Event("host", 0, (number,)) for number in numbers], [table] * 100)
    for rows in (1, 7, 4096):
        monkeypatch.setattr(score_files, "BATCH_ROWS", rows)
        assert score_stream(scoring(), [source], str(tmp_path / "out.csv")) == Columns(
            ("key",), None, ("value",)
        )
        assert scores_of(tmp_path / "out.csv") == [number_text(score) for score in expected.score]
    assert any(score > 0 for score in expected.score)


def test_several_inputs_are_one_stream_in_order(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    whole = csv_file(tmp_path / "whole" / "a.csv", values(60))  # of the first part's name: the same series
    parts = [csv_file(tmp_path / "a.csv", values(20)), csv_file(tmp_path / "b.csv", values(40, 20))]
    said: list[str] = []
    score_stream(scoring(), [whole], str(tmp_path / "one.csv"))
    score_stream(scoring(said=said), parts, str(tmp_path / "two.csv"))
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    assert said == [
        f"{parts[0]} and 1 more: one series, no timestamp, features value",
        f"{parts[0]} and 1 more: {said[1].split(': ')[1]}",
    ]
    assert said[1].split(": ")[1].startswith("60 rows, 1 key, ")


def test_bad_rows_neither_stop_nor_change_the_others(tmp_path: Path) -> None:
    (tmp_path / "mixed").mkdir()
    good = csv_file(tmp_path / "series.csv", values(40))
    mixed = tmp_path / "mixed" / "series.csv"
    mixed.write_text("value\n" + "".join(f"{number}\nbad\n" for number in values(40)), encoding="utf-8")
    said: list[str] = []
    score_stream(scoring(), [good], str(tmp_path / "one.csv"))
    score_stream(scoring(Wanted(features=("value",)), said), [str(mixed)], str(tmp_path / "two.csv"))
    assert scores_of(tmp_path / "two.csv")[::2] == scores_of(tmp_path / "one.csv")
    assert scores_of(tmp_path / "two.csv")[1::2] == [""] * 40
    assert said[-1].endswith(", 40 not scored (non_numeric_feature 40)")


def test_scores_go_to_standard_output_as_utf_8(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    source = csv_file(tmp_path / "a.csv", [1.0], key="é")
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.FileIO(1, "w", closefd=False), encoding="ascii"))
    score_stream(scoring(), [source], "-")
    output = capfdbinary.readouterr().out
    assert output.splitlines()[1].startswith("é,,0.0,".encode())
    assert b"\r" not in output


def test_what_a_picture_needs_is_collected(tmp_path: Path) -> None:
    collected = SeriesCollector()
    score_stream(scoring(), [csv_file(tmp_path / "a.csv", values(30))], str(tmp_path / "out.csv"), collected)
    (series,) = collected.most_anomalous(1)
    assert series.values[:, 0].tolist() == values(30)
    assert [number_text(score) for score in series.scores.tolist()] == scores_of(tmp_path / "out.csv")


def test_columns_are_checked_in_every_input_before_anything_is_written(tmp_path: Path) -> None:
    sources = [csv_file(tmp_path / "a.csv", values(3), key="x"), csv_file(tmp_path / "b.csv", values(3))]
    with pytest.raises(UsageError, match=r"b\.csv: no column key; it has value"):
        score_stream(scoring(), sources, str(tmp_path / "out.csv"))
    with pytest.raises(UsageError, match=r"none\.csv: cannot be read"):
        score_stream(scoring(), [sources[0], str(tmp_path / "none.csv")], str(tmp_path / "out.csv"))
    assert not (tmp_path / "out.csv").exists()


def test_an_input_is_never_overwritten(tmp_path: Path) -> None:
    source = csv_file(tmp_path / "a.csv", values(3))
    before = Path(source).read_bytes()
    (tmp_path / "link.csv").symlink_to(source)
    for output in (source, str(tmp_path / "link.csv")):
        with pytest.raises(UsageError, match="is an input"):
            score_stream(scoring(), [source], output)
    assert Path(source).read_bytes() == before


def test_an_output_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    source = csv_file(tmp_path / "a.csv", values(3))
    with pytest.raises(UsageError, match="cannot be written: No such file or directory"):
        score_stream(scoring(), [source], str(tmp_path / "none" / "out.csv"))
