"""The word of a node: packing and reading its fields."""

from __future__ import annotations

import numpy as np

from stream_rcf.core.kernel import inlined_kernel
from stream_rcf.core.memory import bits_of_float, low_float
from stream_rcf.core.model import CUT_VALUE_BITS, Model

EQUAL_SAMPLES = 0  # the word of a node whose samples are all equal; its other slots hold it too


@inlined_kernel
def node_word(model: Model, cut_value: np.float32, left: int, dimension: int) -> int:
    """The word of a node without a box."""
    upper = left | (dimension << model.left_bits)
    return bits_of_float(cut_value) | (upper << CUT_VALUE_BITS)


@inlined_kernel
def cut_value_of(word: int) -> np.float32:
    """A point goes left when its coordinate is at most this."""
    return low_float(word)


@inlined_kernel
def with_cut_value(word: int, cut_value: np.float32) -> int:
    """The word with another value of the cut."""
    return (word >> CUT_VALUE_BITS << CUT_VALUE_BITS) | bits_of_float(cut_value)


@inlined_kernel
def left_of(model: Model, word: int) -> int:
    """Samples left of the cut; 0 when all the node's samples are equal."""
    return (word >> CUT_VALUE_BITS) & ((1 << model.left_bits) - 1)


@inlined_kernel
def dimension_of(model: Model, word: int) -> int:
    """The coordinate that the node cuts."""
    return (word >> (CUT_VALUE_BITS + model.left_bits)) & ((1 << model.dimension_bits) - 1)


@inlined_kernel
def box_of(model: Model, word: int) -> int:
    """The number of the node's box in the pool, or NO_BOX."""
    return word >> (CUT_VALUE_BITS + model.left_bits + model.dimension_bits)


@inlined_kernel
def with_more_left(word: int, change: int) -> int:
    """The word with ``change`` more samples left of the cut."""
    return word + (change << CUT_VALUE_BITS)


@inlined_kernel
def with_box(model: Model, word: int, box: int) -> int:
    """The word with another box."""
    shift = CUT_VALUE_BITS + model.left_bits + model.dimension_bits
    return (word & ((1 << shift) - 1)) | (box << shift)
