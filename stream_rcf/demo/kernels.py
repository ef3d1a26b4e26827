"""Whether the kernels are compiled already, to tell a user beforehand why a first start takes longer."""

from __future__ import annotations

from stream_rcf.core.kernel_cache import cache_folder


def are_kernels_compiled() -> bool:
    """Whether the cache holds kernels of this version. A guess: perhaps not all of them, or for another processor."""
    return next(cache_folder().glob("*.nbi"), None) is not None
