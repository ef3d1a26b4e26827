from __future__ import annotations

import builtins
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import image

from stream_rcf.core.parameters import DetectorParameters, ForestParameters, LikelihoodParameters
from stream_rcf.errors import UsageError
from stream_rcf.files.picture import DOTS_PER_INCH, WIDTH, draw, require_matplotlib
from stream_rcf.files.series import Series

NEW_YEAR = 1_767_225_600_000  # 2026-01-01, ms
HOUR = 3_600_000  # ms


def a_series(
    count: int = 500, features: int = 1, anomalies: tuple[int, ...] = (300,), timed: bool = True
) -> Series:
    steps = np.arange(count)
    grades, scores = np.zeros(count), np.where(steps < 50, 0.0, 1.0 + 0.1 * np.sin(steps))
    grades[list(anomalies)], scores[list(anomalies)] = 1.0, 3.0
    values = np.stack([np.sin(steps / (9 + feature)) for feature in range(features)], axis=1)
    times = NEW_YEAR + steps * HOUR if timed else None
    return Series("a", times, steps + 1, values, scores, np.full(count, 1.5), grades)


def text_of(path: Path, series: Series, *features: str, source: str = "data.csv") -> str:
    """Draw an SVG and return its words; matplotlib keeps them as comments beside the outlines of letters."""
    names = features or ("value",)
    parameters = DetectorParameters(names, ForestParameters(trees=30, sample_size=64, dimensions=len(names)))
    draw(series, names, parameters, source, path)
    return "\n".join(re.findall(r"<!-- (.*?) -->", path.read_text(encoding="utf-8"), re.DOTALL))


def test_the_title_says_what_was_scored_and_how(tmp_path: Path) -> None:
    words = text_of(tmp_path / "a.svg", a_series(anomalies=(300, 301, 400)))
    assert "data.csv: 3 of 500 events anomalous, in 2 episodes" in words
    assert "30 trees of 64 samples, shingle 8" in words


def test_the_axis_holds_dates_and_the_highest_scores_their_time(tmp_path: Path) -> None:
    words = text_of(tmp_path / "a.svg", a_series(anomalies=(36,)))
    assert "time (UTC)" in words
    assert "02 Jan 12:00" in words
    assert "2026" in words


def test_without_times_rows_are_counted(tmp_path: Path) -> None:
    words = text_of(tmp_path / "a.svg", a_series(timed=False))
    assert "row 301" in words
    assert "time (UTC)" not in words


def test_each_feature_has_a_panel_up_to_four(tmp_path: Path) -> None:
    words = text_of(tmp_path / "a.svg", a_series(features=6), *(f"feature {n}" for n in range(6)))
    assert all(f"feature {n}" in words for n in range(4))
    assert "feature 4" not in words
    assert "the first 4 of 6 features shown" in words


def test_names_are_shown_as_they_are_written(tmp_path: Path) -> None:
    words = text_of(tmp_path / "a.svg", a_series(), "$x^2$", source="a_$b$.csv")
    assert "$x^2$" in words.replace("\\", "")
    assert "a_$b$.csv" in words.replace("\\", "")


@pytest.mark.parametrize("anomalies", [(), tuple(range(0, 500, 10)), (0, 499)])
def test_few_or_many_anomalies_can_be_drawn(tmp_path: Path, anomalies: tuple[int, ...]) -> None:
    by_threshold = DetectorParameters(likelihood=LikelihoodParameters(alert_budget=0.0))
    draw(a_series(anomalies=anomalies), ("value",), by_threshold, "data.csv", tmp_path / "a.png")
    pixels = image.imread(tmp_path / "a.png")
    assert pixels.shape[1] == WIDTH * DOTS_PER_INCH
    reddish = (pixels[..., 0] > pixels[..., 2] + 0.3).sum() > 200  # more than the threshold line's few
    assert reddish


@pytest.mark.parametrize("count", [1, 2])
def test_a_series_too_short_to_score_can_be_drawn(tmp_path: Path, count: int) -> None:
    words = text_of(tmp_path / "a.svg", a_series(count, anomalies=()))
    assert f"0 of {count} events anomalous" in words


def test_a_million_events_become_a_picture_of_ordinary_size(tmp_path: Path) -> None:
    count = 1_000_000
    words = text_of(tmp_path / "a.svg", a_series(count, anomalies=tuple(range(0, count, 500))))
    assert "in 2,000 episodes (300 of highest score marked)" in words
    assert (tmp_path / "a.svg").stat().st_size < 2_000_000


def test_a_picture_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the picture cannot be written: No such file or directory"):
        draw(a_series(), ("value",), DetectorParameters(), "data.csv", tmp_path / "none" / "a.png")


def test_without_matplotlib_the_line_that_installs_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    require_matplotlib()
    real_import = builtins.__import__

    def without_matplotlib(name: str, *others: Any, **more: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real_import(name, *others, **more)

    monkeypatch.setattr(builtins, "__import__", without_matplotlib)
    with pytest.raises(UsageError, match=r"pip install 'stream-rcf\[plot\]'"):
        require_matplotlib()


def test_the_threshold_is_drawn_where_it_decides(tmp_path: Path) -> None:
    by_threshold = DetectorParameters(likelihood=LikelihoodParameters(alert_budget=0.0))
    for parameters, is_drawn in ((by_threshold, True), (DetectorParameters(), False)):
        draw(a_series(), ("value",), parameters, "data.csv", tmp_path / "a.svg")
        words = (tmp_path / "a.svg").read_text(encoding="utf-8")
        assert ("threshold" in words) is is_drawn
        assert ("a budget of 2 alerts a week" in words) is not is_drawn
