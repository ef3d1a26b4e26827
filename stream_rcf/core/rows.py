"""Making and closing gaps in a tree's rows: the samples in leaf order, the nodes in preorder."""

from __future__ import annotations

from stream_rcf.core.kernel import inlined_kernel
from stream_rcf.core.layout import Block
from stream_rcf.core.memory import address_of, move_bytes
from stream_rcf.core.store import set_record


@inlined_kernel
def _shift(row: int, width: int, first: int, last: int, places: int) -> None:
    """Move the elements ``first`` to ``last - 1`` of ``width`` bytes each; ``row`` is an address."""
    start = row + first * width
    move_bytes(start + places * width, start, (last - first) * width)


@inlined_kernel
def insert_sample(block: Block, tree: int, position: int, record: int, priority: int) -> None:
    """Put a sample at ``position``; those from there on move right. The row must have room."""
    size = block.size[tree]
    capacity = block.priority.shape[1]
    _shift(address_of(block.priority) + tree * capacity * 4, 4, position, size, 1)
    _shift(address_of(block.offset) + tree * capacity * 2, 2, position, size, 1)
    if block.high_offset.shape[1] > 0:
        _shift(address_of(block.high_offset) + tree * capacity * 2, 2, position, size, 1)
    block.priority[tree, position] = priority
    set_record(block, tree, position, record)
    block.size[tree] = size + 1


@inlined_kernel
def remove_sample(block: Block, tree: int, position: int) -> None:
    """Take out the sample at ``position``; those behind it move left."""
    size = block.size[tree]
    capacity = block.priority.shape[1]
    _shift(address_of(block.priority) + tree * capacity * 4, 4, position + 1, size, -1)
    _shift(address_of(block.offset) + tree * capacity * 2, 2, position + 1, size, -1)
    if block.high_offset.shape[1] > 0:
        _shift(address_of(block.high_offset) + tree * capacity * 2, 2, position + 1, size, -1)
    block.size[tree] = size - 1


@inlined_kernel
def insert_node(block: Block, tree: int, slot: int, word: int) -> None:
    """Put a node into ``slot``, before the sample that it is for; the nodes from there on move right."""
    capacity = block.node.shape[1]
    _shift(address_of(block.node) + tree * capacity * 8, 8, slot, block.size[tree] - 1, 1)
    block.node[tree, slot] = word


@inlined_kernel
def remove_node(block: Block, tree: int, slot: int) -> None:
    """Take out the node in ``slot``, before the sample that it was for; the nodes behind it move left."""
    capacity = block.node.shape[1]
    _shift(address_of(block.node) + tree * capacity * 8, 8, slot + 1, block.size[tree] - 1, -1)
