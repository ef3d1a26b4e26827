"""The anomaly score: how near the root a point would be cut off, averaged over trees.

Expected inverse depth, algorithm reference section 5 (the AWS form). About 1 for ordinary points, towards
``log2(mass + 1)`` (8 for 256 samples) for points that the first cut would isolate, 0.5 at the least.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stream_rcf.core.insertion import leaf_equals
from stream_rcf.core.kernel import inlined_kernel, kernel
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
from stream_rcf.core.prefetch import prefetch


class Walk(NamedTuple):
    """Where each tree's walk stands, (trees,) each: working memory of ``score_point``."""

    active: np.ndarray  # int32: trees not yet at a leaf, in order
    code: np.ndarray  # int32: the node or leaf reached
    score: np.ndarray  # float64
    remaining: np.ndarray  # float64


@inlined_kernel
def seen_score(depth: float, mass: int, tree_mass: int, log2_table: np.ndarray) -> float:
    """Score of a point equal to a leaf: the more duplicates, the lower. ``log2_table[m]`` is log2(m + 1)."""
    damping = 1.0 - mass / (2.0 * tree_mass)
    return damping / (depth + log2_table[mass])


@kernel
def score_trees(
    block: Block, first: int, last: int, point: np.ndarray, log2_table: np.ndarray, walk: Walk
) -> None:
    """Set ``walk.score`` of trees ``first`` to ``last - 1``, each of which holds at least one sample.

    One way down: at each node the point is cut off with probability ``distance / (sides + distance)``, which
    contributes ``1 / (depth + 1)``; what remains goes on below. ``distance`` is how far the point lies outside the box.

    The trees are walked in step, and each child's record is fetched while the other trees take theirs: with many keys
    the forest is not in the cache, and a walk tree by tree would wait for memory at each node. All in one function,
    since passing a block's views costs more than a step.
    """
    d = point.shape[0]
    node, integers, doubles, roots = block.node, block.node_integers, block.node_doubles, block.tree
    records = node.ctypes.data
    record_bytes = node.shape[2] * 4
    tree_bytes = node.shape[1] * record_bytes
    for tree in range(first, last):
        walk.active[tree - first] = tree
        walk.code[tree] = roots[tree, ROOT]
        walk.score[tree] = 0.0
        walk.remaining[tree] = 1.0
        prefetch(records + tree * tree_bytes + max(0, walk.code[tree]) * record_bytes, record_bytes)
    left = last - first
    levels = 1.0
    while left > 0:
        kept = 0
        for i in range(left):
            tree = walk.active[i]
            code = walk.code[tree]
            if code < 0:
                walk.score[tree] = end_at_leaf(block, tree, levels, point, log2_table, walk)
                continue
            distance = 0.0
            for j in range(d):
                below = np.float64(node[tree, code, BOX + j]) - np.float64(point[j])
                above = np.float64(point[j]) - np.float64(node[tree, code, BOX + d + j])
                distance += max(0.0, below) + max(0.0, above)
            if distance > 0.0:
                separation = distance / (doubles[tree, code, RANGE_SUM] + distance)
                walk.score[tree] += walk.remaining[tree] * separation / levels
                walk.remaining[tree] *= 1.0 - separation
            if point[integers[tree, code, CUT_DIMENSION]] <= node[tree, code, CUT_VALUE]:
                child = integers[tree, code, LEFT]
            else:
                child = integers[tree, code, RIGHT]
            prefetch(records + tree * tree_bytes + max(0, child) * record_bytes, record_bytes)
            walk.code[tree] = child
            walk.active[kept] = tree
            kept += 1
        left = kept
        levels += 1.0


@inlined_kernel
def end_at_leaf(
    block: Block, tree: int, levels: float, point: np.ndarray, log2_table: np.ndarray, walk: Walk
) -> float:
    """The tree's score once its walk has reached a leaf, the ``levels``-th place on its way.

    A point that was ever outside a box (``remaining`` below 1) equals no leaf, and the leaf need not be read.
    """
    leaf = ~walk.code[tree]
    tree_mass = block.tree[tree, SIZE]
    score, remaining = walk.score[tree], walk.remaining[tree]
    if remaining == 1.0 and leaf_equals(block, tree, leaf, point):
        score += seen_score(levels - 1.0, block.leaf[tree, leaf, LEAF_MASS], tree_mass, log2_table)
    else:
        score += remaining / levels
    return score * log2_table[tree_mass]


@inlined_kernel
def score_point(block: Block, point: np.ndarray, log2_table: np.ndarray, walk: Walk) -> float:
    """Mean score of ``point`` over all trees, each of which holds at least one sample; nothing changes."""
    trees = block.tree.shape[0]
    score_trees(block, 0, trees, point, log2_table, walk)
    total = 0.0
    for tree in range(trees):
        total += walk.score[tree]
    return total / trees
