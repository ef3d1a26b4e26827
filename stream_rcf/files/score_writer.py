"""The output of ``stream-rcf score``: a CSV row for each input row or window, its numbers those of the JSON records."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from typing import TextIO

from stream_rcf.files.rows import Row
from stream_rcf.files.windowed_rows import RowWindows
from stream_rcf.pipeline.encode import number_text, reason_text
from stream_rcf.pipeline.events import Rejection
from stream_rcf.pipeline.score_batch import ScoredBatch

HEADER = (
    "key",
    "timestamp",
    "anomaly_score",
    "threshold",
    "anomaly_grade",
    "is_anomaly",
    "confidence",
    "anomaly_likelihood",
    "reason",
)
_NO_SCORE = ("",) * 6  # the cells between timestamp and reason


class ScoreWriter:
    """Writes rows as they are scored, and counts them."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._rows = csv.writer(stream, lineterminator="\n")
        self._rows.writerow(HEADER)
        self.rows = 0
        self.anomalies = 0
        self.rejected: Counter[str] = Counter()  # by error

    def write(self, rows: Sequence[Row], scored: ScoredBatch) -> None:
        """Write a batch; ``scored`` holds a result for each row that is an event, in order."""
        cells: list[tuple[str, ...]] = []
        index = 0
        for row in rows:
            time = "" if row.timestamp is None else str(row.timestamp)
            if isinstance(row.outcome, Rejection):
                self.rejected[row.outcome.error] += 1
                cells.append((row.key, time, *_NO_SCORE, f"{row.outcome.error}: {row.outcome.reason}"))
                continue
            grade = scored.grade[index]
            self.anomalies += grade > 0
            cells.append(
                (
                    row.key,
                    time,
                    number_text(scored.score[index]),
                    number_text(scored.threshold[index]),
                    number_text(grade),
                    "true" if grade > 0 else "false",
                    number_text(scored.confidence[index]),
                    number_text(scored.likelihood[index]),
                    reason_text(scored, index) or "",
                )
            )
            index += 1
        self._rows.writerows(cells)
        self.rows += len(rows)

    def summary(self, keys: int, windows: RowWindows | None = None) -> str:
        """Return the counts as a sentence."""
        parts = [
            *([_count(windows.events, "event")] if windows is not None else []),
            _count(self.rows, "row")
            if windows is None
            else _count(self.rows - self.rejected.total(), "window"),
            _count(keys, "key"),
            _count(self.anomalies, "anomaly", "anomalies"),
        ]
        if self.rejected:
            errors = ", ".join(f"{error} {count}" for error, count in sorted(self.rejected.items()))
            parts.append(f"{self.rejected.total()} not scored ({errors})")
        if windows is not None and windows.passed_over:
            reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(windows.passed_over.items()))
            parts.append(f"{windows.passed_over.total()} events passed over ({reasons})")
        return ", ".join(parts)


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
