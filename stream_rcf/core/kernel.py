"""The one decorator of all kernels, so that no kernel can forget a flag."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from numba.extending import intrinsic as numba_intrinsic

from stream_rcf.core.kernel_compiler import Function, compiled_kernel


def _compile(function: Function, *, inlined: bool, allocates: bool) -> Function:
    return compiled_kernel(
        function,
        nogil=True,
        fastmath=False,
        error_model="numpy",
        forceinline=inlined,
        _nrt=allocates,  # numba has no public name for it; a test guards it
    )


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
