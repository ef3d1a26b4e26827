"""The one decorator of all kernels, so that no kernel can forget a flag."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from numba.core.dispatcher import Dispatcher
from numba.extending import intrinsic as numba_intrinsic

from stream_rcf.core.kernel_cache import KernelCache

Function = TypeVar("Function", bound=Callable[..., Any])


def _compile(function: Function, *, inlined: bool, allocates: bool) -> Function:
    compiled = numba.njit(  # type: ignore[call-overload]  # numba has no public name for _nrt; a test guards it
        cache=False,  # numba's own; ours follows
        nogil=True,
        fastmath=False,
        error_model="numpy",
        forceinline=inlined,
        _nrt=allocates,
    )(function)
    if isinstance(compiled, Dispatcher):  # NUMBA_DISABLE_JIT leaves the function as it is
        cast("Any", compiled)._cache = KernelCache(function)  # noqa: SLF001 -- numba has no public way; a test guards it
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
