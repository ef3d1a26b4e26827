"""The picture of a scored series: features on top, the score beneath, with the threshold that decides, if it does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from stream_rcf.core.parameters import DetectorParameters
from stream_rcf.errors import UsageError
from stream_rcf.files.series import Episode, Floats, Series, outline
from stream_rcf.pipeline.event_errors import printable

MOST_PICTURES = 6  # keys drawn of a stream with many
MOST_PANELS = 4  # features drawn of many
MOST_EPISODES = 300  # marked; more run into each other
MOST_LABELS = 8  # episodes named by their time
LABEL_WIDTH = 0.055  # of the picture's width that a label takes
WIDTH, DOTS_PER_INCH = 14.0, 110  # inches; about 1500 pixels, a wide screen
STRIPS = 1200  # about one for each pixel of the plot's width
FEATURE_HEIGHT, SCORE_HEIGHT, MARGIN_HEIGHT = 2.3, 2.3, 1.1  # inches
MILLISECONDS_PER_DAY = 86_400_000
SUFFIXES = frozenset({".png", ".svg", ".pdf"})
SERIES_COLOUR, SCORE_COLOUR, THRESHOLD_COLOUR, ANOMALY_COLOUR = "#2b5c8a", "#444444", "#e08a00", "#d62728"
WARM_UP_COLOUR = "#eeeeee"


def require_matplotlib() -> None:
    """Raise ``UsageError`` with the line that installs matplotlib where it is missing."""
    try:
        import matplotlib as _  # noqa: F401
    except ImportError as error:
        raise UsageError("--plot takes matplotlib: pip install 'stream-rcf[plot]'") from error


def draw(
    series: Series, features: tuple[str, ...], parameters: DetectorParameters, source: str, path: Path
) -> None:
    """Draw one key's series to ``path``, a PNG, SVG or PDF by its suffix; ``source`` begins the title.

    Raises ``UsageError`` where the file cannot be written.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    panels = min(len(features), MOST_PANELS)
    height = panels * FEATURE_HEIGHT + SCORE_HEIGHT + MARGIN_HEIGHT
    x = _positions(series)
    with mpl.rc_context({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(WIDTH, height), dpi=DOTS_PER_INCH, layout="constrained")
        axes = figure.subplots(panels + 1, 1, sharex=True, squeeze=False)[:, 0]
        for panel in range(panels):
            _draw_feature(axes[panel], x, series, panel, features[panel])
        episodes = _marked_episodes(series, parameters.forest.shingle_size)
        _draw_score(axes[-1], x, series, episodes, by_threshold=_budget(parameters) == 0.0)
        for axis in axes:
            _shade_warm_up(axis, x, series)
            _mark_episodes(axis, x, episodes)
            axis.margins(x=0.005)
            axis.grid(visible=True, color="#dddddd", linewidth=0.6)
            axis.set_axisbelow(True)
        _label_time(axes[-1], series)
        figure.suptitle(_title(series, features, parameters, source), x=0.01, ha="left", fontsize=11)
        try:
            figure.savefig(path)
        except OSError as error:
            raise UsageError(f"{path}: the picture cannot be written: {error.strerror}") from error


def _positions(series: Series) -> Floats:
    """Return days since 1970, which matplotlib takes for dates, or row numbers."""
    if series.times is None:
        return series.rows.astype(np.float64)
    return series.times / MILLISECONDS_PER_DAY


def _draw_feature(axis: Any, x: Floats, series: Series, feature: int, name: str) -> None:
    values = series.values[:, feature]
    axis.plot(*outline(x, values, STRIPS), color=SERIES_COLOUR, linewidth=0.9)
    anomalies = series.anomalies
    axis.plot(
        *outline(x[anomalies], values[anomalies], STRIPS), ".", color=ANOMALY_COLOUR, markersize=3.5, zorder=3
    )
    axis.set_ylabel(_plain(name))


def _budget(parameters: DetectorParameters) -> float:
    return 0.0 if parameters.likelihood is None else parameters.likelihood.alert_budget


def _draw_score(
    axis: Any, x: Floats, series: Series, episodes: Sequence[Episode], *, by_threshold: bool
) -> None:
    scored = np.flatnonzero(series.scores > 0)
    x_scored, scores, thresholds = x[scored], series.scores[scored], series.thresholds[scored]
    if len(scored):
        axis.plot(*outline(x_scored, scores, STRIPS), color=SCORE_COLOUR, linewidth=0.8, label="score")
        if by_threshold:  # else it decides nothing
            line = outline(x_scored, thresholds, STRIPS)
            axis.plot(*line, color=THRESHOLD_COLOUR, linewidth=1.4, label="threshold")
    if episodes:
        _name_peaks(axis, x, series, episodes)
    if len(scored):
        axis.legend(loc="upper left", ncols=3, frameon=False, fontsize=9)
    axis.set_ylabel("anomaly score")


def _marked_episodes(series: Series, shingle_size: int) -> list[Episode]:
    """Return the episodes of highest score, joining what a single shingle can see at once."""
    episodes = series.episodes(shingle_size)
    return sorted(episodes, key=lambda episode: -series.scores[episode.peak])[:MOST_EPISODES]


def _mark_episodes(axis: Any, x: Floats, episodes: Sequence[Episode]) -> None:
    """Lay a pale band over each episode, at least a line wide."""
    for episode in episodes:
        axis.axvspan(
            x[episode.first], x[episode.last], color=ANOMALY_COLOUR, alpha=0.22, linewidth=1.2, zorder=0
        )


def _name_peaks(axis: Any, x: Floats, series: Series, episodes: Sequence[Episode]) -> None:
    """Mark each episode's highest score, and write its time above those that leave room for it."""
    peaks = [episode.peak for episode in episodes]
    axis.scatter(x[peaks], series.scores[peaks], s=34, color=ANOMALY_COLOUR, zorder=4, label="anomaly")
    room = (x[-1] - x[0]) * LABEL_WIDTH
    named: list[float] = []
    for peak in sorted(peaks, key=lambda index: -series.scores[index]):
        if len(named) < MOST_LABELS and all(abs(x[peak] - other) > room for other in named):
            named.append(float(x[peak]))
            axis.annotate(
                _time_of(series, peak),
                (x[peak], series.scores[peak]),
                xytext=(0, 6),
                textcoords="offset points",
                ha="left" if x[peak] - x[0] < room else "right" if x[-1] - x[peak] < room else "center",
                fontsize=8.5,
                color=ANOMALY_COLOUR,
                bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "alpha": 0.7, "linewidth": 0},
            )
    axis.margins(y=0.18)  # room for the labels above


