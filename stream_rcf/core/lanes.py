"""Eight float32 at once: what lets a box be made from its points as fast as it could be read from memory.

Values of type ``Lanes`` live in vector registers. Every operation works lane by lane and follows IEEE 754, and sums
over lanes are taken in one fixed order, so results have the same bits on every processor, whatever its vector width.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import models, register_model

from stream_rcf.core.kernel import intrinsic
from stream_rcf.core.memory import typed_pointer

LANES = 8  # one AVX register
LANE_BYTES = 4 * LANES

_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_INTEGERS = ir.VectorType(ir.IntType(32), LANES)


class LanesType(types.Type):
    """Numba's type of eight float32."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


LANES_TYPE = LanesType()


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, frontend: Any) -> None:
        super().__init__(manager, frontend, _VECTOR)


@intrinsic
def load_lanes(_context: Any, address: Any) -> Any:
    """Eight float32 from ``address`` on, which need not be aligned."""

    def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        value = builder.load(typed_pointer(builder, arguments[0], _VECTOR))
        value.align = 4
        return value

    return LANES_TYPE(types.int64), generate


@intrinsic
def store_lanes(_context: Any, address: Any, value: Any) -> Any:
    """Write eight float32."""

    def generate(target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        instruction = builder.store(arguments[1], typed_pointer(builder, arguments[0], _VECTOR))
        instruction.align = 4
        return target.get_dummy_value()

    return types.void(types.int64, LANES_TYPE), generate


@intrinsic
def no_lanes(_context: Any) -> Any:
    """Eight times 0.0."""

    def generate(_target: Any, _builder: Any, _signature: Any, _arguments: Any) -> Any:
        return ir.Constant(_VECTOR, [0.0] * LANES)

    return LANES_TYPE(), generate


@intrinsic
def lanes_of(_context: Any, value: Any) -> Any:
    """Eight times the float32 ``value``."""

    def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        one = builder.insert_element(
            ir.Constant(_VECTOR, ir.Undefined), arguments[0], ir.Constant(ir.IntType(32), 0)
        )
        return _shuffled(builder, one, one, (0,) * LANES)

    return LANES_TYPE(types.float32), generate


def _operation(combine: Callable[[Any, Any, Any], Any], what: str) -> Any:
    """An operation of two ``Lanes``, lane by lane."""

    def declare(_context: Any, first: Any, second: Any) -> Any:
        def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return combine(builder, arguments[0], arguments[1])

        return LANES_TYPE(LANES_TYPE, LANES_TYPE), generate

    declare.__doc__ = what
    return intrinsic(declare)


def _masked(builder: Any, value: Any, mask: Any) -> Any:
    bits = builder.and_(builder.bitcast(value, _INTEGERS), builder.bitcast(mask, _INTEGERS))
    return builder.bitcast(bits, _VECTOR)


add = _operation(lambda builder, x, y: builder.fadd(x, y), "x + y.")
subtract = _operation(lambda builder, x, y: builder.fsub(x, y), "x - y.")
divide = _operation(lambda builder, x, y: builder.fdiv(x, y), "x / y.")
lesser = _operation(
    lambda builder, x, y: builder.select(builder.fcmp_ordered("<", x, y), x, y), "The lesser of x and y."
)
greater = _operation(
    lambda builder, x, y: builder.select(builder.fcmp_ordered(">", x, y), x, y), "The greater of x and y."
)
masked = _operation(_masked, "x where the bits of y are all set, 0.0 where they are all clear.")


def _shuffled(builder: Any, first: Any, second: Any, order: tuple[int, ...]) -> Any:
    positions = [ir.Constant(ir.IntType(32), position) for position in order]
    return builder.shuffle_vector(
        first, second, ir.Constant(ir.VectorType(ir.IntType(32), len(order)), positions)
    )


@intrinsic
def two_sums(_context: Any, first: Any, second: Any) -> Any:
    """The sums of the lanes of both, in float32, returned as float64.

    The order is ((0+4)+(2+6)) + ((1+5)+(3+7)).
    """

    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        quarters = [
            builder.fadd(
                _shuffled(builder, value, value, (0, 1, 2, 3)), _shuffled(builder, value, value, (4, 5, 6, 7))
            )
            for value in arguments
        ]
        halves = builder.fadd(
            _shuffled(builder, quarters[0], quarters[1], (0, 1, 4, 5)),
            _shuffled(builder, quarters[0], quarters[1], (2, 3, 6, 7)),
        )
        sums = builder.fadd(
            _shuffled(builder, halves, halves, (0, 2)), _shuffled(builder, halves, halves, (1, 3))
        )
        wide = builder.fpext(sums, ir.VectorType(ir.DoubleType(), 2))
        parts = [builder.extract_element(wide, ir.Constant(ir.IntType(32), i)) for i in (0, 1)]
        return target.make_tuple(builder, signature.return_type, parts)

    return types.UniTuple(types.float64, 2)(LANES_TYPE, LANES_TYPE), generate


@intrinsic
def all_zero(_context: Any, value: Any) -> Any:
    """Whether every lane is 0.0 (or -0.0)."""

    def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        zeros = builder.fcmp_ordered("==", arguments[0], ir.Constant(_VECTOR, [0.0] * LANES))
        return builder.icmp_unsigned(
            "==", builder.bitcast(zeros, ir.IntType(LANES)), ir.Constant(ir.IntType(LANES), 2**LANES - 1)
        )

    return types.boolean(LANES_TYPE), generate


@intrinsic
def any_touches(_context: Any, value: Any, lower: Any, upper: Any, counted: Any) -> Any:
    """Whether x <= lower or x >= upper in a lane where the bits of ``counted`` are set."""

    def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        value, lower, upper, counted = arguments
        touches = builder.or_(
            builder.fcmp_ordered("<=", value, lower), builder.fcmp_ordered(">=", value, upper)
        )
        bits = builder.bitcast(counted, _INTEGERS)
        is_counted = builder.icmp_unsigned("!=", bits, ir.Constant(_INTEGERS, [0] * LANES))
        found = builder.bitcast(builder.and_(touches, is_counted), ir.IntType(LANES))
        return builder.icmp_unsigned("!=", found, ir.Constant(ir.IntType(LANES), 0))

    return types.boolean(LANES_TYPE, LANES_TYPE, LANES_TYPE, LANES_TYPE), generate
