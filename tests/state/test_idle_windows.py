"""Keys whose state is let go while they are idle: what their windows give is what it would have been."""

from __future__ import annotations

from dataclasses import replace

from stream_rcf.core.reasons import Reason
from stream_rcf.pipeline.events import Event
from stream_rcf.state.idle_keys import let_go_of_idle
from stream_rcf.state.key_table import KeyTable
from stream_rcf.state.saved_keys import SavedKeys
from tests.pipeline.window_support import PARAMETERS, WINDOW_MS, Record, records_of
from tests.state.test_idle_keys import FAR, save

PAUSE = 60_000
RETIRING = replace(PARAMETERS, retire_after_ms=PAUSE)
# A key that has records; and one that has none, but an open window with many values.
BEFORE = [
    *(Event("idle", 900 * i, (float(i * 7 % 5),), i + 1) for i in range(2000)),
    *(Event("short", i, (1.5**i,), i + 1) for i in range(200)),
]
BUSY = [Event("busy", 10**8 + 500 * i, (1.0,)) for i in range(60)]
AFTER = [Event(key, 10**8 + 900 * i, (float(i % 3),)) for i in range(100) for key in ("idle", "short")]


def records(let_go: bool) -> tuple[list[Record], int]:
    table, saved = KeyTable(RETIRING), SavedKeys()
    records_of(RETIRING, BEFORE, table)
    save(table, saved)
    records_of(RETIRING, BUSY, table)
    gone = let_go_of_idle(table, saved, FAR) if let_go else 0
    return records_of(RETIRING, AFTER, table)[0], gone


def test_what_follows_is_the_same() -> None:
    kept, _ = records(let_go=False)
    found, gone = records(let_go=True)
    assert gone == 2
    assert found == kept
    first = {key: next(record for record in found if record.key == key) for key in ("idle", "short")}
    assert [first[key].reason for key in first] == [Reason.IDLE_KEY_RETIRED] * 2
    assert first["idle"].start >= 10**8 - WINDOW_MS, "the window that was open is gone"
