"""A consistent cut: every key's state at one moment, taken while the stream goes on.

The keys to save are fixed when the cut begins. A key about to change is copied first; the others are copied a few at a
time between batches, and all are packed elsewhere, by who writes the checkpoint. So the cut costs no pause, and each
frame still is the state at the moment of the cut.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from stream_rcf.state.snapshot import Snapshot

MOST_COPIED_BYTES = 256 * 2**20  # of one cut: about a thousand fully grown keys of the default forest
MEMORY_SHARE = 16  # and never more than one part in so many of the memory that the keys may take


class ConsistentCut:
    """The keys of one partition as they were when the cut began.

    ``copy`` gives a snapshot of a key as it is now, ``pack`` a smaller one, and slowly; one of them is called once per
    key, before the key changes. Copies of changed keys wait here until they are taken: up to ``most_copied_bytes``,
    beyond which keys about to change are packed.
    """

    def __init__(
        self,
        keys: Iterable[str],
        copy: Callable[[str], Snapshot],
        pack: Callable[[str], Snapshot],
        most_copied_bytes: int = MOST_COPIED_BYTES,
    ) -> None:
        self.keys = tuple(keys)
        self._most_copied_bytes = most_copied_bytes
        self._pending = dict.fromkeys(self.keys)
        self._copy = copy
        self._pack = pack
        self._copied: deque[tuple[str, Snapshot]] = deque()
        self._copied_bytes = 0

    def before_change(self, key: str) -> None:
        """Copy ``key`` if the cut still needs it. To be called before each change of a key."""
        if key in self._pending:
            take = self._copy if self._copied_bytes < self._most_copied_bytes else self._pack
            snapshot = take(key)
            self._copied.append((key, snapshot))
            self._copied_bytes += snapshot.size
            del self._pending[key]

    def take(self, most: int) -> list[tuple[str, Snapshot]]:
        """The next keys, at most ``most``, and first those that are copied already."""
        while self._pending and len(self._copied) < most:
            self.before_change(next(iter(self._pending)))
        taken = [self._copied.popleft() for _ in range(min(most, len(self._copied)))]
        self._copied_bytes -= sum(snapshot.size for _, snapshot in taken)
        return taken

    @property
    def has_pending(self) -> bool:
        """Whether some keys must still be copied before they change."""
        return bool(self._pending)

    @property
    def is_complete(self) -> bool:
        """Whether every key has been copied and taken."""
        return not self._pending and not self._copied
