"""What becomes of an event's values before the detector sees them, as it is asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from stream_rcf.core.requirements import require
from stream_rcf.errors import UsageError
from stream_rcf.time_zones import time_zone_complaint

SEASONS_VERSION = 1  # raise it whenever something else would be usual at a time of the day or the week
LEAST_WEIGHT, MOST_WEIGHT = 2.0**-20, 2.0**20


class Transform(IntEnum):
    """How a feature is looked at; ``text`` is its name in the settings. Expected values are told in its own units."""

    NONE = 0  # as it is
    LOG = 1  # log(1 + x), of x below 0 -log(1 - x): for counts and latencies, whose large values lie ever farther apart
    DIFFERENCE = 2  # less the value before: for counters, and for levels that wander
    SUBTRACT_AVERAGE = 3  # less the average so far, which forgets as the forest does: for slow trends
    SUBTRACT_TIME_OF_DAY = 4  # less what is usual at this time of the day: see seasons.py
    SUBTRACT_TIME_OF_WEEK = 5  # less what is usual at this time of the week

    @property
    def text(self) -> str:
        """Its name in the settings."""
        return self.name.lower()

    @property
    def is_seasonal(self) -> bool:
        """Whether it needs the local time."""
        return self >= Transform.SUBTRACT_TIME_OF_DAY  # as in transforms.py


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """The transform and the weight of each feature.

    ``transforms`` and ``weights``: by feature, in their order; empty for none, and for 1 each. ``normalize``: whether
    several features are brought to one scale for the forest, each by how far its own values are spread, so that none
    counts for more because of its unit; weights then say how much each counts, by its spread. A single feature needs
    neither: scores of a forest do not depend on the unit of all its coordinates.
    ``time_zone``: whose clocks tell the time of the day and of the week, by its IANA name.
    Raises ``UsageError`` for a weight outside 2**-20 to 2**20, and for weights without ``normalize``.
    """

    transforms: tuple[Transform, ...] = ()
    weights: tuple[float, ...] = ()
    normalize: bool = True
    time_zone: str = "UTC"

    def __post_init__(self) -> None:
        for weight in self.weights:
            known = math.isfinite(weight) and LEAST_WEIGHT <= weight <= MOST_WEIGHT
            require(known, "a weight", weight, f"between {LEAST_WEIGHT:g} and {MOST_WEIGHT:g}")
        complaint = time_zone_complaint(self.time_zone)
        require(not complaint, "time_zone", self.time_zone, complaint)
        if self.weights and not self.normalize:
            raise UsageError("weights say how much features count once they are normalised: set normalize")

    def check(self, features: int) -> None:
        """Raise ``UsageError`` unless it is for so many features."""
        for name, given in (("transforms", self.transforms), ("weights", self.weights)):
            if given and len(given) != features:
                raise UsageError(f"{name} has {len(given)} entries, but there are {features} features")

    def transforms_of(self, features: int) -> tuple[Transform, ...]:
        """The transform of each of so many features."""
        return self.transforms or (Transform.NONE,) * features

    def weights_of(self, features: int) -> tuple[float, ...]:
        """The weight of each of so many features."""
        return self.weights or (1.0,) * features

    @property
    def is_seasonal(self) -> bool:
        """Whether any transform needs the local time."""
        return any(transform.is_seasonal for transform in self.transforms)

    def shape(self, has_units: bool) -> tuple[object, ...]:
        """What of it can change a score: empty where nothing can. ``has_units``: whether it normalises anything."""
        names = [transform.text for transform in self.transforms]
        return (
            *((("transforms", *names),) if any(self.transforms) else ()),
            *((("seasons", SEASONS_VERSION, self.time_zone),) if self.is_seasonal else ()),
            *((("normalize", *self.weights),) if has_units else ()),
        )


def preprocessing_of(
    features: Sequence[str],
    transforms: Mapping[str, str],
    weights: Mapping[str, float],
    normalize: bool,
    time_zone: str = "UTC",
) -> Preprocessing:
    """The same by the features' names; those that are not named have no transform, and weight 1.

    Raises ``UsageError`` for a feature, a transform or a time zone that there is none of.
    """
    for name, given in (("transforms", transforms), ("weights", weights)):
        unknown = [feature for feature in given if feature not in features]
        if unknown:
            raise UsageError(
                f"{name} names the feature {unknown[0]!r}, which is none of {', '.join(features)}"
            )
    known = {transform.text: transform for transform in Transform}
    for feature, text in transforms.items():
        if text not in known:
            raise UsageError(
                f"the transform of {feature!r} is {text!r}, but must be one of {', '.join(known)}"
            )
    return Preprocessing(
        tuple(known[transforms.get(feature, "none")] for feature in features) if transforms else (),
        tuple(float(weights.get(feature, 1.0)) for feature in features) if weights else (),
        normalize,
        time_zone,
    )
