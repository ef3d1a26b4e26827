"""Displacement and CoDisp by their definitions: insert the point, delete subtrees, compare depths.

Displacement: the algorithm reference, section 5.1 (Java: seen 1, unseen the mass). CoDisp: Guha, Mishra, Roy,
Schrijvers (ICML 2016), section 3: the greatest, over the subtrees C that hold the point, of the sum of the depths that
the points outside C lose when C is deleted, divided by the points in C.
"""

from __future__ import annotations

from copy import deepcopy

from tests.oracle.naive_score import separation
from tests.oracle.naive_tree import Inner, Leaf, NaiveTree, Node, Point, box_of, leaves
from tests.oracle.random_stream import RandomStream


def tree_displacement(tree: NaiveTree, point: Point) -> float:
    """The points that `point` displaces in one tree, expected over where insertion would put it."""
    return expected(tree, point, [float(node.mass) for node in tree.path(point)], seen=1.0)


def tree_codisp(tree: NaiveTree, point: Point) -> float:
    """The CoDisp of `point` in one tree, expected over where insertion would put it."""
    path = tree.path(point)
    inserted = [codisp_in(with_point_beside(tree, place, point), point) for place in range(len(path))]
    leaf = path[-1]
    assert isinstance(leaf, Leaf)
    seen = codisp_in(with_point_in_leaf(tree, point), point) if leaf.point == point else 0.0
    return expected(tree, point, inserted, seen)


def expected(tree: NaiveTree, point: Point, values: list[float], seen: float) -> float:
    """The mean of `values`, each with the probability that `point` is separated at that place first."""
    path = tree.path(point)
    leaf = path[-1]
    assert isinstance(leaf, Leaf)
    mean, reaches = 0.0, 1.0
    for node, value in zip(path, values, strict=True):
        cut = separation(*box_of(node), point) if isinstance(node, Inner) else float(leaf.point != point)
        mean += reaches * cut * value
        reaches *= 1 - cut
    return mean + reaches * seen


def with_point_beside(tree: NaiveTree, place: int, point: Point) -> NaiveTree:
    """A copy of the tree in which `point` is the sibling of the node at `place` on its path."""
    copy = NaiveTree(RandomStream(0))
    copy.root = deepcopy(tree.root)
    path = copy.path(point)
    # Which coordinate is cut does not matter here: only depths are compared.
    parent = Inner(0, 0.0, Leaf(point), path[place])
    copy.replace(path[place - 1] if place else None, path[place], parent)
    return copy


def with_point_in_leaf(tree: NaiveTree, point: Point) -> NaiveTree:
    """A copy of the tree whose leaf equal to `point` holds it once more."""
    copy = NaiveTree(RandomStream(0))
    copy.root = deepcopy(tree.root)
    leaf = copy.path(point)[-1]
    assert isinstance(leaf, Leaf)
    leaf.mass += 1
    return copy


def codisp_in(tree: NaiveTree, point: Point) -> float:
    """The CoDisp of the leaf that holds `point`, by deleting every subtree around it."""
    assert tree.root is not None
    around = next(holders(tree.root, leaf) for leaf in leaves(tree.root) if leaf.point == point)
    before = depths(tree.root)
    worst = 0.0
    for place, subtree in enumerate(around[:-1]):
        parent = around[place + 1]
        assert isinstance(parent, Inner)
        rest = NaiveTree(RandomStream(0))
        rest.root = tree.root
        above = around[place + 2] if place + 2 < len(around) else None
        sibling = parent.right if parent.left is subtree else parent.left
        rest.replace(above, parent, sibling)
        assert rest.root is not None
        after = depths(rest.root)
        rest.replace(above, sibling, parent)
        deleted = sum(leaf.mass for leaf in leaves(subtree))
        lost = sum(mass * (before[leaf][0] - depth) for leaf, (depth, mass) in after.items())
        worst = max(worst, lost / deleted)
    return worst


def holders(node: Node, leaf: Leaf) -> list[Node]:
    """The subtrees that hold `leaf`, from itself to the root; empty when it is not below `node`."""
    if node is leaf:
        return [node]
    if isinstance(node, Leaf):
        return []
    below = holders(node.left, leaf) or holders(node.right, leaf)
    return [*below, node] if below else []


def depths(node: Node, depth: int = 0) -> dict[Leaf, tuple[int, int]]:
    """Depth and mass of every leaf below `node`."""
    if isinstance(node, Leaf):
        return {node: (depth, node.mass)}
    return {**depths(node.left, depth + 1), **depths(node.right, depth + 1)}
