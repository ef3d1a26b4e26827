"""A forecaster as bytes, and back.

Layout, little endian: prefix (magic, format version, settings, length of the forest); the forest as it saves itself;
the limits; every array of the state; a CRC-32 of all that.
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

import numpy as np

from stream_rcf.core.forecast_model import state_bytes
from stream_rcf.core.forecast_parameters import ForecastParameters
from stream_rcf.core.forest import RandomCutForest
from stream_rcf.errors import CheckpointError, UsageError

MAGIC = b"RCFF"
FORMAT_VERSION = 1
# Magic, version, horizon, period (0 for none), error memory, calibrate every, coverage, bytes of the forest.
PREFIX = struct.Struct("<4s5idq")
CHECKSUM = struct.Struct("<I")


class SavedForecaster(NamedTuple):
    """What ``write_forecaster`` wrote; the arrays of the state are still bytes."""

    parameters: ForecastParameters
    forest: RandomCutForest
    limits: np.ndarray
    state: bytes

    def fill(self, arrays: list[np.ndarray]) -> None:
        """Fill ``arrays``, of the shapes they were written with. Raises ``CheckpointError``."""
        start = 0
        for array in arrays:
            part = np.frombuffer(self.state, array.dtype, array.size, start)
            if not np.isfinite(part).all():
                raise CheckpointError("a saved Forecaster is damaged: a number is not finite")
            array[...] = part.reshape(array.shape)
            start += array.nbytes


def write_forecaster(
    parameters: ForecastParameters, forest: RandomCutForest, limits: np.ndarray, arrays: list[np.ndarray]
) -> bytes:
    """All of it as bytes."""
    saved = forest.to_bytes()
    prefix = PREFIX.pack(
        MAGIC,
        FORMAT_VERSION,
        parameters.horizon,
        parameters.period or 0,
        parameters.error_memory,
        parameters.calibrate_every,
        parameters.coverage,
        len(saved),
    )
    body = b"".join([prefix, saved, limits.tobytes(), *(array.tobytes() for array in arrays)])
    return body + CHECKSUM.pack(zlib.crc32(body))


def read_forecaster(data: bytes) -> SavedForecaster:
    """What the bytes say, once they are known to be whole. Raises ``CheckpointError``."""
    if len(data) < PREFIX.size + CHECKSUM.size or data[: len(MAGIC)] != MAGIC:
        raise CheckpointError("these bytes are not a saved Forecaster")
    body = data[: -CHECKSUM.size]
    _, version, horizon, period, memory, every, coverage, forest_bytes = PREFIX.unpack_from(body)
    if version != FORMAT_VERSION:
        raise CheckpointError(
            f"a saved Forecaster has format version {version}; this program reads version {FORMAT_VERSION}"
        )
    if CHECKSUM.unpack(data[-CHECKSUM.size :])[0] != zlib.crc32(body):
        raise CheckpointError("a saved Forecaster is damaged: its checksum does not match")
    try:
        parameters = ForecastParameters(horizon, coverage, period or None, memory, every)
    except UsageError as error:
        raise CheckpointError(f"a saved Forecaster is damaged: {error}") from None
    end = PREFIX.size + forest_bytes
    if not PREFIX.size <= end <= len(body):
        raise CheckpointError("a saved Forecaster is damaged: its forest is cut off")
    forest = RandomCutForest.from_bytes(body[PREFIX.size : end])
    dimensions = forest.parameters.dimensions
    state = end + 2 * dimensions * 8
    if len(body) - state != state_bytes(parameters, dimensions):
        raise CheckpointError(
            "a saved Forecaster is damaged: its state has another length than its settings ask for"
        )
    limits = np.frombuffer(body, np.float64, 2 * dimensions, end).reshape(2, dimensions)
    return SavedForecaster(parameters, forest, limits, body[state:])
