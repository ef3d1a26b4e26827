"""The report of the forest's part: Markdown for a reader, plain data for a program."""

from __future__ import annotations

from collections.abc import Sequence

from load_tests.figures import Figure
from load_tests.forest.comparison import Comparison
from load_tests.forest.growth import Growth, GrowthPoint
from load_tests.forest.memory import RESIDENT_KEYS, BytesRow
from load_tests.forest.run import ForestResults
from load_tests.forest.shapes import Row
from load_tests.report import figure_data

NOT_MEASURED = "-"


def markdown(results: ForestResults) -> str:
    """The report for a reader."""
    extents = results.extents
    return "\n".join(
        [
            "## The forest",
            "",
            "Update and score of every point, one thread, AWS's Java 4.3.0 beside ours: both on the same core, by "
            "turns on the same records (a wave with noise and spikes), Java compiled, its bounding boxes cached "
            "unless said otherwise. Seconds are those on the core. A single key has learned "
            f"{extents.warm:,} records before, each of many {extents.key_warm:,}. "
            "Many keys of ours are scored in batches of 1,000 events, thresholds included, as the service does; with a "
            "thousand keys a batch sees each key once. "
            + _repetitions([comparison for _, comparison in results.table])
            + " Disturbed: other programs had a part of the core, and of its caches.",
            "",
            "| trees x samples, features, shingle | AWS Java, points/s | ours, points/s | ratio | lowest to highest "
            "| target |",
            "|---|---:|---:|---:|---:|---:|",
            *[_table_row(row, comparison) for row, comparison in results.table],
            "",
            "| bytes of one key, 50 x 256, 1, 8 | AWS Java | ours | target |",
            "|---|---:|---:|---:|",
            *[_bytes_row(row) for row in results.sizes],
            "",
            "In memory: what Python's allocators have handed out for it, objects included, with the layout of the "
            "rates above; AWS's is what its collected heap shrinks by without the keys. Growth of the process: with "
            f"the gaps that the C library's allocator leaves, over {RESIDENT_KEYS} keys. Saved: `to_bytes`; AWS's "
            "compact state as Java serialises it (as protostuff or JSON it is larger). Without its trees AWS grows "
            "others from the samples at a load.",
            "",
            "| for scale, 50 trees of 256, shingle 8 | points/s | lowest to highest | ours is as fast as so many |",
            "|---|---:|---:|---:|",
            *[_peer_row(peer, results.table[0][1].ours) for peer in results.python_peers],
            "",
            *[line for growth in results.growth for line in _growth_lines(growth)],
            *_threads_lines(results.threads, extents.keys),
        ]
    )


def _repetitions(comparisons: Sequence[Comparison]) -> str:
    counts = sorted({len(comparison.ours.samples) for comparison in comparisons})
    return f"Medians of {counts[0]} repetitions." if len(counts) == 1 else f"Medians of {counts} repetitions."


def _table_row(row: Row, comparison: Comparison) -> str:
    ratio = comparison.ratio
    mark = " (disturbed)" if comparison.disturbed else ""
    return (
        f"| {row.name} | {comparison.peer.median:,.0f} | {comparison.ours.median:,.0f} | "
        f"**{ratio.median:.2f}**{mark} | {min(ratio.samples):.2f} to {max(ratio.samples):.2f} | "
        f"{_verdict(row, ratio.median)} |"
    )


def _verdict(row: Row, reached: float) -> str:
    if row.target is None:
        return NOT_MEASURED
    return f"{row.target:g}, {'reached' if reached >= row.target else 'missed'}"


def _bytes_row(row: BytesRow) -> str:
    peer = f"{row.peer:,}" if row.peer is not None else NOT_MEASURED
    verdict = NOT_MEASURED
    if row.target is not None:
        verdict = f"at most {row.target:,}, {'reached' if row.ours <= row.target else 'missed'}"
    return f"| {row.name} | {peer} | {row.ours:,} | {verdict} |"


def _peer_row(peer: Figure, ours: Figure) -> str:
    lowest, highest = min(peer.samples), max(peer.samples)
    return (
        f"| {peer.name} | {peer.median:,.0f} | {lowest:,.0f} to {highest:,.0f} | "
        f"{ours.median / peer.median:,.1f} |"
    )


def _growth_lines(growth: Growth) -> list[str]:
    return [
        f"| {growth.what}; {growth.constant} | AWS Java, us per event | ours, us per event | ratio |",
        "|---:|---:|---:|---:|",
        *[_growth_row(point) for point in growth.points],
        "",
    ]


def _growth_row(point: GrowthPoint) -> str:
    peer = f"{point.peer.microseconds:.1f}" if point.peer is not None else NOT_MEASURED
    if point.ours is None:
        return f"| {point.value:,} | {peer} | too little memory | {NOT_MEASURED} |"
    ratio = f"{point.ours.median / point.peer.median:.2f}" if point.peer is not None else NOT_MEASURED
    mark = " (disturbed)" if point.disturbed else ""
    return f"| {point.value:,} | {peer} | {point.ours.microseconds:.1f}{mark} | {ratio} |"


def _threads_lines(threads: Comparison | None, keys: int) -> list[str]:
    if threads is None:
        return ["Two threads were not measured: this machine gives us one core.", ""]
    ratio = threads.ratio
    mark = " (disturbed: something else ran on the two cores)" if threads.disturbed else ""
    return [
        f"Batches of 1,000 events over {keys:,} keys: {threads.peer.median:,.0f} events/s on one thread, "
        f"{threads.ours.median:,.0f} on two: {ratio.median:.2f} times as many "
        f"({min(ratio.samples):.2f} to {max(ratio.samples):.2f}){mark}.",
        "",
    ]


def plain_data(results: ForestResults) -> dict[str, object]:
    """The same for a program: every sample, in points/s, and the ratios."""
    return {
        "events_before": {"one key": results.extents.warm, "each of many keys": results.extents.key_warm},
        "table": [
            {"name": row.name, "target": row.target, **_comparison_data(comparison)}
            for row, comparison in results.table
        ],
        "bytes_per_key": [
            {"name": row.name, "target": row.target, "ours": row.ours, "aws": row.peer}
            for row in results.sizes
        ],
        "python_peers": {peer.name: figure_data(peer) for peer in results.python_peers},
        "growth": {
            growth.what: {
                "constant": growth.constant,
                "points": [
                    {
                        "value": point.value,
                        "ours": None if point.ours is None else figure_data(point.ours),
                        "aws": None if point.peer is None else figure_data(point.peer),
                        "disturbed": point.disturbed,
                    }
                    for point in growth.points
                ],
            }
            for growth in results.growth
        },
        "threads": None
        if results.threads is None
        else {
            "two": figure_data(results.threads.ours),
            "one": figure_data(results.threads.peer),
            "ratio": figure_data(results.threads.ratio),
        },
    }


def _comparison_data(comparison: Comparison) -> dict[str, object]:
    return {
        "ours": figure_data(comparison.ours),
        "aws": figure_data(comparison.peer),
        "ratio": figure_data(comparison.ratio),
        "ratio_by_wall_clock": figure_data(comparison.wall_ratio),
        "least_share_on_core": comparison.least_on_core,
    }
