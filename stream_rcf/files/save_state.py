"""What ``stream-rcf score --save-state`` keeps: every key's model as it is after the last row, for the service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from stream_rcf.core.parameters import DetectorParameters
from stream_rcf.errors import UsageError
from stream_rcf.state.backfill_document import BackfillDocument
from stream_rcf.state.backfill_store import BackfillStore
from stream_rcf.state.backfill_writer import BackfillWriter
from stream_rcf.state.key_table import KeyTable
from stream_rcf.state.model_settings import model_settings
from stream_rcf.state.segments import SavedKey

BYTES_PER_MEGABYTE = 10**6
MOST_SHOWN_MS = 253_402_300_799_999  # the last moment of the year 9999, beyond which no date is written


@dataclass(frozen=True)
class StateTarget:
    """Where the models of a stream are saved; ``url`` is for messages. ``replace``: also where some are already."""

    store: BackfillStore
    url: str
    replace: bool = False


@contextmanager
def saving_state(
    target: StateTarget, parameters: DetectorParameters, *, is_timed: bool
) -> Iterator[BackfillWriter]:
    """A writer for the keys of one stream; what is not finished when the block ends is removed.

    Raises ``UsageError`` before anything is scored where the place is taken, and where the models would be worth
    nothing: rows without a time (``is_timed``) let every key look idle for decades.
    """
    if not is_timed and parameters.retire_after_ms:
        raise UsageError(
            "--save-state needs the rows' times where keys.retire_after_seconds is set: without them every key begins"
            " anew with its first live event; name their column by --timestamp"
        )
    writer = BackfillWriter(
        target.store, parameters.fingerprint(), model_settings(parameters), replace=target.replace
    )
    try:
        yield writer
    finally:
        writer.abandon()


def save_keys(table: KeyTable, writer: BackfillWriter) -> BackfillDocument:
    """Save every key of the table, a few at a time in memory, and make that a backfill."""
    for key in list(table.keys()):
        snapshot = table.snapshot(key)
        writer.append(SavedKey(key, snapshot.pack(), snapshot.last_event))
    return writer.finish()


def saved_sentence(document: BackfillDocument, url: str, *, is_timed: bool) -> str:
    """What was saved, and how to go on from it."""
    keys = "1 key" if document.keys == 1 else f"{document.keys} keys"
    parts = [
        f"saved state: {keys}, {document.bytes / BYTES_PER_MEGABYTE:.1f} MB in {url}",
        f"fingerprint {document.fingerprint}",
    ]
    if is_timed and document.keys:
        parts.append(f"latest event {_moment(document.latest_event)}")
    sentence = ", ".join(parts) + "; the service goes on from it with checkpoint.backfill_url"
    if not is_timed:
        sentence += (
            ". The rows have no times, so the service cannot tell which events of its topic they were: let it begin"
            " behind them, by kafka.start_from=latest or on a topic without them"
        )
    return sentence


def _moment(timestamp: int) -> str:
    if not 0 <= timestamp <= MOST_SHOWN_MS:
        return f"{timestamp} ms"
    return datetime.fromtimestamp(timestamp / 1000, UTC).isoformat(timespec="milliseconds")
