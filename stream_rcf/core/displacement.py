"""Displacement: how many sampled points a point would push one level down, and its collusive form, CoDisp.

Expected displacement is that of AWS's Java library (``getDynamicScore`` with seen 1, unseen the mass, no damping and no
normaliser; algorithm reference, section 5.1), in sampled points per tree.

CoDisp is defined by Guha, Mishra, Roy and Schrijvers (ICML 2016, section 3), and people know it from ``rrcf``: with the
point in the tree, the greatest, over the subtrees that hold it, of the points outside that would rise if the whole
subtree were deleted, per point deleted. Those are the points of its sibling. ``rrcf`` inserts the point to measure it;
here the tree stays as it is, and the mean is taken over all places where insertion could put the point, each with its
probability: the same in expectation, without the noise of one draw.
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.boxes import begin_box, gaps, grow_box, is_equal, point_address
from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.layout import Block
from stream_rcf.core.memory import address_of
from stream_rcf.core.model import Model
from stream_rcf.core.scratch import Scratch
from stream_rcf.core.walk import first_of, mass_of, walk_to_leaf

SEEN_DISPLACEMENT = 1.0  # points: what the Java takes for a point equal to a leaf


@inlined_kernel
def expect_upward(
    block: Block,
    model: Model,
    tree: int,
    point: int,
    depth: int,
    is_seen: bool,
    seen: float,
    scratch: Scratch,
) -> float:
    """The mean, over where the point would be inserted, of ``scratch.levels`` of that level.

    The way stands in ``scratch.ways[0]`` and its leaf at ``depth``; a point that ``is_seen`` there counts ``seen``.
    """
    way, box, mask = scratch.ways[0], address_of(scratch.box), address_of(scratch.mask)
    if is_seen:
        return seen
    begin_box(model, box, point_address(block, model, tree, first_of(way[depth])))
    value = scratch.levels[depth]
    for level in range(depth - 1, -1, -1):
        grow_box(block, model, tree, box, way[level + 1], way[level])
        distance, sides = gaps(model, box, point, mask)
        if distance <= 0.0:
            break
        separation = distance / (sides + distance)
        value = separation * scratch.levels[level] + (1.0 - separation) * value
    return value


@inlined_kernel
def reach_leaf(block: Block, model: Model, tree: int, point: int, scratch: Scratch) -> tuple[int, bool]:
    """(depth of the leaf that the cuts lead the point to, whether it equals the point); its way is written."""
    way = scratch.ways[0]
    depth = walk_to_leaf(block, model, tree, point, way)
    stored = point_address(block, model, tree, first_of(way[depth]))
    return depth, is_equal(model, point, stored, address_of(scratch.mask))


@inlined_kernel
def tree_displacement(block: Block, model: Model, tree: int, point: int, scratch: Scratch) -> float:
    """The expected displacement in one tree, which is not empty."""
    depth, is_seen = reach_leaf(block, model, tree, point, scratch)
    for level in range(depth + 1):
        scratch.levels[level] = mass_of(scratch.ways[0][level])
    return expect_upward(block, model, tree, point, depth, is_seen, SEEN_DISPLACEMENT, scratch)


@kernel
def displacement_of(block: Block, model: Model, point: int, scratch: Scratch) -> float:
    """Mean over trees of the expected displacement of the point at address ``point``; every tree holds a sample."""
    total = 0.0
    for tree in range(model.trees):
        total += tree_displacement(block, model, tree, point, scratch)
    return total / model.trees


@inlined_kernel
def _codisp_levels(way: np.ndarray, depth: int, levels: np.ndarray) -> float:
    """Set ``levels`` to the CoDisp of a point inserted beside each place of ``way``.

    Returns that of a point that joins the leaf at ``depth``. Beside a place of mass m it is alone against m; every
    subtree above holds one point more than before.
    """
    highest = 0.0  # among the subtrees above
    for level in range(depth):
        mass, below = mass_of(way[level]), mass_of(way[level + 1])
        levels[level] = max(highest, float(mass))
        highest = max(highest, (mass - below) / (below + 1.0))
    levels[depth] = max(highest, float(mass_of(way[depth])))
    return highest


@inlined_kernel
def tree_codisp(block: Block, model: Model, tree: int, point: int, scratch: Scratch) -> float:
    """The expected CoDisp in one tree, which is not empty."""
    depth, is_seen = reach_leaf(block, model, tree, point, scratch)
    seen = _codisp_levels(scratch.ways[0], depth, scratch.levels)
    return expect_upward(block, model, tree, point, depth, is_seen, seen, scratch)


@kernel
def codisp_of(block: Block, model: Model, point: int, scratch: Scratch) -> float:
    """Mean over trees of the expected CoDisp of the point at address ``point``; every tree holds a sample."""
    total = 0.0
    for tree in range(model.trees):
        total += tree_codisp(block, model, tree, point, scratch)
    return total / model.trees
