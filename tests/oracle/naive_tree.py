"""One random cut tree as linked nodes, slow and obvious.

Guha, Mishra, Roy, Schrijvers, "Robust Random Cut Forest Based Anomaly Detection on Streams" (ICML 2016), with
the rules of docs/architecture.md, "The forest, exactly". Section numbers: the algorithm reference.
After every change all boxes and masses are computed again from the points in the leaves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tests.oracle.random_stream import RandomStream

Point = tuple[float, ...]  # each value is exactly representable in float32


@dataclass(eq=False)
class Leaf:
    """One distinct point and how many times the sample holds it."""

    point: Point
    mass: int = 1


@dataclass(eq=False)
class Inner:
    """A cut: points with `point[dimension] <= value` are on the left (4.1)."""

    dimension: int
    value: float
    left: Node
    right: Node
    mass: int = 0
    low: Point = ()
    high: Point = ()


Node = Leaf | Inner


def leaves(node: Node) -> list[Leaf]:
    """Every leaf below `node`, from left to right."""
    if isinstance(node, Leaf):
        return [node]
    return leaves(node.left) + leaves(node.right)


def box_around(points: Iterable[Point]) -> tuple[Point, Point]:
    """The smallest box around `points`: its lowest and its highest corner (4.2)."""
    coordinates = list(zip(*points, strict=True))
    return tuple(map(min, coordinates)), tuple(map(max, coordinates))


def box_of(node: Node) -> tuple[Point, Point]:
    """The box around every point below `node`."""
    return box_around(leaf.point for leaf in leaves(node))


def measure(node: Node) -> list[Leaf]:
    """Compute every mass and box below `node` again, each from the leaves beneath it, which are returned."""
    if isinstance(node, Leaf):
        return [node]
    beneath = measure(node.left) + measure(node.right)
    node.mass = sum(leaf.mass for leaf in beneath)
    node.low, node.high = box_around(leaf.point for leaf in beneath)
    return beneath


def lane_sum(values: list[np.float32]) -> float:
    """The kernels' sum in float32: every eighth coordinate in a lane, then the lanes in a fixed order."""
    lanes = [np.float32(0.0)] * 8
    for i, value in enumerate(values):
        lanes[i % 8] = np.float32(lanes[i % 8] + value)
    for half in (4, 2, 1):
        lanes = [np.float32(lanes[i] + lanes[i + half]) for i in range(half)]
    return float(lanes[0])


def outside_and_sides(low: Point, high: Point, point: Point) -> tuple[float, float]:
    """How far the point is outside the box, and the sum of the box's sides: in float32, where that is enough."""
    nothing = np.float32(0.0)
    corners = [tuple(map(np.float32, corner)) for corner in (low, point, high)]
    with np.errstate(over="ignore", invalid="ignore"):
        outside = lane_sum(
            [max(nothing, a - x) + max(nothing, x - b) for a, x, b in zip(*corners, strict=True)]
        )
        sides = lane_sum([b - a for a, _, b in zip(*corners, strict=True)])
    if np.isfinite(outside + sides):
        return outside, sides
    wide = [(max(0.0, a - x) + max(0.0, x - b), b - a) for a, x, b in zip(low, point, high, strict=True)]
    return sum(gap for gap, _ in wide), sum(side for _, side in wide)


def cut_in_gap(low: Point, high: Point, point: Point, rest: float) -> tuple[int, float]:
    """The cut at `rest` along the gaps between the box and the point: dimension and value."""
    gaps = [max(a - x, x - b) for a, x, b in zip(low, point, high, strict=True)]
    apart = [dimension for dimension, gap in enumerate(gaps) if gap > 0]
    for dimension in apart:
        if rest <= gaps[dimension]:
            break
        rest -= gaps[dimension]
    ends = (
        (point[dimension], low[dimension])
        if point[dimension] < low[dimension]
        else (high[dimension], point[dimension])
    )
    value = np.float32(ends[0] + rest)
    return dimension, float(value) if value < np.float32(ends[1]) else just_below(ends[1])


def just_below(value: float) -> float:
    """The next float32 below `value`."""
    return float(np.nextafter(np.float32(value), np.float32(-np.inf)))


def contains(low: Point, high: Point, point: Point) -> bool:
    """Whether `point` is inside the box or on its border."""
    return all(a <= x <= b for a, x, b in zip(low, point, high, strict=True))


class NaiveTree:
    """A random cut tree over the points of one sample."""

    def __init__(self, stream: RandomStream) -> None:
        self.root: Node | None = None
        self.stream = stream

    @property
    def mass(self) -> int:
        """How many points the tree holds, equal ones counted each."""
        return 0 if self.root is None else self.root.mass

    def path(self, point: Point) -> list[Node]:
        """The nodes from the root to the leaf that the cuts lead `point` to."""
        assert self.root is not None
        nodes = [self.root]
        while isinstance(nodes[-1], Inner):
            node = nodes[-1]
            nodes.append(node.left if point[node.dimension] <= node.value else node.right)
        return nodes

    def replace(self, parent: Node | None, old: Node, new: Node) -> None:
        """Put `new` where `old` was under `parent`, or at the root if there is no parent."""
        if not isinstance(parent, Inner):
            self.root = new
        elif parent.left is old:
            parent.left = new
        else:
            parent.right = new

    def insert(self, point: Point) -> None:
        """Add `point` with the cuts that a tree built with it from the start would have (4.4)."""
        if self.root is None:
            self.root = Leaf(point)
            return
        path = self.path(point)
        last = path[-1]
        if isinstance(last, Leaf) and last.point == point:
            last.mass += 1
        else:
            self.insert_new(point, path)
        measure(self.root)

    def insert_new(self, point: Point, path: list[Node]) -> None:
        """Give a new parent to the highest node that a fresh cut separates `point` from."""
        chosen: tuple[int, int, float] | None = None
        for place in reversed(range(len(path))):
            node = path[place]
            low, high = box_of(node)
            if isinstance(node, Inner) and contains(low, high, point):
                break
            outside, sides = outside_and_sides(low, high, point)
            rest = (
                self.stream.uniform() * (sides + outside) - sides
            )  # along the extended box's sides, gaps last
            if rest >= 0:
                chosen = (place, *cut_in_gap(low, high, point, rest))
        assert chosen is not None, "at a leaf every cut separates"
        place, dimension, value = chosen
        beside = path[place]
        if point[dimension] <= value:
            parent = Inner(dimension, value, Leaf(point), beside)
        else:
            parent = Inner(dimension, value, beside, Leaf(point))
        self.replace(path[place - 1] if place > 0 else None, beside, parent)

    def delete(self, point: Point) -> None:
        """Take one copy of `point` away; the last copy takes its leaf and the leaf's parent with it (4.5)."""
        path = self.path(point)
        leaf = path[-1]
        assert isinstance(leaf, Leaf)
        assert leaf.point == point, "the sample holds a point that the tree does not"
        leaf.mass -= 1
        if leaf.mass == 0:
            if len(path) == 1:
                self.root = None
                return
            parent = path[-2]
            assert isinstance(parent, Inner)
            sibling = parent.right if parent.left is leaf else parent.left
            self.replace(path[-3] if len(path) > 2 else None, parent, sibling)
        assert self.root is not None
        measure(self.root)
