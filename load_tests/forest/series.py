"""The records that all implementations see: for each key a wave with noise and a few spikes, without an end."""

from __future__ import annotations

import numpy as np

from load_tests.workload import PERIOD, SPIKES

NOISE = 0.1  # standard deviation; the wave's amplitude is 1
SPIKE = 5.0  # added to a value
LEVEL = 10.0  # between one key and the next
LAG = 5.0  # events by which a feature's wave lies behind the one before


class Series:
    """The records of ``keys`` keys with ``features`` numbers each, the same for the same seed."""

    def __init__(self, features: int, keys: int = 1, seed: int = 20261125) -> None:
        self._features = features
        self._keys = keys
        self._random = np.random.default_rng(seed)
        self._position = 0

    def take(self, rounds: int) -> np.ndarray:
        """The next ``rounds`` records of every key: (rounds, keys, features) float32."""
        shape = (rounds, self._keys, self._features)
        event = np.arange(self._position, self._position + rounds, dtype=np.float64)
        self._position += rounds
        phase = event[:, None] - LAG * np.arange(self._features)[None, :]
        values = NOISE * self._random.standard_normal(shape, np.float32)
        values += np.sin(2.0 * np.pi * phase / PERIOD)[:, None, :].astype(np.float32)
        values += SPIKE * (self._random.random(shape, np.float32) < SPIKES)
        values += LEVEL * np.arange(self._keys, dtype=np.float32)[None, :, None]
        return values.astype(np.float32)
