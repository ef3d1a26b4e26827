from __future__ import annotations

from pathlib import Path

import pytest

from stream_rcf.errors import UsageError
from stream_rcf.files.picture_files import draw_pictures, picture_path
from stream_rcf.files.series import SeriesCollector
from tests.files.support import bad_row, good_row, results, scoring


def collected(keys: int) -> SeriesCollector:
    collector = SeriesCollector()
    rows = [good_row(f"k{n % keys}", 1000 * n, float(n)) for n in range(3 * keys)]
    collector.add(rows, results([0.0] * len(rows)))
    return collector


def test_a_name_with_a_suffix_is_the_picture(tmp_path: Path) -> None:
    for name in ("a.png", "a.SVG", "a.pdf"):
        assert picture_path(str(tmp_path / name), ["data.csv"]) == tmp_path / name


def test_a_folder_holds_a_picture_named_after_the_input(tmp_path: Path) -> None:
    (tmp_path / "has.suffix").mkdir()
    for folder in ("new/deep", "has.suffix", "trailing.svg/"):
        path = picture_path(f"{tmp_path}/{folder}", ["some/data.csv", "more.csv"])
        assert path == tmp_path / folder / "data.png"
        assert path.parent.is_dir()
    assert picture_path(str(tmp_path), ["-"]) == tmp_path / "scores.png"


def test_names_that_cannot_be_a_picture_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a picture is named \.pdf, \.png, \.svg, not \.gif"):
        picture_path(str(tmp_path / "a.gif"), ["data.csv"])
    with pytest.raises(UsageError, match="there is no folder"):
        picture_path(str(tmp_path / "none" / "a.png"), ["data.csv"])
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="the folder for pictures cannot be made"):
        picture_path(str(tmp_path / "file"), ["data.csv"])


def test_one_key_is_one_picture(tmp_path: Path) -> None:
    assert draw_pictures(collected(1), scoring().parameters, "data.csv", tmp_path / "a.png") == [
        tmp_path / "a.png"
    ]


def test_of_many_keys_six_are_drawn_and_the_titles_say_so(tmp_path: Path) -> None:
    written = draw_pictures(collected(9), scoring().parameters, "data.csv", tmp_path / "a.svg")
    assert [path.name for path in written] == ["a.svg", *(f"a-{rank}.svg" for rank in range(2, 7))]
    for rank, path in enumerate(written, start=1):
        assert f"(number {rank} of 9 keys by highest grade)" in path.read_text(encoding="utf-8")


def test_nothing_is_drawn_of_nothing(tmp_path: Path) -> None:
    collector = SeriesCollector()
    collector.add([bad_row()], results([]))
    assert draw_pictures(collector, scoring().parameters, "data.csv", tmp_path / "a.png") == []
