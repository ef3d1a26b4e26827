"""Logarithms and the exponential with the same bits on every machine.

The C library picks another variant of these functions for each processor generation, and the last bit differs.
Sums, products and quotients are exact by IEEE 754 everywhere, so these are made of nothing else.
Errors stay within 2 units in the last place, of ``log2`` within 3 (near 1).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from stream_rcf.core.kernel import intrinsic, kernel

LN2_HIGH = 0.693147180369123816490  # upper 33 bits of ln 2: exact when multiplied by a binary exponent
LN2_LOW = 1.90821492927058770002e-10  # ln 2 - LN2_HIGH
INVERSE_LN2 = 1.4426950408889634  # 1 / ln 2
SQRT2 = 1.4142135623730951  # mantissas are folded around 1 at this value
MANTISSA_BITS = 52  # of an IEEE 754 double
EXPONENT_BIAS = 1023  # of an IEEE 754 double
MANTISSA_MASK = (1 << 52) - 1  # the fraction bits of a double
SMALLEST_EXPONENT = 708.0  # exp(-708) is still a normal number; below it the result is 0


@intrinsic
def _bits_of(_context: Any, value: Any) -> Any:
    """Reinterpret a float64 as its 64 bits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.int64))

    return types.int64(types.float64), generate


@intrinsic
def _float_of(_context: Any, bits: Any) -> Any:
    """Reinterpret 64 bits as a float64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.float64))

    return types.float64(types.int64), generate


@kernel
def _split(x: float) -> tuple[int, float]:
    """``x = 2**exponent * (1 + fraction)`` with ``1 + fraction`` between sqrt(1/2) and sqrt(2); x normal and > 0."""
    bits = _bits_of(np.float64(x))
    exponent = (bits >> MANTISSA_BITS) - EXPONENT_BIAS
    mantissa = _float_of((bits & MANTISSA_MASK) | (EXPONENT_BIAS << MANTISSA_BITS))
    if mantissa > SQRT2:
        mantissa *= 0.5
        exponent += 1
    return exponent, mantissa - 1.0


@kernel
def _log_of_one_plus(fraction: float) -> float:
    """ln(1 + fraction) as 2 artanh(s), s = fraction / (2 + fraction), |s| < 0.1716: eleven terms of its series."""
    s = fraction / (2.0 + fraction)
    z = s * s
    series = 1.0 / 23.0
    series = series * z + 1.0 / 21.0
    series = series * z + 1.0 / 19.0
    series = series * z + 1.0 / 17.0
    series = series * z + 1.0 / 15.0
    series = series * z + 1.0 / 13.0
    series = series * z + 1.0 / 11.0
    series = series * z + 1.0 / 9.0
    series = series * z + 1.0 / 7.0
    series = series * z + 1.0 / 5.0
    series = series * z + 1.0 / 3.0
    return 2.0 * s + 2.0 * s * z * series


@kernel
def log(x: float) -> float:
    """Natural logarithm of a normal x > 0."""
    exponent, fraction = _split(x)
    return exponent * LN2_HIGH + (_log_of_one_plus(fraction) + exponent * LN2_LOW)


@kernel
def log2(x: float) -> float:
    """Logarithm to base 2 of a normal x > 0; exact for powers of two."""
    exponent, fraction = _split(x)
    return exponent + _log_of_one_plus(fraction) * INVERSE_LN2


@kernel
def exp(x: float) -> float:
    """e**x for |x| <= 708; 0 below, infinity above."""
    if x < -SMALLEST_EXPONENT:
        return 0.0
    if x > SMALLEST_EXPONENT:
        return np.inf
    exponent = np.int64(np.floor(x * INVERSE_LN2 + 0.5))
    rest = (x - exponent * LN2_HIGH) - exponent * LN2_LOW
    series = 1.0
    for divisor in range(14, 0, -1):  # |rest| < 0.35: the fifteenth Taylor term is below 1e-18
        series = series * (rest / divisor) + 1.0
    return series * _float_of((exponent + EXPONENT_BIAS) << MANTISSA_BITS)
