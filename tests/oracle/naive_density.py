"""Density and distance of a point against one naive tree: the interpolation of section 7.

What the section leaves open is as in AWS's Java library: the mass counts the point asked about, and a leaf equal to it
once more; such a leaf begins with half its amounts in either direction of every coordinate, and no distance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tests.oracle.naive_score import gaps, separation
from tests.oracle.naive_tree import Inner, Leaf, NaiveTree, Point, box_around, box_of, leaves

SMALLEST_SHARE = 0.001  # the section's q


@dataclass
class Amounts:
    """Three numbers for each coordinate and direction, (d, 2)."""

    mass: np.ndarray
    probability: np.ndarray
    length: np.ndarray

    def blended(self, other: Amounts, share: float) -> Amounts:
        """All of these, and `share` of the others."""
        return Amounts(
            self.mass + share * other.mass,
            self.probability + share * other.probability,
            self.length + share * other.length,
        )


def cut_off(low: Point, high: Point, point: Point, mass: int, chance: float) -> Amounts:
    """The amounts of a cut that separates `point` from the box, which has this `chance`."""
    outside = np.array(gaps(low, high, point))
    probability = chance * outside / outside.sum()
    sides = np.array(high) - np.array(low)
    return Amounts(probability * mass, probability, probability * (outside + sides[:, None]))


def tree_amounts(tree: NaiveTree, point: Point) -> Amounts:
    """The amounts of one tree, mass as a share of its sample."""
    path = tree.path(point)
    leaf = path[-1]
    assert isinstance(leaf, Leaf)
    seen = leaf.point == point
    own = 1 + leaf.mass if seen else 1
    if seen:
        each = np.full((len(point), 2), 0.5 / len(point))
        amounts = Amounts(each * own, each, np.zeros_like(each))
    else:
        amounts = cut_off(leaf.point, leaf.point, point, own + leaf.mass, 1.0)
    for node in reversed(path[:-1]):
        assert isinstance(node, Inner)
        low, high = box_of(node)
        if seen:
            low, high = box_around(other.point for other in leaves(node) if other is not leaf)
        chance = separation(low, high, point)
        if chance > 0:
            amounts = cut_off(low, high, point, own + node.mass, chance).blended(amounts, 1 - chance)
    amounts.mass = amounts.mass / tree.mass
    return amounts


def density_of(trees: list[NaiveTree], point: Point) -> tuple[float, np.ndarray, float, np.ndarray]:
    """Density, that by direction, distance, and that by direction."""
    every = [tree_amounts(tree, point) for tree in trees]
    mass = np.mean([amounts.mass for amounts in every], axis=0)
    probability = np.mean([amounts.probability for amounts in every], axis=0).sum(axis=1)
    length = np.mean([amounts.length for amounts in every], axis=0)
    with np.errstate(over="ignore"):
        volume = sum(
            (np.float64(along) / chance) ** len(point) * chance
            for along, chance in zip(length.sum(axis=1), probability, strict=True)
            if chance > 0
        )
        density = mass.sum() / (SMALLEST_SHARE * mass.sum() + volume)
    return float(density), mass / mass.sum() * density, float(length.sum()), length
