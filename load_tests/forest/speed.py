"""The rows of the table: points per second, ours and AWS's, on the same core in the same minute."""

from __future__ import annotations

from collections.abc import Sequence

from load_tests.forest.comparison import Comparison, Plan, compare
from load_tests.forest.series import Series
from load_tests.forest.shapes import Row
from load_tests.forest.start import measuring_core, start_aws, start_ours


def compare_rows(rows: Sequence[Row], warm: int, plan: Plan) -> list[tuple[Row, Comparison]]:
    """Compare on ``rows``, which share shape and keys: the same forests go on, each key ``warm`` records old at first.

    The order matters: AWS's boxes can be given up, not had back.
    """
    shape, keys = rows[0].shape, rows[0].keys
    core = [measuring_core()]
    series = Series(shape.features, keys)
    found = []
    with start_ours(shape, core, keys) as ours, start_aws(shape, core, keys) as aws:
        records = series.take(warm)
        for implementation in (ours, aws):
            implementation.learn(records)
        for row in rows:
            if not row.bounding_boxes:
                aws.ask("boxes", 0.0)
            found.append((row, compare(ours, aws, series, keys, plan)))
    return found
