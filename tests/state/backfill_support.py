"""What the tests of backfills share: a store in memory, one written from states, its objects."""

from __future__ import annotations

from collections.abc import Mapping

from stream_rcf.state.backfill_document import BackfillDocument
from stream_rcf.state.backfill_store import FOLDER, BackfillStore
from stream_rcf.state.backfill_writer import BackfillWriter
from stream_rcf.state.objects import Objects
from stream_rcf.state.saved_keys import SavedKeys
from stream_rcf.state.segments import SavedKey
from tests.state.support import FINGERPRINT, NOW
from tests.support.memory_objects import MemoryObjects

SETTINGS = {"forest.trees": "4"}


def backfill_store(objects: Objects | None = None) -> BackfillStore:
    """A store whose clock stands still."""
    return BackfillStore(objects or MemoryObjects(), clock=lambda: NOW)


def begin_backfill(
    store: BackfillStore,
    states: Mapping[str, bytes],
    *,
    fingerprint: str = FINGERPRINT,
    settings: Mapping[str, str] = SETTINGS,
    last_event: int = 0,
    replace: bool = False,
) -> BackfillWriter:
    """A backfill of these keys, all of it but ``finish``."""
    writer = BackfillWriter(store, fingerprint, settings, replace=replace)
    for key, payload in states.items():
        writer.append(SavedKey(key, payload, last_event))
    return writer


def write_backfill(store: BackfillStore, states: Mapping[str, bytes], **heading) -> BackfillDocument:
    """Write one backfill; what it says beside ``states`` as for ``begin_backfill``."""
    return begin_backfill(store, states, **heading).finish()


def read_backfill(store: BackfillStore) -> dict[str, bytes]:
    """All keys of the newest backfill, every byte verified."""
    document = store.newest()
    assert document is not None
    store.verify(document)
    saved = SavedKeys(store.indexes(document))
    states: dict[str, bytes] = {}
    for key in saved.newest_first():
        frame = saved.frame(key)
        (states[key],) = store.payloads(frame.segment, [frame.row])
    assert len(states) == document.keys
    return states


def backfill_objects(store: BackfillStore) -> list[str]:
    """The names of its objects, sorted."""
    return sorted(store.objects.list(FOLDER))
