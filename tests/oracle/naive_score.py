"""Score and attribution of a point in one naive tree: the recursions of sections 4.6, 5 and 6."""

from __future__ import annotations

import math

from tests.oracle.naive_tree import Inner, Leaf, NaiveTree, Point, box_around, box_of, outside_and_sides

Directions = list[list[float]]  # per coordinate: [above, below]


def gaps(low: Point, high: Point, point: Point) -> Directions:
    """How far `point` is above and below the box in each coordinate; 0 where it is not (section 6)."""
    return [[max(0.0, x - b), max(0.0, a - x)] for a, x, b in zip(low, point, high, strict=True)]


def side_sum(low: Point, high: Point) -> float:
    """The sum of the sides of a box (4.2)."""
    return sum(b - a for a, b in zip(low, high, strict=True))


def separation(low: Point, high: Point, point: Point) -> float:
    """The probability that a random cut separates `point` from the box (4.6)."""
    distance, sides = outside_and_sides(low, high, point)
    return 0.0 if distance == 0 else distance / (sides + distance)


def seen(depth: int, mass: int, tree_mass: int) -> float:
    """The damped value of a leaf equal to the point (section 5: damp times scoreSeen)."""
    return (1 - mass / (2 * tree_mass)) / (depth + math.log2(mass + 1))


def unseen(depth: int) -> float:
    """The value of being separated at `depth` (section 5: scoreUnseen)."""
    return 1 / (depth + 1)


def tree_score(tree: NaiveTree, point: Point) -> float:
    """The anomaly score of `point` against one tree that holds at least one point (section 5)."""

    def value(depth: int) -> float:
        node = path[depth]
        if isinstance(node, Leaf):
            return seen(depth, node.mass, tree.mass) if node.point == point else unseen(depth)
        probability = separation(node.low, node.high, point)
        return probability * unseen(depth) + (1 - probability) * value(depth + 1)

    path = tree.path(point)
    return value(0) * math.log2(tree.mass + 1)


def tree_attribution(tree: NaiveTree, point: Point) -> Directions:
    """The score of `point` in one tree, shared among coordinates and directions (section 6)."""
    path = tree.path(point)
    leaf = path[-1]
    assert isinstance(leaf, Leaf)
    shares = seen_shares(tree, point) if leaf.point == point else unseen_shares(tree, point)
    factor = math.log2(tree.mass + 1)
    return [[above * factor, below * factor] for above, below in shares]


def unseen_shares(tree: NaiveTree, point: Point) -> Directions:
    """The shares of a point that is in no leaf: at every level, each gap's part of the separating cut."""
    path = tree.path(point)
    leaf = path[-1]
    assert isinstance(leaf, Leaf)
    bottom = len(path) - 1
    shares = blend(leaf.point, leaf.point, point, bottom, [[0.0, 0.0] for _ in point])
    for depth in reversed(range(bottom)):
        low, high = box_of(path[depth])
        shares = blend(low, high, point, depth, shares)
    return shares


def seen_shares(tree: NaiveTree, point: Point) -> Directions:
    """The shares of a point equal to a leaf: directions as if without that leaf, scaled to its score."""
    path = tree.path(point)
    leaf = path[-1]
    bottom = len(path) - 1
    score = seen(bottom, leaf.mass, tree.mass)
    shares = [[score / (2 * len(point))] * 2 for _ in point]
    without: list[Point] = []  # every point beneath path[depth], the duplicated leaf left out
    for depth in reversed(range(bottom)):
        node = path[depth]
        assert isinstance(node, Inner)
        sibling = node.left if path[depth + 1] is node.right else node.right
        without += box_of(sibling)
        low, high = box_around(without)
        if separation(low, high, point) == 0:
            break
        shares = blend(low, high, point, depth, shares)
    total = sum(above + below for above, below in shares)
    return [[above * score / total, below * score / total] for above, below in shares]


def blend(low: Point, high: Point, point: Point, depth: int, shares: Directions) -> Directions:
    """One step upward: the cut separates here with probability P, each direction by its gap."""
    distances = gaps(low, high, point)
    distance = sum(above + below for above, below in distances)
    if distance == 0:
        return shares
    cut = separation(low, high, point)
    stay = 1 - cut
    share = cut / distance * unseen(depth)
    return [
        [above * share + stay * old_above, below * share + stay * old_below]
        for (above, below), (old_above, old_below) in zip(distances, shares, strict=True)
    ]
