"""The one decorator of all kernels, so that no kernel can forget a flag."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core.dispatcher import Dispatcher
from numba.extending import intrinsic as numba_intrinsic

Function = TypeVar("Function", bound=Callable[..., Any])


def _source_stamp() -> str:
    """A digest of all kernels' sources."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode("utf-8") + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


SOURCE_STAMP = _source_stamp()


def _stamp_cache(compiled: Any) -> None:
    """Make a cached kernel valid for exactly these sources.

    Numba compares the time and size of the kernel's own file. But kernels of one file are compiled into those of
    another, so that after an edit there the old arithmetic would go on; and a copy of the tree has other times.
    """
    cache_file = compiled._cache._cache_file  # noqa: SLF001 -- numba has no public way; a test guards it
    cache_file._source_stamp = SOURCE_STAMP  # noqa: SLF001


def _compile(function: Function, *, inlined: bool, allocates: bool) -> Function:
    compiled = numba.njit(  # type: ignore[call-overload]  # numba has no public name for _nrt; a test guards it
        cache=True,
        nogil=True,
        fastmath=False,
        error_model="numpy",
        forceinline=inlined,
        _nrt=allocates,
    )(function)
    if isinstance(compiled, Dispatcher):  # NUMBA_DISABLE_JIT leaves the function as it is
        _stamp_cache(compiled)
    return cast("Function", compiled)


def kernel(function: Function) -> Function:
    """Compile ``function`` to machine code: cached on disk, without the GIL, with strict arithmetic.

    ``fastmath`` stays off: reassociated sums would make a score depend on the processor that computed it.
    Division follows IEEE 754 (``error_model="numpy"``), so no kernel carries Python's zero checks.
    It cannot make arrays: numba would count references to every view it passes on, several times what the work costs.
    """
    return _compile(function, inlined=False, allocates=False)


def inlined_kernel(function: Function) -> Function:
    """The same for a small step of other kernels: always inlined, since handing it a block's views costs more."""
    return _compile(function, inlined=True, allocates=False)


def allocating_kernel(function: Function) -> Function:
    """The same for what happens rarely, and may make arrays."""
    return _compile(function, inlined=False, allocates=True)


def intrinsic(function: Callable[..., Any]) -> Callable[..., Any]:
    """Declare code that kernels inline, as numba does; callers leave out the first argument, the typing context."""
    return cast("Callable[..., Any]", numba_intrinsic(function))
