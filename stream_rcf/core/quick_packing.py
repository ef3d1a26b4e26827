"""The quick saved form of a key's records and trees: twice the bytes of the other one, in a fraction of the time.

For keys that leave and come back soon. All numbers stand in fields of bits (bit_fields.py): the store
(quick_store.py), then tree after tree (quick_trees.py).
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.bit_fields import PADDING
from stream_rcf.core.block import KeyBlock
from stream_rcf.core.kernel import kernel
from stream_rcf.core.layout import KEEPS_PRIORITIES, RUNS, STORED, open_block
from stream_rcf.core.memory import address_of
from stream_rcf.core.model import NODE_BITS, Model
from stream_rcf.core.packed_damage import ALL_TREES, BAD_END, BAD_RUNS, BAD_VALUES
from stream_rcf.core.packed_samples import PRIORITY_BITS
from stream_rcf.core.packed_trees import TreeScratch, new_tree_scratch
from stream_rcf.core.quick_store import GROUP, read_runs, read_values, write_runs, write_values
from stream_rcf.core.quick_trees import read_tree, write_tree
from stream_rcf.core.redrawing import list_points

NUMBER_BITS = 69  # of any number, with its length
VALUE_BITS = 33  # of a value, with its part in the width of its group


def _most_bytes(block: KeyBlock, samples: int) -> int:
    """Room for what is written, whatever it is."""
    header, model = block.header(), block.model
    records = int(header[STORED])
    sample_bits = records.bit_length() + PRIORITY_BITS * int(header[KEEPS_PRIORITIES]) + NODE_BITS
    bits = 2 * NUMBER_BITS * int(header[RUNS]) + model.dimensions * (VALUE_BITS * records + 2 * GROUP)
    return (bits + model.trees * (samples * sample_bits + PRIORITY_BITS)) // 8 + 2 * PADDING


@kernel
def _write(
    address: int, model: Model, samples: int, data: np.ndarray, scratch: TreeScratch, numbers: np.ndarray
) -> int:
    """Write the store and the trees; returns how many bytes that takes."""
    block = open_block(address, model)
    target = address_of(data)
    position = write_runs(target, 0, block)
    position = write_values(target, position, block, model, numbers)
    for tree in range(model.trees):
        position = write_tree(target, position, block, model, tree, samples, scratch)
    return (position + 7) // 8


@kernel
def _read(address: int, model: Model, samples: int, data: np.ndarray, scratch: TreeScratch) -> int:
    """Fill a block whose state words and counts are set; returns ALL_TREES, or what is damaged."""
    block = open_block(address, model)
    source, end = address_of(data), 8 * (data.shape[0] - PADDING)
    good, position = read_runs(source, 0, end, block, model)
    if not good:
        return BAD_RUNS
    good, position = read_values(source, position, end, block, model)
    if not good:
        return BAD_VALUES
    list_points(block, model, scratch.points)
    for record in range(block.integers[STORED]):
        scratch.rows[0, record] = -1
    for tree in range(model.trees):
        good, position = read_tree(source, position, end, block, model, tree, samples, scratch)
        if not good:
            return tree
    if position > end or end - position >= 8:
        return BAD_END
    return ALL_TREES if end == position or data[position >> 3] >> (position & 7) == 0 else BAD_END


def write_quickly(block: KeyBlock, samples: int) -> bytes:
    """The records and trees of a compacted block of which no tree has more than so many samples."""
    data = np.empty(_most_bytes(block, samples), np.uint8)
    scratch = new_tree_scratch(block.model, 0)
    size = int(_write(block.address, block.model, samples, data, scratch, np.empty(GROUP, np.int64)))
    return data[:size].tobytes()


def read_quickly(block: KeyBlock, samples: int, data: memoryview) -> int:
    """Fill a block whose state words and counts are set; returns ``ALL_TREES``, or what is damaged."""
    padded = np.empty(len(data) + PADDING, np.uint8)
    padded[: len(data)] = data
    padded[len(data) :] = 0
    scratch = new_tree_scratch(block.model, int(block.header()[STORED]))
    return int(_read(block.address, block.model, samples, padded, scratch))
