"""What a key keeps for its forecasts as bytes, and back: the arrays as they stand in memory, without what is empty.

In this order, 8 bytes a number, little endian: since which record there was no gap; how many truths each step had, and
how many of them with bands; when each forecast put aside was made, and whether with a band; the last records; the
errors that are known; levels and measurements; what the forecasts put aside said, and their bands. Nothing of a key
without events.
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.forecast_section import ForecastSection
from stream_rcf.core.layout import EVENTS_SEEN
from stream_rcf.errors import CheckpointError


def write_forecasts(block: KeyBlock) -> bytes:
    """The bytes of a block's section for forecasts; none where nothing is forecast."""
    if block.model.forecast.bytes == 0 or int(block.header()[EVENTS_SEEN]) == 0:
        return b""
    section = ForecastSection(block.model)
    section.open_block(block)
    arrays = (*_counts(section), *_numbers(section, int(block.header()[EVENTS_SEEN])))
    return b"".join(array.tobytes() for array in arrays)


def read_forecasts(block: KeyBlock, data: memoryview) -> int:
    """Read what ``write_forecasts`` wrote at the beginning of ``data`` into a block whose state words are set.

    Returns how many bytes that were. Raises ``CheckpointError`` for anything that events could not have left.
    """
    seen = int(block.header()[EVENTS_SEEN])
    if block.model.forecast.bytes == 0 or seen == 0:
        return 0
    section = ForecastSection(block.model)
    section.open_block(block)
    section.begin()
    at = _fill(_counts(section), data, 0)
    _require(bool((section.calibration.compared >= 0).all()))  # what is read next hangs on it
    at = _fill(_numbers(section, seen), data, at)
    inside = section.calibration.inside
    _require(section.is_sound(seen) and bool(((inside >= 0.0) & (inside <= 1.0)).all()))
    return at


def _counts(section: ForecastSection) -> list[np.ndarray]:
    """What says how much there is of the others."""
    calibration, checks = section.calibration, section.checks
    return [section.unbroken_since, calibration.compared, calibration.judged, checks.made_at, checks.has_band]


def _numbers(section: ForecastSection, seen: int) -> list[np.ndarray]:
    """Views of what there is of the others, after ``seen`` records; those of the counts must be set."""
    calibration, checks = section.calibration, section.checks
    known = min(int(calibration.compared.max()), calibration.errors.shape[1])
    put = np.flatnonzero(checks.made_at >= 0).tolist()
    return [
        section.peers.recent[:seen],
        calibration.errors[:, :known],
        *(
            calibration.level,
            calibration.absolute_error,
            calibration.bias,
            calibration.inside,
            calibration.width,
        ),
        *(checks.candidates[slot] for slot in put),
        *(checks.given[slot] for slot in put if checks.has_band[slot] == 1),
    ]


def _fill(arrays: list[np.ndarray], data: memoryview, at: int) -> int:
    """Fill ``arrays`` one after the other from ``data``, from byte ``at`` on; the byte where that ends."""
    for array in arrays:
        end = at + array.nbytes
        _require(end <= len(data))
        numbers = np.frombuffer(data[at:end], array.dtype)
        _require(bool(np.isfinite(numbers).all()))
        array[...] = numbers.reshape(array.shape)
        at = end
    return at


def _require(condition: bool) -> None:
    if not condition:
        raise CheckpointError("a key's state is damaged: its forecasts are none that events could have left")
