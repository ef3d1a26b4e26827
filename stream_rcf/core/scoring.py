"""The anomaly score: how near the root a point would be cut off, averaged over trees.

Expected inverse depth, algorithm reference section 5 (the AWS form). About 1 for ordinary points, towards
``log2(mass + 1)`` (8 for 256 samples) for points that the first cut would isolate, 0.5 at the least.
"""

from __future__ import annotations

from stream_rcf.core.ahead import fetch_part
from stream_rcf.core.boxes import (
    KEPT_ABOVE,
    begin_box,
    gaps,
    grow_box,
    is_equal,
    keep_box,
    merge_small_sibling,
    point_address,
)
from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.layout import NO_BOX, Block, Model
from stream_rcf.core.memory import address_of
from stream_rcf.core.scratch import Scratch
from stream_rcf.core.walk import WALKED_TOGETHER, first_of, mass_of, walk_together


@inlined_kernel
def seen_score(depth: int, mass: int, tree_mass: int, scratch: Scratch) -> float:
    """Score of a point equal to a leaf: the more duplicates, the lower."""
    damping = 1.0 - mass / (2.0 * tree_mass)
    return damping / (depth + scratch.log2_table[mass])


@inlined_kernel
def score_tree(block: Block, model: Model, tree: int, point: int, row: int, scratch: Scratch) -> float:
    """The score in one tree whose way to the point's leaf stands in ``row`` of the scratch.

    From the leaf upward: at each node the point is cut off with probability ``distance / (sides + distance)``, which
    gives ``1 / (depth + 1)``, and otherwise what is below counts. The first box that holds the point ends it: so do all
    above.
    """
    way, depth = scratch.ways[row], scratch.depths[row]
    box, mask = address_of(scratch.box), address_of(scratch.mask)
    leaf = way[depth]
    stored = point_address(block, model, tree, first_of(leaf))
    if is_equal(model, point, stored, mask):
        return seen_score(depth, mass_of(leaf), block.size[tree], scratch)
    begin_box(model, box, stored)
    score = scratch.inverse[depth]
    level = depth - 1
    while level >= 0 and mass_of(way[level]) <= KEPT_ABOVE:
        merge_small_sibling(block, model, tree, box, way[level + 1], way[level])
        distance, sides = gaps(model, box, point, mask)
        if distance <= 0.0:
            return score
        separation = distance / (sides + distance)
        score = separation * scratch.inverse[level] + (1.0 - separation) * score
        level -= 1
    while level >= 0:
        kept = grow_box(block, model, tree, box, way[level + 1], way[level])
        if kept == NO_BOX:
            keep_box(block, model, tree, way[level], box)
        distance, sides = gaps(model, box, point, mask)
        if distance <= 0.0:
            break
        separation = distance / (sides + distance)
        score = separation * scratch.inverse[level] + (1.0 - separation) * score
        level -= 1
    return score


@kernel
def score_point(block: Block, model: Model, point: int, scratch: Scratch) -> float:
    """Mean score over all trees of the point at address ``point``; every tree holds a sample.

    Nothing changes but which boxes are kept, and that changes no result.
    """
    total = 0.0
    groups = (model.trees + WALKED_TOGETHER - 1) // WALKED_TOGETHER
    for group in range(groups):
        first = group * WALKED_TOGETHER
        fetch_part(scratch.ahead, group, groups)
        walk_together(block, model, first, point, scratch.ways, scratch.depths)
        for row in range(min(WALKED_TOGETHER, model.trees - first)):
            tree = first + row
            score = score_tree(block, model, tree, point, row, scratch)
            total += score * scratch.log2_table[block.size[tree]]
    return total / model.trees
