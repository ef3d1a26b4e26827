"""Which columns of a file are the key, the time and the features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from stream_rcf.core.aggregates import COUNT, FORMS, paths_of
from stream_rcf.errors import UsageError
from stream_rcf.pipeline.decode import EventSchema

KEY_COLUMN = "key"
TIMESTAMP_COLUMN = "timestamp"
LABEL_COLUMN = "label"  # in test data it holds the right answers, which the detector must not see
SAMPLE_ROWS = 100  # rows looked at to tell numbers from text; enough to get past a few bad ones


@dataclass(frozen=True)
class Columns:
    """The columns to read. ``features`` are columns too, unless they are aggregates over windows (``is_windowed``).

    No ``keys`` means that all rows are one series, no ``timestamp`` that rows have no time, no ``identity`` that none
    of them repeats another.
    """

    keys: tuple[str, ...]
    timestamp: str | None
    features: tuple[str, ...]
    identity: str = ""
    is_windowed: bool = False

    @property
    def paths(self) -> tuple[str, ...]:
        """The columns with the numbers."""
        return paths_of(self.features) if self.is_windowed else self.features

    @property
    def names(self) -> tuple[str, ...]:
        """Every column to read."""
        others = [name for name in (self.timestamp, self.identity) if name]
        return (*self.keys, *others, *self.paths)

    def schema(self, max_bytes: int, fills_missing: bool = False) -> EventSchema:
        """Return the same for the decoder."""
        timestamp = self.timestamp or ""
        counts = self.is_windowed and COUNT in self.features
        return EventSchema(self.keys, timestamp, self.paths, max_bytes, self.identity, fills_missing, counts)

    def __str__(self) -> str:
        key = f"key {' + '.join(self.keys)}" if self.keys else "one series"
        time = f"timestamp {self.timestamp}" if self.timestamp else "no timestamp"
        return f"{key}, {time}, features {', '.join(self.features)}"


@dataclass(frozen=True)
class Wanted:
    """What the user asked for; None where the choice is left to the file. ``identity``: empty for none.

    ``is_windowed``: the features are aggregates over windows, and not left to the file.
    """

    keys: tuple[str, ...] | None = None
    timestamp: str | None = None
    features: tuple[str, ...] | None = None
    identity: str = ""
    is_windowed: bool = False


@dataclass(frozen=True)
class Fields:
    """What a file offers.

    ``numeric``: its columns, and whether each mostly holds numbers. ``holds``: whether a path leads to one.
    """

    name: str
    numeric: Mapping[str, bool]
    holds: Callable[[str], bool]


def choose_columns(wanted: Wanted, fields: Fields) -> Columns:
    """Fill in what was not asked for.

    Raises ``UsageError`` where a column is not there, or where there is no numeric one to watch.
    """
    keys = wanted.keys
    if keys is None:
        keys = (KEY_COLUMN,) if fields.holds(KEY_COLUMN) else ()
    timestamp = wanted.timestamp
    if timestamp is None and fields.holds(TIMESTAMP_COLUMN):
        timestamp = TIMESTAMP_COLUMN
    features = wanted.features
    if features is None and wanted.is_windowed:
        raise UsageError(f"with events.window_seconds name what to watch by --features: {FORMS}")
    if features is None:
        others = {*keys, timestamp, wanted.identity, LABEL_COLUMN}
        features = tuple(name for name, numeric in fields.numeric.items() if numeric and name not in others)
        if not features:
            raise UsageError(
                f"{fields.name}: no numeric column to watch among {_listed(fields)}; name one by --features"
            )
    columns = Columns(keys, timestamp, features, wanted.identity, wanted.is_windowed)
    require_columns(columns, fields)
    return columns


def require_times(columns: Columns, name: str) -> None:
    """Raise ``UsageError`` where windows need times that the rows do not have."""
    if columns.is_windowed and columns.timestamp is None:
        raise UsageError(f"{name}: windows are of event time; name the rows' time by --timestamp")


def require_columns(columns: Columns, fields: Fields) -> None:
    """Raise ``UsageError`` naming every column that the file does not have."""
    missing = [name for name in columns.names if not fields.holds(name)]
    if missing:
        raise UsageError(f"{fields.name}: no column {', '.join(missing)}; it has {_listed(fields)}")


def _listed(fields: Fields) -> str:
    return ", ".join(fields.numeric) or "none"


def mostly(tests: Sequence[bool]) -> bool:
    """Tell whether more than half hold: a column of numbers stays one in spite of a few bad cells."""
    return 2 * sum(tests) > len(tests)
