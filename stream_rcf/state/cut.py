"""A consistent cut: every key's state at one moment, taken while the stream goes on.

The keys to save are fixed when the cut begins. A key about to change is packed first; the others are packed a few at a
time between batches. So the cut costs no pause, and each frame still is the state at the moment of the cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable


class ConsistentCut:
    """The keys of one partition as they were when the cut began.

    ``pack`` gives a key's bytes now; it is called once per key, before the key changes.
    """

    def __init__(self, keys: Iterable[str], pack: Callable[[str], bytes]) -> None:
        self.keys = tuple(keys)
        self._pending = dict.fromkeys(self.keys)
        self._pack = pack
        self._packed: list[tuple[str, bytes]] = []

    def before_change(self, key: str) -> None:
        """Pack ``key`` if the cut still needs it. To be called before each change of a key."""
        if key in self._pending:
            del self._pending[key]
            self._packed.append((key, self._pack(key)))

    def take(self, most: int) -> list[tuple[str, bytes]]:
        """What was packed since the last call, topped up to ``most`` keys."""
        while self._pending and len(self._packed) < most:
            self.before_change(next(iter(self._pending)))
        taken, self._packed = self._packed, []
        return taken

    @property
    def is_complete(self) -> bool:
        """Whether every key has been packed and taken."""
        return not self._pending and not self._packed
