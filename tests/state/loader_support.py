"""A checkpoint of two segments in a store that the test disturbs, and a loader that fetches its keys."""

from __future__ import annotations

import time

from stream_rcf.state.key_loader import Arrival, KeyLoader
from stream_rcf.state.key_table import KeyTable
from stream_rcf.state.saved_keys import SavedKeys
from tests.state.key_support import MODEL, PARAMETERS, learn, states, stream
from tests.state.support import PARTITION, open_saved, store_of, write_checkpoint
from tests.support.memory_objects import PATIENCE_SECONDS, MemoryObjects, WatchedObjects


class Scene:
    """A checkpoint of two segments, a loader, and waiting for what it does."""

    def __init__(self, keys: int = 6) -> None:
        self.objects = WatchedObjects(MemoryObjects())
        self.store = store_of(self.objects)
        twin = KeyTable(PARAMETERS)
        learn(twin, stream(40 * keys, keys=keys))
        self.states = states(twin)
        names = sorted(self.states)
        base = write_checkpoint(self.store, {name: self.states[name] for name in names[: keys // 2]})
        base = write_checkpoint(
            self.store, {name: self.states[name] for name in names[keys // 2 :]}, base=base
        )
        self.manifest = base
        self.saved: SavedKeys = open_saved(self.store, base)
        self.table = KeyTable(PARAMETERS)
        self.objects.calls.clear()
        self.loader = KeyLoader(self.store, MODEL)

    def load(self, table: KeyTable | None = None) -> list[str]:
        """Have all keys fetched, those saved last first; the order."""
        order = list(self.saved.newest_first())
        self.loader.load(
            PARTITION, self.table if table is None else table, [self.saved.frame(key) for key in order]
        )
        return order

    def wait_for(self, condition) -> None:
        """Ask as the loop does until what the loader does has made it true."""
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < give_up_at, "the loader hangs"
            time.sleep(0.001)

    def arrivals(self, count: int) -> list[Arrival]:
        found: list[Arrival] = []
        while len(found) < count:
            self.wait_for(lambda: self.loader._arrivals)
            found += self.loader.arrivals(count - len(found))
        return found

    def wait_until_idle(self) -> None:
        self.wait_for(lambda: not self.loader._loads)
