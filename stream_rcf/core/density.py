"""Density and distance: how thick and how far the sample lies around a point, by direction.

Algorithm reference, section 7, and the interpolation visitor of AWS's Java library, whose numbers these are. The same
recursion as attribution carries three amounts by coordinate and direction: the mass on the other side of the cut that
separates the point, the probability of that cut, and the length of the extended box along it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stream_rcf.core.boxes import (
    begin_box,
    border,
    gaps,
    grow_box,
    is_equal,
    merge_sibling,
    point_address,
    wide_gaps,
)
from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.layout import Block
from stream_rcf.core.memory import address_of, load_float
from stream_rcf.core.model import Model
from stream_rcf.core.scratch import Scratch
from stream_rcf.core.walk import first_of, mass_of, walk_to_leaf

ABOVE, BELOW = 0, 1  # directions: the point lies above, or below, what was seen
MASS, PROBABILITY, LENGTH = 0, 1, 2  # the amounts
OF_TREE, OF_ALL = 0, 1  # rows of ``scratch.amounts``: of one tree, and summed over trees
OWN_MASS = 1.0  # points: the one asked about counts with those it is compared with
MASS_SHARE = 0.001  # the reference's q: of the mass, added to the volume, so that no density is above 1 / q


class Density(NamedTuple):
    """What surrounds a point. ``d`` is ``shingle_size * dimensions``, oldest record first; column 0 above, 1 below.

    Densities are shares of the sample per unit of d-dimensional volume, 0 to 1000: most in the thick of equal points,
    near 0 far outside. With many coordinates the volume is a high power, so they span many orders of magnitude:
    compare logarithms. Distances are in the units of the values: 0 amid equal points, larger outside.
    """

    density: float
    directional_density: np.ndarray  # (d, 2): sums to ``density``; how much of it lies in each direction
    distance: float  # the expected length of the extended box along the cut that separates the point
    directional_distance: np.ndarray  # (d, 2): sums to ``distance``


@inlined_kernel
def _blend(
    model: Model, amounts: np.ndarray, box: int, point: int, mass: float, separation: float, kept: float
) -> None:
    """Keep ``kept`` of the amounts so far and spread ``separation`` over the directions by their gaps."""
    distance, _ = wide_gaps(model, box, point)
    for i in range(model.point_dimensions):
        lower, upper = border(box, i)
        value = np.float64(load_float(point + 4 * i))
        side = np.float64(upper) - np.float64(lower)
        for direction in range(2):
            gap = max(0.0, value - np.float64(upper) if direction == ABOVE else np.float64(lower) - value)
            probability = gap / distance * separation
            amounts[MASS, i, direction] = amounts[MASS, i, direction] * kept + probability * mass
            amounts[PROBABILITY, i, direction] = amounts[PROBABILITY, i, direction] * kept + probability
            amounts[LENGTH, i, direction] = amounts[LENGTH, i, direction] * kept + probability * (gap + side)


@kernel
def _interpolate_tree(block: Block, model: Model, tree: int, point: int, scratch: Scratch) -> None:
    """Set the amounts of one tree, which is not empty.

    A point equal to its leaf begins with the leaf's mass in all directions, and takes directions from shadow boxes,
    those that the siblings on its way alone would make.
    """
    amounts, way = scratch.amounts[OF_TREE], scratch.ways[0]
    box, mask = address_of(scratch.box), address_of(scratch.mask)
    depth = walk_to_leaf(block, model, tree, point, way)
    leaf = way[depth]
    stored = point_address(block, model, tree, first_of(leaf))
    is_seen = is_equal(model, point, stored, mask)
    own = OWN_MASS + mass_of(leaf) if is_seen else OWN_MASS
    for i in range(model.point_dimensions):
        for direction in range(2):
            amounts[MASS, i, direction] = 0.5 * own / model.point_dimensions if is_seen else 0.0
            amounts[PROBABILITY, i, direction] = 0.5 / model.point_dimensions if is_seen else 0.0
            amounts[LENGTH, i, direction] = 0.0
    if is_seen and depth > 0:
        parent = way[depth - 1]
        beside = first_of(parent) + (mass_of(leaf) if first_of(parent) == first_of(leaf) else 0)
        begin_box(model, box, point_address(block, model, tree, beside))
    elif not is_seen:
        begin_box(model, box, stored)
        _blend(model, amounts, box, point, own + mass_of(leaf), 1.0, 0.0)
    for level in range(depth - 1, -1, -1):
        if is_seen:
            merge_sibling(block, model, tree, box, way[level + 1], way[level])
        else:
            grow_box(block, model, tree, box, way[level + 1], way[level])
        distance, sides = gaps(model, box, point, mask)
        if distance <= 0.0:
            break
        separation = distance / (sides + distance)
        _blend(model, amounts, box, point, own + mass_of(way[level]), separation, 1.0 - separation)


@kernel
def interpolate_point(block: Block, model: Model, point: int, scratch: Scratch) -> None:
    """Set ``scratch.amounts[OF_ALL]`` to the mean over all trees; every tree holds a sample.

    Masses become shares of the tree's sample, which for full samples is the reference's number.
    """
    tree_amounts, total = scratch.amounts[OF_TREE], scratch.amounts[OF_ALL]
    for tree in range(model.trees):
        _interpolate_tree(block, model, tree, point, scratch)
        for amount in range(3):
            weight = 1.0 / (model.trees * (block.size[tree] if amount == MASS else 1.0))
            for i in range(model.point_dimensions):
                for direction in range(2):
                    before = total[amount, i, direction] if tree > 0 else 0.0
                    total[amount, i, direction] = before + tree_amounts[amount, i, direction] * weight


@inlined_kernel
def _power(base: float, exponent: int) -> float:
    """``base ** exponent`` for exponents from 1 on, by squaring: the same bits everywhere."""
    result = 1.0
    while exponent > 0:
        if exponent % 2 == 1:
            result *= base
        base *= base
        exponent //= 2
    return result


@kernel
def density_from(amounts: np.ndarray) -> tuple[float, float, float]:
    """(density, mass, distance) of the mean amounts (3, d, 2); algorithm reference, section 7."""
    d = amounts.shape[1]
    mass, volume, distance = 0.0, 0.0, 0.0
    for i in range(d):
        probability = amounts[PROBABILITY, i, ABOVE] + amounts[PROBABILITY, i, BELOW]
        length = amounts[LENGTH, i, ABOVE] + amounts[LENGTH, i, BELOW]
        mass += amounts[MASS, i, ABOVE] + amounts[MASS, i, BELOW]
        distance += length
        if probability > 0.0 and length > 0.0:
            volume += _power(length / probability, d) * probability
    return mass / (MASS_SHARE * mass + volume), mass, distance


def density_of(amounts: np.ndarray) -> Density:
    """The ``Density`` of the mean amounts (3, d, 2) float64."""
    density, mass, distance = density_from(amounts)
    return Density(float(density), amounts[MASS] * (density / mass), float(distance), amounts[LENGTH].copy())


def no_density(point_dimensions: int) -> Density:
    """Of a forest that has no score yet: all 0."""
    nothing = np.zeros((point_dimensions, 2), np.float64)
    return Density(0.0, nothing, 0.0, nothing.copy())
