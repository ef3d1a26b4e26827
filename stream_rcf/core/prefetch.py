"""Ask the processor to fetch memory that will be read soon, while it works on something else."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types

from stream_rcf.core.kernel import intrinsic, kernel

CACHE_LINE = 64  # bytes
READ, KEEP, DATA = 0, 3, 1  # LLVM's arguments: for reading, in all levels of the cache, data not code


@intrinsic
def _prefetch_line(_context: Any, address: Any) -> Any:
    """Begin to load the cache line at ``address``; has no effect on any result."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        byte_pointer = ir.IntType(8).as_pointer()
        instruction = builder.module.declare_intrinsic(
            "llvm.prefetch",
            [byte_pointer],
            ir.FunctionType(ir.VoidType(), [byte_pointer, ir.IntType(32), ir.IntType(32), ir.IntType(32)]),
        )
        hints = [ir.Constant(ir.IntType(32), hint) for hint in (READ, KEEP, DATA)]
        builder.call(instruction, [builder.inttoptr(arguments[0], byte_pointer), *hints])
        return context.get_dummy_value()

    return types.void(types.int64), generate


@kernel
def prefetch(address: int, size: int) -> None:
    """Begin to load ``size`` bytes from ``address`` on."""
    for offset in range(0, size, CACHE_LINE):
        _prefetch_line(address + offset)
