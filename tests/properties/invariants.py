"""What holds of every block at every moment: the algorithm reference, section 4.8, and `stream_rcf.core.layout`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.inspect import (
    Leaf,
    Node,
    kept_boxes,
    points_of,
    records_of,
    sequences_of,
    tree_structure,
    views,
)
from stream_rcf.core.layout import EVENTS_SEEN, FREE, FRESH, LANES, NO_BOX, RUNS, STORED, Block
from stream_rcf.core.model import CUT_VALUE_BITS, Model
from stream_rcf.core.nodes import EQUAL_SAMPLES


def check_block(block: KeyBlock) -> None:
    """Every tree, the store and the pool."""
    parts = views(block)
    check_store(block.model, parts)
    numbers: list[int] = []
    for tree in range(block.model.trees):
        check_sample(block, parts, tree)
        check_tree(block, parts, tree)
        numbers += box_numbers(block.model, parts, tree)
    check_pool(parts, numbers)


def check_store(model: Model, parts: Block) -> None:
    """Runs of records ascend and begin at the first; the latest records are those of the last events."""
    stored, runs, seen = (int(parts.integers[word]) for word in (STORED, RUNS, EVENTS_SEEN))
    assert stored <= (parts.store.shape[0] - LANES) // model.dimensions
    assert runs <= parts.run_first.shape[0]
    assert (runs > 0) == (stored > 0)
    first = [*parts.run_first[:runs].tolist(), stored]
    lengths = np.diff(first)
    assert (lengths > 0).all()
    if runs:
        event = parts.run_event[:runs]
        assert first[0] == 0
        assert event[0] >= 0
        assert (event[1:] > event[:-1] + lengths[:-1]).all(), "runs that touch are one"
        assert event[-1] + lengths[-1] <= seen
    if model.shingle_size > 1 and seen:
        assert parts.run_event[runs - 1] + lengths[-1] == seen, "the next shingle needs the latest records"
        assert lengths[-1] >= min(seen, model.shingle_size - 1)


def check_sample(block: KeyBlock, parts: Block, tree: int) -> None:
    """The samples of one tree: their records, their numbers, and which has the highest priority."""
    size, model = int(parts.size[tree]), block.model
    assert size <= model.sample_size
    records, sequences = records_of(parts, tree), sequences_of(block, tree)
    assert len(records) == len(sequences) == size
    assert len(set(sequences.tolist())) == size
    if size:
        assert records.min() >= 0
        assert records.max() <= parts.integers[STORED] - model.shingle_size
        assert sequences.max() <= parts.integers[EVENTS_SEEN] - model.shingle_size
        assert parts.greatest[tree] == parts.priority[tree, :size].max()
        last = np.searchsorted(
            parts.run_first[: parts.integers[RUNS]], records + model.shingle_size - 1, "right"
        )
        begin = np.searchsorted(parts.run_first[: parts.integers[RUNS]], records, "right")
        assert (last == begin).all(), "a shingle's records are of consecutive events"


def check_tree(block: KeyBlock, parts: Block, tree: int) -> None:
    """The structure of one tree, slot by slot."""
    structure, points, size = tree_structure(block, tree), points_of(block, tree), int(parts.size[tree])
    if structure is None:
        assert size == 0
        return
    assert structure.mass == size
    check_node(structure)
    assert len({leaf.point for leaf in leaves_of(structure)}) == len(leaves_of(structure))
    listed = [leaf.point for leaf in leaves_of(structure) for _ in range(leaf.mass)]
    assert [tuple(point) for point in points.tolist()] == listed
    sequences = sequences_of(block, tree)
    for _slot, first, mass, left, word in places_of(block.model, parts, tree):
        if left == 0 and mass > 1:
            assert word == EQUAL_SAMPLES
            run = sequences[first : first + mass]
            assert (run[1:] > run[:-1]).all(), "equal samples stand from the oldest to the youngest"
    for lower, upper, true_lower, true_upper in kept_boxes(block, tree):
        assert lower.tolist() == true_lower.tolist()
        assert upper.tolist() == true_upper.tolist()


def leaves_of(node: Node | Leaf) -> list[Leaf]:
    """All leaves below a node."""
    return [node] if isinstance(node, Leaf) else leaves_of(node.left) + leaves_of(node.right)


def check_node(node: Node | Leaf) -> None:
    """Masses, boxes and cuts of a node and all below it: the cuts lead every point to its leaf."""
    if isinstance(node, Leaf):
        assert node.mass >= 1
        return
    left, right = leaves_of(node.left), leaves_of(node.right)
    assert node.mass == sum(leaf.mass for leaf in left + right) == node.left.mass + node.right.mass
    points = np.array([leaf.point for leaf in left + right])
    assert node.lower == tuple(points.min(axis=0).tolist())
    assert node.upper == tuple(points.max(axis=0).tolist())
    assert all(leaf.point[node.dimension] <= node.value for leaf in left)
    assert all(leaf.point[node.dimension] > node.value for leaf in right)
    check_node(node.left)
    check_node(node.right)


def places_of(model: Model, parts: Block, tree: int) -> Iterator[tuple[int, int, int, int, int]]:
    """(slot, first sample, mass, left, word) of every slot of the tree's row, in preorder."""
    pending = [(0, 0, int(parts.size[tree]))]
    expected = 0
    while pending:
        slot, first, mass = pending.pop()
        if mass < 2:
            continue
        assert slot == expected, "slots stand in preorder without a gap"
        expected += 1
        word = int(parts.node[tree, slot])
        left = (word >> CUT_VALUE_BITS) & (2**model.left_bits - 1)
        assert 0 <= left < mass
        yield slot, first, mass, left, word
        # A run of equal samples goes on in the next slot with one sample less.
        right = (slot + left, first + left, mass - left) if left else (slot + 1, first, mass - 1)
        pending += [right, (slot + 1, first, left)] if left else [right]


def box_numbers(model: Model, parts: Block, tree: int) -> list[int]:
    """The numbers of the boxes that the tree keeps."""
    shift = CUT_VALUE_BITS + model.left_bits + model.dimension_bits
    numbers = [place[-1] >> shift for place in places_of(model, parts, tree)]
    return [number for number in numbers if number != NO_BOX]


def check_pool(parts: Block, numbers: list[int]) -> None:
    """Every box of the pool is kept by one node, or free, or was never used."""
    free = []
    number = int(parts.pool_state[FREE])
    while number != NO_BOX:
        assert number not in free, "the free list must end"
        free.append(number)
        number = int(parts.pool[number, 0])
    fresh = int(parts.pool_state[FRESH])
    assert fresh <= max(1, parts.pool.shape[0])
    assert sorted(numbers + free) == list(range(1, fresh))
