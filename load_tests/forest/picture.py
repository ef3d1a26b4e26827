"""The README's picture of the forest's benchmark: ``python -m load_tests.forest.picture bench.json FILE.svg``.

Left, ours over AWS's Java in each row; beside it what an event costs as records widen and as keys grow many.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from load_tests.forest.comparison import DISTURBED

WIDTH, HEIGHT = 11.0, 3.9  # inches
ROOM = 1.15  # of the longest bar: the axis goes on, for the figures at its end
SALT = "stream_rcf"  # of the names inside the file: the same figures give the same bytes
# Light, then dark. Each colour is drawn light and has a rule that replaces it where the reader's screen is dark.
INK, PAPER, GRID = ("#1f2328", "#e6edf3"), ("#ffffff", "#0d1117"), ("#d1d9e0", "#3d444d")
OURS, AWS, TARGET = ("#4c8bc9", "#316dca"), ("#b35900", "#f0a050"), ("#1a7f37", "#57d364")
COLOURS = (INK, PAPER, GRID, OURS, AWS, TARGET)
STYLE = {
    "font.size": 9.0,
    "font.family": "sans-serif",
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": SALT,
    "text.color": INK[0],
    "axes.labelcolor": INK[0],
    "axes.edgecolor": INK[0],
    "axes.facecolor": PAPER[0],
    "figure.facecolor": PAPER[0],
    "savefig.facecolor": PAPER[0],
    "xtick.color": INK[0],
    "ytick.color": INK[0],
    "grid.color": GRID[0],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10.0,
    "legend.frameon": False,
}
SMALL = {
    "fontsize": 8.0,
    "markerscale": 0.4,
    "handlelength": 1.0,
    "columnspacing": 1.0,
}  # a legend on the title's line
CURVES = {"features": "numbers in a record, shingle 1", "keys": "keys in turn, shingle 8"}

Data = Mapping[str, Any]


def draw(data: Data) -> str:
    """The picture as SVG, from what ``python -m load_tests --json`` wrote: ``KeyError`` without a forest part."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    forest = data["forest"]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        bars, *curves = figure.subplots(1, 3, width_ratios=(1.5, 1.0, 1.0))
        _draw_ratios(bars, forest["table"])
        for axes, (what, label) in zip(curves, CURVES.items(), strict=True):
            _draw_growth(axes, forest["growth"][what]["points"], label)
        curves[0].set_ylabel("µs per event")
        figure.supxlabel(_conditions(data), fontsize=8.0, x=0.01, ha="left")
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    return with_dark_colours(text.getvalue())


def _draw_ratios(axes: Any, rows: Sequence[Data]) -> None:
    names = [_label(row["name"]) for row in rows]
    medians = [row["ratio"]["median"] for row in rows]
    below = [row["ratio"]["median"] - min(row["ratio"]["samples"]) for row in rows]
    above = [max(row["ratio"]["samples"]) - row["ratio"]["median"] for row in rows]
    places = range(len(rows))
    axes.barh(places, medians, height=0.55, color=OURS[0])
    axes.errorbar(medians, places, xerr=(below, above), fmt="none", color=INK[0], capsize=3)
    for place, row in zip(places, rows, strict=True):
        # At the axes' right edge, where no whisker and no target reaches.
        axes.text(
            1.0,
            place,
            f"{row['ratio']['median']:.1f}",
            transform=axes.get_yaxis_transform(),
            ha="right",
            va="center",
        )
    aimed = [(row["target"], place) for place, row in zip(places, rows, strict=True) if row["target"]]
    axes.plot(
        [target for target, _ in aimed],
        [place for _, place in aimed],
        linestyle="none",
        marker="|",
        markersize=22,
        markeredgewidth=2,
        color=TARGET[0],
        label="target",
    )
    axes.axvline(1.0, color=AWS[0], linewidth=1.5, label="AWS Java")
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.set_xlim(0.0, ROOM * max(max(row["ratio"]["samples"] + [row["target"] or 0.0]) for row in rows))
    axes.set_title("points/s, times AWS Java's", loc="left")
    axes.legend(
        loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, borderpad=0.0, borderaxespad=0.3, **SMALL
    )


def _label(name: str) -> str:
    """A row's name on lines that fit beside the bars."""
    return name.replace(" in turn, ", " in turn,\n").replace(", AWS without", ",\nAWS without")


def _draw_growth(axes: Any, points: Sequence[Data], label: str) -> None:
    from matplotlib.ticker import LogLocator

    for side, name, colour in (("aws", "AWS Java", AWS[0]), ("ours", "ours", OURS[0])):
        measured = [point for point in points if point[side] is not None]
        axes.plot(
            [point["value"] for point in measured],
            [1e6 / point[side]["median"] for point in measured],
            marker="o",
            markersize=4,
            color=colour,
            label=name,
        )
    axes.set_xscale("log", base=10)
    axes.set_yscale("log", base=10)
    values = [point["value"] for point in points]
    axes.set_xticks(values, [f"{value:,}" for value in values])
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(lambda value, _position: f"{value:g}")
    axes.grid(visible=True, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_title("cost of an event", loc="left")
    axes.set_xlabel(label)
    axes.legend(loc="upper left", fontsize=8.0)


def _conditions(data: Data) -> str:
    """The line beneath: what the figures are of, and whether they were undisturbed."""
    machine, table = data["machine"], data["forest"]["table"]
    counts = sorted({len(row["ratio"]["samples"]) for row in table})
    disturbed = any(row["least_share_on_core"] < DISTURBED for row in table)
    return (
        "Rows: trees x samples, numbers in a record, shingle. "
        f"{machine['processor']}, one core, numba {machine['numba']}; medians of "
        f"{' or '.join(map(str, counts))} repetitions by turns, whiskers from lowest to highest"
        f"{'; other programs ran meanwhile' if disturbed else ''}"
    )


def with_dark_colours(svg: str) -> str:
    """``svg`` with rules that replace each colour where the screen is dark. A viewer may ignore them."""
    rules = "".join(
        f'[style*="{kind}: {light}"]{{{kind}:{dark} !important}}'
        for light, dark in COLOURS
        for kind in ("fill", "stroke")
    )
    style = f"<style>@media (prefers-color-scheme: dark) {{{rules}}}</style>"
    start = svg.index(">", svg.index("<svg")) + 1
    return f"{svg[:start]}\n {style}{svg[start:]}"


def main() -> None:
    """Draw and write."""
    parser = argparse.ArgumentParser(
        prog="python -m load_tests.forest.picture", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("json", type=Path, help="what `python -m load_tests --json` wrote")
    parser.add_argument("picture", type=Path, help="the SVG file to write")
    given = parser.parse_args()
    given.picture.parent.mkdir(parents=True, exist_ok=True)
    given.picture.write_text(draw(orjson.loads(given.json.read_bytes())), encoding="utf-8")


if __name__ == "__main__":
    main()