def _time_of(series: Series, index: int) -> str:
    if series.times is None:
        return f"row {series.rows[index]:,}"
    return f"{datetime.fromtimestamp(int(series.times[index]) / 1000, UTC):%d %b %H:%M}"


def _shade_warm_up(axis: Any, x: Floats, series: Series) -> None:
    scored = np.flatnonzero(series.scores > 0)
    end = x[scored[0]] if len(scored) else x[-1]
    axis.axvspan(x[0], end, color=WARM_UP_COLOUR, zorder=-1)


def _label_time(axis: Any, series: Series) -> None:
    if series.times is None:
        axis.set_xlabel("row")
        return
    from matplotlib import dates

    locator: Any = dates.AutoDateLocator(minticks=5, maxticks=14)  # type: ignore[no-untyped-call]  # no types
    axis.xaxis.set_major_locator(locator)
    axis.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]  # as above
    axis.set_xlabel("time (UTC)")


def _title(series: Series, features: tuple[str, ...], parameters: DetectorParameters, source: str) -> str:
    forest = parameters.forest
    count, episodes = len(series.anomalies), len(series.episodes(forest.shingle_size))
    found = f"{count:,} of {len(series.rows):,} events anomalous, in {episodes:,} episodes"
    if episodes > MOST_EPISODES:
        found += f" ({MOST_EPISODES} of highest score marked)"
    settings = f"{forest.trees} trees of {forest.sample_size} samples, shingle {forest.shingle_size}"
    if budget := _budget(parameters):
        settings += f"; a budget of {budget:g} alerts a week"
    hidden = len(features) - MOST_PANELS
    more = f"; the first {MOST_PANELS} of {len(features)} features shown" if hidden > 0 else ""
    return f"{_plain(source)}: {found}\n{settings}; grey: too few events to score{more}"


def _plain(text: str) -> str:
    """Keep matplotlib from reading formulas into names with two dollar signs, and from warning of odd characters."""
    return printable(text, len(text)).replace("$", r"\$")
