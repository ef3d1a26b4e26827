"""The naive forecasts that a forest's must beat: as just now, and as a period ago."""

from __future__ import annotations

import numpy as np

FOREST, LAST_VALUE, SEASONAL = "forest", "last_value", "seasonal"


class NaivePeers:
    """The last value, and with a ``period`` the value at the same place of the last period, for every step.

    ``period``: in records, None for none.
    """

    def __init__(self, period: int | None, dimensions: int) -> None:
        self._is_seasonal = period is not None
        self.names = (LAST_VALUE, SEASONAL) if self._is_seasonal else (LAST_VALUE,)
        self.recent: np.ndarray = np.zeros(
            (period or 1, dimensions), np.float64
        )  # record number i at i % its length

    def is_ready(self, seen: int) -> bool:
        """Whether a whole period is known, ``seen`` records having been learned."""
        return seen >= len(self.recent)

    def learn(self, seen: int, record: np.ndarray) -> None:
        """Take in ``record`` (dimensions,) as number ``seen``, from 0."""
        self.recent[seen % len(self.recent)] = record

    def forecast(self, seen: int, horizon: int) -> np.ndarray:
        """(peers, horizon, dimensions): what each says of the records after the first ``seen``."""
        results = np.empty((len(self.names), horizon, self.recent.shape[1]), np.float64)
        results[0] = self.recent[(seen - 1) % len(self.recent)]
        if self._is_seasonal:
            results[1] = self.recent[np.arange(seen, seen + horizon) % len(self.recent)]
        return results
