"""Whether the kernels are compiled already, to tell a user beforehand why a first start takes longer."""

from __future__ import annotations

import os
from pathlib import Path

import stream_rcf.core


def are_kernels_compiled() -> bool:
    """Whether numba's cache holds kernels. A guess: they may belong to an older source, and are compiled anew then."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    folder = Path(chosen) if chosen else Path(stream_rcf.core.__path__[0]) / "__pycache__"
    return next(folder.rglob("*.nbi"), None) is not None
