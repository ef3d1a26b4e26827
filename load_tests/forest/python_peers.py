"""rrcf and river's HalfSpaceTrees as measured programs: ``python -m load_tests.forest.python_peers peer=rrcf ...``.

Run by an interpreter of its own (``peer_environment``), so it imports nothing of stream_rcf. Both see the same points
as our forest: shingles of the last records. Scores and learns every point.
"""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence

import numpy as np

from load_tests.forest.protocol import program_arguments, read_records, serve

VALUE_LIMITS = (
    -2.0,
    7.0,
)  # between which the wave, its noise and its spikes lie; HalfSpaceTrees wants to know


class Peer(ABC):
    """Answers the protocol's lines for one key."""

    def __init__(self, given: dict[str, str]) -> None:
        self._features = int(given["dimensions"])
        self._shingle: deque[np.ndarray] = deque(maxlen=int(given["shingle_size"]))
        self._records = np.empty((0, 1, self._features), np.float32)

    def load(self, words: Sequence[str]) -> str:
        """``load R``."""
        self._records = read_records(int(words[0]), 1, self._features)
        return "loaded"

    def learn(self, _words: Sequence[str]) -> str:
        """``learn``."""
        for point in self._points():
            self.learn_point(point)
        return "learned"

    def turn(self, _words: Sequence[str]) -> float:
        """``turn``."""
        points = self._points()
        began = time.perf_counter()
        total = sum(self.score_and_learn_point(point) for point in points)
        seconds = time.perf_counter() - began
        if not total > 0.0:
            raise RuntimeError(f"the scores add up to {total}")
        return seconds

    @abstractmethod
    def learn_point(self, point: np.ndarray) -> None:
        """Learn a point."""

    @abstractmethod
    def score_and_learn_point(self, point: np.ndarray) -> float:
        """Score and learn a point."""

    def _points(self) -> list[np.ndarray]:
        points = []
        for record in self._records[:, 0].astype(np.float64):
            self._shingle.append(record)
            if len(self._shingle) == self._shingle.maxlen:
                points.append(np.concatenate(self._shingle))
        return points


class RobustRandomCutForest(Peer):
    """rrcf as its documentation streams: each tree holds the last points, and a point's CoDisp is its score."""

    def __init__(self, given: dict[str, str]) -> None:
        super().__init__(given)
        import rrcf

        np.random.seed(0)  # what rrcf draws from
        self._sample_size = int(given["sample_size"])
        self._trees = [rrcf.RCTree() for _ in range(int(given["trees"]))]
        self._seen = 0

    def learn_point(self, point: np.ndarray) -> None:
        """The oldest point goes when the window is full."""
        for tree in self._trees:
            if len(tree.leaves) >= self._sample_size:
                tree.forget_point(self._seen - self._sample_size)
            tree.insert_point(point, index=self._seen)
        self._seen += 1

    def score_and_learn_point(self, point: np.ndarray) -> float:
        """A CoDisp needs the point in the tree."""
        self.learn_point(point)
        newest = self._seen - 1
        return float(sum(tree.codisp(newest) for tree in self._trees)) / len(self._trees)


class HalfSpaceTrees(Peer):
    """river's, told the data's limits so that it need not scale them."""

    def __init__(self, given: dict[str, str]) -> None:
        super().__init__(given)
        from river import anomaly

        coordinates = self._features * int(given["shingle_size"])
        self._model = anomaly.HalfSpaceTrees(
            n_trees=int(given["trees"]),
            window_size=int(given["sample_size"]),
            limits=dict.fromkeys(range(coordinates), VALUE_LIMITS),
            seed=0,
        )

    def learn_point(self, point: np.ndarray) -> None:
        """As a mapping, river's form."""
        self._model.learn_one(dict(enumerate(point.tolist())))

    def score_and_learn_point(self, point: np.ndarray) -> float:
        """The score is of the windows before."""
        coordinates = dict(enumerate(point.tolist()))
        score = float(self._model.score_one(coordinates))
        self._model.learn_one(coordinates)
        return score


PEERS: dict[str, type[Peer]] = {"rrcf": RobustRandomCutForest, "river": HalfSpaceTrees}


def main() -> None:
    """Serve until the input ends."""
    given = program_arguments()
    peer = PEERS[given["peer"]](given)
    serve({"load": peer.load, "learn": peer.learn, "turn": peer.turn})


if __name__ == "__main__":
    sys.exit(main())
