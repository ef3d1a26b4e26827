"""What a key keeps for its forecasts: in its block, before the open windows, so that it goes wherever the key goes.

One word says since which record the records follow one another without a gap; then come the arrays of
forecast_naive.py, forecast_calibration.py and forecast_checks.py. All are of a size that the settings give, and mean
nothing until the key has had its first event.
"""

from __future__ import annotations

import math

import numpy as np

from stream_rcf.core.block import KeyBlock, copy_block
from stream_rcf.core.forecast_calibration import Calibration
from stream_rcf.core.forecast_checks import Checks
from stream_rcf.core.forecast_model import parameters_of
from stream_rcf.core.forecast_naive import FOREST, NaivePeers
from stream_rcf.core.model import Model


class ForecastSection:
    """The parts of a ``Forecaster`` but its forest, as they lie in the block that was opened last.

    Made once for each thread: ``open_block`` costs views, not copies.
    """

    def __init__(self, model: Model) -> None:
        self.parameters = parameters_of(model.forecast)
        self.peers = NaivePeers(self.parameters.period, model.dimensions)
        methods = len((FOREST, *self.peers.names))
        self.calibration = Calibration(self.parameters, methods, model.forecast.limits)
        self.checks = Checks(self.parameters, methods, model.dimensions)
        self.unbroken_since: np.ndarray = np.zeros(1, np.int64)  # the number of a record, from 0
        self._places: list[tuple[int, int, type[np.generic], tuple[int, ...]]] = []
        start = 0
        for array in self.arrays():
            size = 8 * math.prod(array.shape)
            self._places.append((start, start + size, array.dtype.type, array.shape))
            start += size

    def arrays(self) -> list[np.ndarray]:
        """All of it, in the order in which it lies in the block."""
        return [self.unbroken_since, self.peers.recent, *self.calibration.arrays(), *self.checks.arrays()]

    def open_block(self, block: KeyBlock) -> None:
        """Be the views of ``block``, which must not grow while they are used."""
        content = block.forecast_section()
        views = [content[start:end].view(kind).reshape(shape) for start, end, kind, shape in self._places]
        of_checks = len(views) - len(self.checks.arrays())
        self.unbroken_since, self.peers.recent = views[:2]
        self.calibration.lie_in(views[2:of_checks])
        self.checks.lie_in(views[of_checks:])

    def begin(self) -> None:
        """Know nothing: the key has its first event."""
        self.unbroken_since[0] = 0
        self.peers.recent[...] = 0.0
        self.calibration.begin()
        self.checks.begin()

    def begin_after_gap(self, seen: int) -> None:
        """Let no forecast be compared across the gap before the record number ``seen``, nor a period span it."""
        self.unbroken_since[0] = seen
        self.checks.begin()

    def is_sound(self, seen: int) -> bool:
        """Whether the state is one that ``seen`` records, at least one, can have led to."""
        return (
            0 <= int(self.unbroken_since[0]) < seen
            and self.calibration.is_sound(seen)
            and self.checks.is_sound(seen)
            and bool((self.checks.made_at[self.checks.made_at >= 0] > self.unbroken_since[0]).all())
        )


def with_forecasts(block: KeyBlock, model: Model) -> KeyBlock:
    """A copy of ``block`` as a key that forecasts from now on; ``model`` is its own but for the forecasts."""
    copied = KeyBlock(model, 0, block.capacities())
    copy_block(block.address, copied.address, block.model)
    copied.count_headroom()
    section = ForecastSection(model)
    section.open_block(copied)
    section.begin()
    return copied
