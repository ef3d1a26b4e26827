"""``RandomCutForest`` for river: ``learn_one`` and ``score_one``, in pipelines beside river's own detectors."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

try:
    from river.base import AnomalyDetector
except ImportError as error:
    raise ImportError(
        "stream_rcf.river takes river 0.26 or newer: pip install 'stream-rcf[river]'", name="river"
    ) from error

from stream_rcf.core.forest import RandomCutForest as CoreForest
from stream_rcf.core.parameters import ForestParameters
from stream_rcf.errors import UsageError


class RandomCutForest(AnomalyDetector):
    """A streaming random cut forest with internal shingling, as river's anomaly detectors are used.

    A high score is an anomaly. It is 0 until about ``max(sample_size / 4, shingle_size)`` records are learned; then
    above 0, about 1 for an ordinary record, ``log2(sample_size + 1)`` (8 for 256) at the most. Features count by
    their spread, so put a ``StandardScaler`` before it where their units differ.

    ``score_one(x)`` scores ``x`` as the record that comes next and changes nothing; ``learn_one(x)`` learns it. With a
    ``shingle_size`` above 1 a point is the last records together: only ``learn_one`` moves on to the next.

    **Features** are numbers under any names, in any order. Which ones is settled by ``features``, or else by the first
    record learned; those that emerge later are passed over, as river's ``HalfSpaceTrees`` does. One that is missing,
    ``None`` or NaN keeps the value that was learned last, 0 before the first. Anything that is not a finite 32-bit
    number raises ``UsageError`` and changes nothing: select or encode it before.

    ``trees``, ``sample_size``: how many trees, of how many sampled points. ``time_decay``: per record, ``None`` for
    ``1 / (10 * sample_size)``. ``seed``: the same seed and records give the same scores, bit for bit, also through
    pickle and ``copy.deepcopy``. ``initial_accept_fraction``: see ``ForestParameters``. ``shingle_size`` is 1 by
    default: river's records need not be a series.
    """

    def __init__(
        self,
        features: Sequence[Hashable] | None = None,
        shingle_size: int = 1,
        trees: int = 50,
        sample_size: int = 256,
        time_decay: float | None = None,
        seed: int = 0,
        initial_accept_fraction: float = 1.0,
    ) -> None:
        if isinstance(features, str):
            raise UsageError(
                f'features is the string {features!r}, but must be a list of names: ["{features}"]'
            )
        self.features = features
        self.shingle_size = shingle_size
        self.trees = trees
        self.sample_size = sample_size
        self.time_decay = time_decay
        self.seed = seed
        self.initial_accept_fraction = initial_accept_fraction
        # Each feature with the value learned last, in the order of the forest's dimensions; empty until it is settled.
        self._latest: dict[Hashable, float] = _in_order(features or ())
        self._forest: CoreForest | None = None
        ForestParameters(  # refuses what is out of range here, not at the first record
            trees,
            sample_size,
            len(self._latest) or 1,
            shingle_size,
            time_decay,
            seed,
            initial_accept_fraction,
        )

    def learn_one(self, x: dict[Hashable, Any]) -> None:
        """Learn ``x`` as the next record. A record without features, where none are settled yet, is passed over."""
        latest = self._completed(x)
        if not latest:
            return
        forest = self._forest or CoreForest(
            len(latest),
            self.shingle_size,
            self.trees,
            self.sample_size,
            self.time_decay,
            self.seed,
            self.initial_accept_fraction,
        )
        forest.update(list(latest.values()))
        self._forest, self._latest = forest, latest

    def score_one(self, x: dict[Hashable, Any]) -> float:
        """Score ``x`` as the next record: higher is more anomalous, 0 while there is no score yet. Changes nothing."""
        if self._forest is None:
            return 0.0
        return self._forest.score(list(self._completed(x).values()))

    def _completed(self, x: dict[Hashable, Any]) -> dict[Hashable, float]:
        """The value of each feature, those that ``x`` lacks as they were last."""
        latest = self._latest or _in_order(x)
        return {name: _number(name, x.get(name), before) for name, before in latest.items()}


def _in_order(names: Iterable[Hashable]) -> dict[Hashable, float]:
    """The names, each with 0, in an order that does not hang on that of a record, whatever their types."""
    return dict.fromkeys(sorted(names, key=lambda name: (str(name), type(name).__name__)), 0.0)


def _number(name: Hashable, value: Any, before: float) -> float:
    """The feature's value as a number; ``before`` where it is missing."""
    if value is None:
        return before
    if not isinstance(value, str | bytes):  # "1" would pass for a number
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            pass
        else:
            return before if math.isnan(number) else number
    raise UsageError(
        f"the feature {name!r} is {value!r}, but must be a 32-bit number: select numeric features before the forest, "
        "or encode the others"
    )
