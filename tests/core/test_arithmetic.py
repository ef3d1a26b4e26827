"""Own logarithms and exponential against exact decimal arithmetic."""

from __future__ import annotations

import decimal
import math
import random
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from stream_rcf.core.arithmetic import exp, log, log2

ULPS = 2.0  # units in the last place that log and exp may be wrong by
LOG2_ULPS = 3.0  # one more rounding, seen only within a millionth of 1
MASS_ULPS = 1.0  # where it matters: log2 of the whole numbers that masses are
EXACT = decimal.Context(prec=60)
LN2 = decimal.Decimal(2).ln(EXACT)
Function = Callable[[float], float]
Exact = Callable[[decimal.Decimal], decimal.Decimal]


def ulps_apart(result: float, exact: decimal.Decimal) -> float:
    """How many units in the last place `result` is from `exact`."""
    return float(
        abs(EXACT.subtract(decimal.Decimal(result), exact)) / decimal.Decimal(math.ulp(float(exact)))
    )


def assert_close(function: Function, exact: Exact, arguments: list[float], allowed: float = ULPS) -> None:
    worst, at = max((ulps_apart(function(x), exact(decimal.Decimal(x))), x) for x in arguments)
    assert worst <= allowed, f"{worst} units in the last place at {at!r}"


def positive_numbers() -> list[float]:
    """Normal numbers of every binary exponent, and many near 1, where logarithms lose their digits first."""
    draw = random.Random(20260101)
    wide = [math.ldexp(1.0 + draw.random(), exponent) for exponent in range(-1022, 1023)]
    near = [1.0 + sign * draw.random() * 2.0**-k for k in range(53) for sign in (1, -1) for _ in range(15)]
    edges = [
        math.sqrt(0.5),
        math.sqrt(2),
        math.nextafter(1, 0),
        math.nextafter(1, 2),
        2.0**-1022,
        1.7976931348623157e308,
    ]
    return [x for x in wide + near + edges if x != 1.0]


def natural_log(x: decimal.Decimal) -> decimal.Decimal:
    return x.ln(EXACT)


def binary_log(x: decimal.Decimal) -> decimal.Decimal:
    return EXACT.divide(x.ln(EXACT), LN2)


def exponential(x: decimal.Decimal) -> decimal.Decimal:
    return x.exp(EXACT)


def test_log_is_within_two_units_of_the_last_place() -> None:
    assert_close(log, natural_log, positive_numbers())


def test_log2_is_within_three_units_of_the_last_place() -> None:
    assert_close(log2, binary_log, positive_numbers(), LOG2_ULPS)


def test_log2_of_a_mass_is_within_one_unit_of_the_last_place() -> None:
    assert_close(log2, binary_log, [float(mass) for mass in range(2, 40_000, 3)], MASS_ULPS)


def test_exp_is_within_two_units_of_the_last_place() -> None:
    draw = random.Random(20260102)
    wide = [draw.uniform(-708, 708) for _ in range(2000)]
    near = [sign * draw.random() * 2.0**-k for k in range(60) for sign in (1, -1) for _ in range(15)]
    multiples = [
        k * math.log(2) / 2 for k in range(-2000, 2001, 7)
    ]  # where the reduction changes its exponent
    assert_close(exp, exponential, [*wide, *near, *multiples, 708.0, -708.0])


def test_logarithms_of_one_are_exactly_zero() -> None:
    assert log(1.0) == 0.0
    assert log2(1.0) == 0.0


def test_log2_of_powers_of_two_is_exact() -> None:
    assert all(log2(2.0**k) == k for k in range(-1022, 1024))


def test_exp_of_zero_is_exactly_one() -> None:
    assert exp(0.0) == 1.0


@pytest.mark.parametrize(
    ("argument", "result"), [(708.1, math.inf), (1e300, math.inf), (-708.1, 0.0), (-1e300, 0.0)]
)
def test_exp_saturates_outside_its_range(argument: float, result: float) -> None:
    assert exp(argument) == result


def test_the_logarithms_of_a_sampler_agree_with_the_math_library() -> None:
    uniforms: Iterator[float] = ((k + 0.5) * 2.0**-52 for k in (0, 1, 2, 2**26, 2**51, 2**52 - 2, 2**52 - 1))
    for uniform in uniforms:
        assert log(-log(uniform)) == pytest.approx(math.log(-math.log(uniform)), rel=1e-15, abs=1e-15)


def test_logarithms_grow_from_each_number_to_the_next() -> None:
    x = np.float64(0.5)
    for _ in range(2000):
        following = np.nextafter(x, 2.0)
        assert log(x) <= log(following)
        x = following
