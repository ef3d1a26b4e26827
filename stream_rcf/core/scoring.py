"""The anomaly score: how near the root a point would be cut off, averaged over trees.

Expected inverse depth, algorithm reference section 5 (the AWS form). About 1 for ordinary points, towards
``log2(mass + 1)`` (8 for 256 samples) for points that the first cut would isolate, 0.5 at the least.
"""

from __future__ import annotations

from stream_rcf.core.ahead import fetch_part
from stream_rcf.core.boxes import (
    begin_box,
    copy_box,
    gaps,
    is_equal,
    keep_box,
    kept_box,
    merge_sibling,
    merge_small_sibling,
    point_address,
)
from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.layout import Block
from stream_rcf.core.memory import address_of
from stream_rcf.core.model import Model
from stream_rcf.core.scratch import Scratch
from stream_rcf.core.walk import WALKED_TOGETHER, first_of, mass_of, slot_of, walk_trees


@inlined_kernel
def seen_score(depth: int, mass: int, tree_mass: int, scratch: Scratch) -> float:
    """Score of a point equal to a leaf: the more duplicates, the lower."""
    damping = 1.0 - mass / (2.0 * tree_mass)
    return damping / (depth + scratch.log2_table[mass])


@inlined_kernel
def score_tree(block: Block, model: Model, tree: int, point: int, lane: int, scratch: Scratch) -> float:
    """The score in one tree whose way to the point's leaf stands in ``lane`` of the walks.

    From the leaf upward: at each node the point is cut off with probability ``distance / (sides + distance)``, which
    gives ``1 / (depth + 1)``, and otherwise what is below counts. The first box that holds the point ends it: so do all
    above.
    """
    way, depth = scratch.walks.ways[lane], scratch.walks.depths[lane]
    box, mask = address_of(scratch.box), address_of(scratch.mask)
    leaf = way[depth]
    stored = point_address(block, model, tree, first_of(leaf))
    if is_equal(model, point, stored, mask):
        return seen_score(depth, mass_of(leaf), block.size[tree], scratch)
    begin_box(model, box, stored)
    below = box  # the box of the place below: the scratch, or a kept one
    score = scratch.inverse[depth]
    for level in range(depth - 1, -1, -1):
        place = way[level]
        if mass_of(place) <= block.kept_above:
            merge_small_sibling(block, model, tree, box, way[level + 1], place)
        else:
            kept = kept_box(block, model, block.node[tree, slot_of(place)])
            if kept == 0:
                if below != box:
                    copy_box(model, box, below)
                merge_sibling(block, model, tree, box, way[level + 1], place)
                keep_box(block, model, tree, place, box)
                below = box
            else:
                below = kept
        distance, sides = gaps(model, below, point, mask)
        if distance <= 0.0:
            break
        separation = distance / (sides + distance)
        score = separation * scratch.inverse[level] + (1.0 - separation) * score
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
        walk_trees(block, model, first, point, scratch.walks)
        for lane in range(min(WALKED_TOGETHER, model.trees - first)):
            tree = first + lane
            score = score_tree(block, model, tree, point, lane, scratch)
            total += score * scratch.log2_table[block.size[tree]]
    return total / model.trees
