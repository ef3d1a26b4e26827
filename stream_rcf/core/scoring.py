"""The anomaly score: how near the root a point would be cut off, averaged over trees.

Expected inverse depth, algorithm reference section 5 (the AWS form). About 1 for ordinary points, towards
``log2(mass + 1)`` (8 for 256 samples) for points that the first cut would isolate, 0.5 at the least.
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.insertion import leaf_equals
from stream_rcf.core.kernel import kernel
from stream_rcf.core.layout import (
    BOX,
    CUT_DIMENSION,
    CUT_VALUE,
    LEAF_MASS,
    LEFT,
    RANGE_SUM,
    RIGHT,
    ROOT,
    SIZE,
    Block,
)


@kernel
def seen_score(depth: int, mass: int, tree_mass: int, log2_table: np.ndarray) -> float:
    """Score of a point equal to a leaf: the more duplicates, the lower. ``log2_table[m]`` is log2(m + 1)."""
    damping = 1.0 - mass / (2.0 * tree_mass)
    return damping / (depth + log2_table[mass])


@kernel
def outside_distance(record: np.ndarray, point: np.ndarray) -> float:
    """Sum over coordinates of how far ``point`` lies outside a node's box; 0 inside."""
    d = point.shape[0]
    distance = 0.0
    for i in range(d):
        below = np.float64(record[BOX + i]) - np.float64(point[i])
        above = np.float64(point[i]) - np.float64(record[BOX + d + i])
        distance += max(0.0, below) + max(0.0, above)
    return distance


@kernel
def score_tree(block: Block, tree: int, point: np.ndarray, log2_table: np.ndarray) -> float:
    """Score of ``point`` in one tree that holds at least one sample; nothing changes.

    One way down: at each node the point is cut off with probability ``distance / (sides + distance)``, which
    contributes ``1 / (depth + 1)``; what remains goes on below.
    """
    tree_mass = block.tree[tree, SIZE]
    code = block.tree[tree, ROOT]
    depth = 0
    score = 0.0
    remaining = 1.0
    while code >= 0:
        record = block.node[tree, code]
        distance = outside_distance(record, point)
        if distance > 0.0:
            separation = distance / (block.node_doubles[tree, code, RANGE_SUM] + distance)
            score += remaining * separation / (depth + 1.0)
            remaining *= 1.0 - separation
        integers = block.node_integers[tree, code]
        below = point[integers[CUT_DIMENSION]] <= record[CUT_VALUE]
        code = integers[LEFT] if below else integers[RIGHT]
        depth += 1
    if leaf_equals(block, tree, ~code, point):
        score += remaining * seen_score(depth, block.leaf[tree, ~code, LEAF_MASS], tree_mass, log2_table)
    else:
        score += remaining / (depth + 1.0)
    return score * log2_table[tree_mass]


@kernel
def score_point(block: Block, point: np.ndarray, log2_table: np.ndarray) -> float:
    """Mean score of ``point`` over all trees, each of which holds at least one sample."""
    trees = block.tree.shape[0]
    total = 0.0
    for tree in range(trees):
        total += score_tree(block, tree, point, log2_table)
    return total / trees
