"""The output of ``stream-rcf score``: a CSV row for each input row or window, its numbers those of the JSON records."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from typing import TextIO

import orjson

from stream_rcf.core.key_forecaster import RecordForecast
from stream_rcf.core.record import forecast_fields
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
_NEXT = ("forecast", "forecast_lower", "forecast_upper")  # of each feature's next value


def forecast_header(features: Sequence[str]) -> tuple[str, ...]:
    """The columns of forecasts: by feature the next value and its band, then all steps, and the coverage, as JSON."""
    next_ones = [f"{part}({feature})" for feature in features for part in _NEXT]
    return (*next_ones, "forecast", "forecast_coverage")


class ScoreWriter:
    """Writes rows as they are scored, and counts them.

    ``forecast_features``: the features where rows say what is forecast, else none.
    """

    def __init__(self, stream: TextIO, forecast_features: Sequence[str] = ()) -> None:
        self._stream = stream
        self._rows = csv.writer(stream, lineterminator="\n")
        self._features = forecast_features
        own = forecast_header(forecast_features) if forecast_features else ()
        self._no_forecast = ("",) * len(own)
        self._rows.writerow(HEADER + own)
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
                reason = f"{row.outcome.error}: {row.outcome.reason}"
                cells.append((row.key, time, *_NO_SCORE, reason, *self._no_forecast))
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
                    *(self._forecast_cells(scored.forecasts[index]) if self._features else ()),
                )
            )
            index += 1
        self._rows.writerows(cells)
        self.rows += len(rows)

    def _forecast_cells(self, forecast: RecordForecast) -> tuple[str, ...]:
        """What ``forecast_header`` names, empty where nothing is known."""
        parts = forecast_fields(self._features, forecast).values()
        whole = ["" if part is None else orjson.dumps(part).decode() for part in parts]
        if forecast.features is None:
            return (*[""] * (len(_NEXT) * len(self._features)), *whole)
        return (*(number_text(steps[0]) for one in forecast.features for steps in one), *whole)

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
