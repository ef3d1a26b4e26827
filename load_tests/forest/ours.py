"""Our forest as a measured program: ``python -m load_tests.forest.ours trees=50 sample_size=256 ... keys=1``.

One key is the library's ``process_many``; many keys, or ``keyed=1``, are a key table and kernel calls of a thousand
events. Lines of its own: ``turn T`` takes T threads; ``bytes memory``, ``bytes resident``, ``bytes saved``: per key.
``traced=1`` is for ``memory``: it slows what is measured.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence

import numpy as np

from load_tests.forest.our_forests import ManyKeys, OneForest
from load_tests.forest.protocol import program_arguments, read_records, serve
from stream_rcf.core.parameters import DetectorParameters, ForestParameters
from stream_rcf.state.allocation import return_large_blocks


class Program:
    """Answers the protocol's lines with one forest or with many."""

    def __init__(self, given: dict[str, str]) -> None:
        self._keys, self._features = int(given["keys"]), int(given["dimensions"])
        forest = ForestParameters(
            int(given["trees"]), int(given["sample_size"]), self._features, int(given["shingle_size"])
        )
        names = tuple(f"feature_{number}" for number in range(self._features))
        self._forests = (
            ManyKeys(DetectorParameters(names, forest), self._keys)
            if self._keys > 1 or "keyed" in given
            else OneForest(forest)
        )
        self._records = np.empty((0, self._keys, self._features), np.float32)

    def load(self, words: Sequence[str]) -> str:
        """``load R``."""
        self._records = read_records(int(words[0]), self._keys, self._features)
        return "loaded"

    def learn(self, _words: Sequence[str]) -> str:
        """``learn``."""
        self._forests.learn(self._records)
        return "learned"

    def turn(self, words: Sequence[str]) -> float:
        """``turn`` or ``turn THREADS``."""
        return self._forests.turn(self._records, int(words[0]) if words else 1)

    def bytes_per_key(self, words: Sequence[str]) -> int:
        """``bytes memory``, ``bytes resident``, ``bytes saved``: a method of the forests."""
        self._records = self._records[:0].copy()  # it must not be counted
        return int(getattr(self._forests, words[0])())


def main() -> None:
    """Serve until the input ends."""
    return_large_blocks()  # as the service does
    given = program_arguments()
    if "traced" in given:
        tracemalloc.start()
    program = Program(given)
    serve(
        {"load": program.load, "learn": program.learn, "turn": program.turn, "bytes": program.bytes_per_key}
    )


if __name__ == "__main__":
    main()
