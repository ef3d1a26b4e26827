"""Memory by address: the few loads, stores and moves that kernels use where a view's checks cost more than the work.

An address is an int64. Nothing here checks it: callers stay inside the block whose address they were given.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.np.arrayobj import make_array, populate_array

from stream_rcf.core.kernel import inlined_kernel, intrinsic

CACHE_LINE = 64  # bytes
COMPARED = 16  # int32 at once
READ, KEEP, DATA = 0, 2, 1  # LLVM's arguments: for reading, past the smallest cache, data not code

_BYTE, _WORD, _HALF = ir.IntType(8), ir.IntType(64), ir.IntType(16)


def typed_pointer(builder: Any, address: Any, element: Any) -> Any:
    """``address`` as a pointer to ``element``."""
    return builder.inttoptr(address, element.as_pointer())


@intrinsic
def view_at(_context: Any, address: Any, shape: Any, kind: Any) -> Any:
    """The memory at ``address`` as an array in C order, without a count of references: it must outlive the view."""
    array_type = types.Array(kind.dtype, len(shape), "C")

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        array = make_array(array_type)(context, builder)
        element = context.get_value_type(array_type.dtype)
        size = context.get_abi_sizeof(element)
        lengths = cgutils.unpack_tuple(builder, arguments[1])
        strides: list[Any] = []
        stride = ir.Constant(_WORD, size)
        for length in reversed(lengths):
            strides.insert(0, stride)
            stride = builder.mul(stride, length)
        populate_array(
            array,
            data=builder.inttoptr(arguments[0], element.as_pointer()),
            shape=lengths,
            strides=strides,
            itemsize=size,
            meminfo=None,
        )
        return array._getvalue()  # noqa: SLF001 -- numba's way to hand the structure out

    return array_type(types.int64, types.UniTuple(types.intp, len(shape)), kind), generate


@intrinsic
def address_of(_context: Any, array: Any) -> Any:
    """The address of an array's first element. (``ctypes.data`` is unsigned; numba adds it to an int64 as floats.)"""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        structure = make_array(signature.args[0])(context, builder, arguments[0])
        return builder.ptrtoint(structure.data, _WORD)

    return types.int64(array), generate


def _load(builder: Any, address: Any, element: Any) -> Any:
    value = builder.load(typed_pointer(builder, address, element))
    value.align = element.width // 8 if isinstance(element, ir.IntType) else 4
    return value


@intrinsic
def load_word(_context: Any, address: Any) -> Any:
    """The int64 at ``address``."""

    def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return _load(builder, arguments[0], _WORD)

    return types.int64(types.int64), generate


@intrinsic
def store_word(_context: Any, address: Any, value: Any) -> Any:
    """Write an int64."""

    def generate(target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        builder.store(arguments[1], typed_pointer(builder, arguments[0], _WORD))
        return target.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@intrinsic
def load_half(_context: Any, address: Any) -> Any:
    """The uint16 at ``address``, as int64."""

    def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.zext(_load(builder, arguments[0], _HALF), _WORD)

    return types.int64(types.int64), generate


@intrinsic
def load_float(_context: Any, address: Any) -> Any:
    """The float32 at ``address``."""

    def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return _load(builder, arguments[0], ir.FloatType())

    return types.float32(types.int64), generate


@intrinsic
def low_float(_context: Any, word: Any) -> Any:
    """The lower 32 bits of an int64, as the float32 they encode."""

    def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(builder.trunc(arguments[0], ir.IntType(32)), ir.FloatType())

    return types.float32(types.int64), generate


@intrinsic
def bits_of_float(_context: Any, value: Any) -> Any:
    """The 32 bits of a float32, as a non-negative int64."""

    def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.zext(builder.bitcast(arguments[0], ir.IntType(32)), _WORD)

    return types.int64(types.float32), generate


@intrinsic
def equal_bits(_context: Any, address: Any, value: Any) -> Any:
    """Which of the COMPARED int32 from ``address`` on equal ``value``: one bit each, the first one lowest."""

    def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        vector = ir.VectorType(ir.IntType(32), COMPARED)
        values = builder.load(typed_pointer(builder, arguments[0], vector))
        values.align = 4
        wanted = builder.trunc(arguments[1], ir.IntType(32))
        one = builder.insert_element(
            ir.Constant(vector, ir.Undefined), wanted, ir.Constant(ir.IntType(32), 0)
        )
        all_wanted = builder.shuffle_vector(one, one, ir.Constant(vector, [0] * COMPARED))
        bits = builder.bitcast(builder.icmp_unsigned("==", values, all_wanted), ir.IntType(COMPARED))
        return builder.zext(bits, _WORD)

    return types.int64(types.int64, types.int64), generate


@intrinsic
def lowest_bit(_context: Any, word: Any) -> Any:
    """The number of the lowest bit that is set, from 0; 64 when none is."""

    def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.int64), generate


@intrinsic
def move_bytes(_context: Any, target: Any, source: Any, size: Any) -> Any:
    """Copy ``size`` bytes; the two pieces may overlap."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        pointer = _BYTE.as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [pointer, pointer, _WORD, ir.IntType(1)])
        move = builder.module.declare_intrinsic("llvm.memmove", [pointer, pointer, _WORD], kind)
        to, start, size_value = arguments
        builder.call(
            move,
            [
                builder.inttoptr(to, pointer),
                builder.inttoptr(start, pointer),
                size_value,
                ir.Constant(ir.IntType(1), 0),
            ],
        )
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


@intrinsic
def prefetch_line(_context: Any, address: Any) -> Any:
    """Begin to load the cache line at ``address``; has no effect on any result."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        pointer = _BYTE.as_pointer()
        instruction = builder.module.declare_intrinsic(
            "llvm.prefetch",
            [pointer],
            ir.FunctionType(ir.VoidType(), [pointer, ir.IntType(32), ir.IntType(32), ir.IntType(32)]),
        )
        hints = [ir.Constant(ir.IntType(32), hint) for hint in (READ, KEEP, DATA)]
        builder.call(instruction, [builder.inttoptr(arguments[0], pointer), *hints])
        return context.get_dummy_value()

    return types.void(types.int64), generate


@inlined_kernel
def prefetch(address: int, size: int) -> None:
    """Ask the processor to begin loading ``size`` bytes from ``address`` on, while it works on something else."""
    for offset in range(0, size, CACHE_LINE):
        prefetch_line(address + offset)
