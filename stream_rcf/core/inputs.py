"""What people hand to a forest, as the kernels take it: float64 rows of the right length, finite in float32."""

from __future__ import annotations

from typing import Any

import numpy as np

from stream_rcf.errors import UsageError


def checked_rows(x: Any, dimensions: int) -> np.ndarray:
    """``x`` (n, dimensions), or (n,) for one dimension, as (n, dimensions) float64. Raises ``UsageError``."""
    rows = np.ascontiguousarray(x, np.float64)
    if rows.ndim == 1 and dimensions == 1:
        rows = rows.reshape(-1, 1)
    if rows.ndim != 2 or rows.shape[1] != dimensions:
        raise UsageError(f"x has shape {np.shape(x)}, but must be (n, {dimensions})")
    require_float32(rows)
    return rows


def checked_row(point: Any, dimensions: int) -> np.ndarray:
    """One record as (dimensions,) float64. Raises ``UsageError``."""
    row = np.ascontiguousarray(point, np.float64).reshape(-1)
    if row.shape[0] != dimensions:
        raise UsageError(f"a point has {row.shape[0]} values, but must have {dimensions}")
    require_float32(row)
    return row


def require_float32(values: np.ndarray) -> None:
    """Raise ``UsageError`` unless every value is finite once rounded to float32."""
    with np.errstate(over="ignore"):
        finite = np.isfinite(values.astype(np.float32))
    if not finite.all():
        raise UsageError(f"{values[~finite].flat[0]} is not a finite 32-bit number; a forest cannot learn it")
