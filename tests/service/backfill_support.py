"""What the tests of backfills in the service share: a history, the models after it, and a store that holds them."""

from __future__ import annotations

import time
from pathlib import Path

from stream_rcf.core.model import model_of
from stream_rcf.service.backfill import Backfill
from stream_rcf.state.backfill_store import BackfillStore
from stream_rcf.state.folder_objects import FolderObjects
from stream_rcf.state.model_settings import model_settings
from stream_rcf.state.segments import SavedKey
from tests.service.assignment_support import EVENTS
from tests.service.support import PARAMETERS, new_metrics, twin_of
from tests.state.backfill_support import begin_backfill
from tests.support.memory_objects import WatchedObjects

HISTORY = 80  # of EVENTS, in the backfill
MADE_AT = EVENTS[HISTORY - 1].timestamp + 500  # epoch ms: the next event comes half a second later


class SavedHistory:
    """A folder with the models after the first events, and what opens it."""

    def __init__(self, root: Path, history: int = HISTORY, made_at: int = MADE_AT) -> None:
        self.objects = WatchedObjects(FolderObjects(root))
        self.store = BackfillStore(self.objects, clock=lambda: made_at / 1000)
        self.metrics = new_metrics()
        twin = twin_of(EVENTS[:history])
        writer = begin_backfill(
            self.store,
            {},
            fingerprint=PARAMETERS.fingerprint(),
            settings=model_settings(PARAMETERS),
            replace=True,
        )
        for key in list(twin.keys()):
            snapshot = twin.snapshot(key)
            writer.append(SavedKey(key, snapshot.pack(), snapshot.last_event))
        writer.finish()

    def open(self) -> Backfill:
        document = self.store.newest()
        assert document is not None
        return Backfill(self.store, document, model_of(PARAMETERS), self.metrics, time.monotonic)
