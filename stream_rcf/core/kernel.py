"""The one decorator of all kernels, so that no kernel can forget a flag."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from numba.extending import intrinsic as numba_intrinsic

Function = TypeVar("Function", bound=Callable[..., Any])


def kernel(function: Function) -> Function:
    """Compile ``function`` to machine code: cached on disk, without the GIL, with strict arithmetic.

    ``fastmath`` stays off: reassociated sums would make a score depend on the processor that computed it.
    Division follows IEEE 754 (``error_model="numpy"``), so no kernel carries Python's zero checks.
    """
    compiled = numba.njit(cache=True, nogil=True, fastmath=False, error_model="numpy")(function)
    return cast("Function", compiled)


def intrinsic(function: Callable[..., Any]) -> Callable[..., Any]:
    """Declare code that kernels inline, as numba does; callers leave out the first argument, the typing context."""
    return cast("Callable[..., Any]", numba_intrinsic(function))
