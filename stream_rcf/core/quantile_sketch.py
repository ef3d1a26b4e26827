"""Percentiles of any number of values in fixed memory, exact as long as they are few: a sketch with uniform collapse.

Masson, Rim and Lee, *DDSketch* (VLDB 2019) count values in bins whose width grows with the value, which bounds the
relative error; Epicoco, Melle, Cafaro, Pulimeno and Morleo, *UDDSketch* (IEEE Access 2020) let neighbouring bins grow
together, two by two, whenever there would be too many, so that the bound holds for every percentile. Here the bins are
stretches of ``2**level`` consecutive float64 numbers, as their bits count them (DDSketch's mapping by linear
interpolation). It begins at level 0, where each bin is one number and the sketch is exact; no logarithm is taken. The
level is the least at which the values seen fill no more than SKETCH_BINS bins, so the order in which they came does not
matter.

Error: none for up to 256 different values. Beyond, the answer is the middle of the bin that holds the value of that
rank: off by at most D / 256 of the value, where the values span D octaves (a factor of ``2**D``) on each side of zero
together: 2 % for values that lie within a factor of 32 of one another.
"""

from __future__ import annotations

from typing import Any

from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.memory import move_bytes
from stream_rcf.core.window_model import SKETCH_BINS
from stream_rcf.core.window_section import BINS, GREATEST, LEAST, LEVEL

LARGEST = 2**63 - 1


@inlined_kernel
def order_of(bits: int) -> int:
    """Where the float64 with these bits stands among all: smaller numbers have smaller places; both zeros have 0."""
    return bits if bits >= 0 else -(bits & LARGEST)


@inlined_kernel
def bits_at(order: int) -> int:
    """The bits of the float64 at this place."""
    return order if order >= 0 else -order | (-LARGEST - 1)


@inlined_kernel
def _place_of(bins: Any, used: int, key: int) -> int:
    """The first place whose bin is no less than ``key``."""
    low, high = 0, used
    while low < high:
        middle = (low + high) // 2
        if bins[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def _collapse(words: Any, bins: Any, counts: Any) -> None:
    """Let every two bins that are one at the next level grow together."""
    used = 0
    for place in range(words[BINS]):
        key = bins[place] >> 1
        if used > 0 and bins[used - 1] == key:
            counts[used - 1] += counts[place]
        else:
            bins[used], counts[used] = key, counts[place]
            used += 1
    words[BINS] = used
    words[LEVEL] += 1


@kernel
def add_to_sketch(
    words: Any, bins: Any, counts: Any, bins_address: int, counts_address: int, bits: int
) -> None:
    """Count the value with these ``bits``; the addresses are those of ``bins`` and ``counts``."""
    order = order_of(bits)
    if words[BINS] == 0:
        words[LEAST] = words[GREATEST] = order
    words[LEAST], words[GREATEST] = min(words[LEAST], order), max(words[GREATEST], order)
    while True:
        used, key = words[BINS], order >> words[LEVEL]
        place = _place_of(bins, used, key)
        if place < used and bins[place] == key:
            counts[place] += 1
            return
        if used < SKETCH_BINS:
            behind = 8 * (used - place)
            move_bytes(bins_address + 8 * (place + 1), bins_address + 8 * place, behind)
            move_bytes(counts_address + 8 * (place + 1), counts_address + 8 * place, behind)
            bins[place], counts[place] = key, 1
            words[BINS] = used + 1
            return
        _collapse(words, bins, counts)


@kernel
def bits_of_percentile(words: Any, bins: Any, counts: Any, values: int, percent: int) -> int:
    """The bits of the value whose rank among all ``values``, at least one, is ``percent`` of them, rounded up."""
    rank = (values * percent + 99) // 100
    place, seen = 0, counts[0]
    while seen < rank:
        place += 1
        seen += counts[place]
    level = words[LEVEL]
    # No value that a 32-bit float tells from zero is so small that it shares a bin with it.
    order = 0
    if bins[place] != 0:
        order = (bins[place] << level) + ((1 << level) >> 1)
    return bits_at(min(max(order, words[LEAST]), words[GREATEST]))
