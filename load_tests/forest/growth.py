"""How the cost of an event grows with the trees, the sample, the dimensions and the number of keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from load_tests.figures import Figure
from load_tests.forest.comparison import Comparison, Plan, compare, rounds_of, settle
from load_tests.forest.series import Series
from load_tests.forest.shapes import STANDARD, Shape
from load_tests.forest.start import measuring_core, start_aws, start_ours

WARM_SAMPLES = 10  # sample sizes that a forest learns first: its sample is in its steady state then
KEY_AGE = (
    512  # events that each of many keys learns first: twice the sample; ten times would take many minutes
)
MOST_AWS_KEYS = 1000  # with boxes 1.2 GB
MEMORY_SHARE = 0.6  # of what is available, for one curve's keys
BYTES_PER_KIB = 1024


@dataclass(frozen=True)
class GrowthPoint:
    """One value of what grows. ``peer`` is ``None`` where AWS was not measured, ``ours`` where memory was too small."""

    value: int
    ours: Figure | None
    peer: Figure | None
    disturbed: bool = False


@dataclass(frozen=True)
class Growth:
    """One curve. ``what`` grows, while the rest is ``constant``."""

    what: str
    constant: str
    points: Sequence[GrowthPoint]


@dataclass(frozen=True)
class Extent:
    """The values of each curve, ascending."""

    trees: Sequence[int]
    samples: Sequence[int]
    features: Sequence[int]
    keys: Sequence[int]


FULL_EXTENT = Extent(
    trees=(10, 25, 50, 100, 200),
    samples=(64, 128, 256, 512, 1024, 2048),
    features=(1, 4, 16, 64, 256),
    keys=(1, 10, 100, 1000, 10_000),
)
QUICK_EXTENT = Extent(trees=(10, 200), samples=(64, 1024), features=(1, 64), keys=(1, 100))


def measure_growth(extent: Extent, plan: Plan, key_bytes: int) -> list[Growth]:
    """All four curves; ``key_bytes`` of memory that a mature key takes decide how many keys are tried."""
    single = Shape(shingle_size=1)
    return [
        Growth("trees", "256 samples, 1 feature, shingle 8", _curve(STANDARD, "trees", extent.trees, plan)),
        Growth(
            "samples", "50 trees, 1 feature, shingle 8", _curve(STANDARD, "sample_size", extent.samples, plan)
        ),
        Growth(
            "features", "50 trees, 256 samples, shingle 1", _curve(single, "features", extent.features, plan)
        ),
        Growth(
            "keys",
            f"50 trees, 256 samples, 1 feature, shingle 8; in turn, {KEY_AGE} events old, ours in batches of 1,000",
            [_keys(keys, plan, key_bytes) for keys in extent.keys],
        ),
    ]


def _curve(shape: Shape, name: str, values: Sequence[int], plan: Plan) -> list[GrowthPoint]:
    points = []
    for value in values:
        changed = replace(shape, **{name: value})
        core = [measuring_core()]
        series = Series(changed.features)
        with start_ours(changed, core) as ours, start_aws(changed, core) as aws:
            records = series.take(WARM_SAMPLES * changed.sample_size)
            ours.learn(records)
            aws.learn(records)
            points.append(_point(value, compare(ours, aws, series, 1, plan)))
    return points


def _point(value: int, comparison: Comparison) -> GrowthPoint:
    return GrowthPoint(value, comparison.ours, comparison.peer, comparison.disturbed)


def _keys(keys: int, plan: Plan, key_bytes: int) -> GrowthPoint:
    if keys * key_bytes > MEMORY_SHARE * available_memory():
        return GrowthPoint(keys, None, None)
    core = [measuring_core()]
    series = Series(STANDARD.features, keys)
    with start_ours(STANDARD, core, keys, keyed=1) as ours:
        records = series.take(KEY_AGE)
        ours.learn(records)
        if keys <= MOST_AWS_KEYS:
            with start_aws(STANDARD, core, keys) as aws:
                aws.learn(records)
                return _point(keys, compare(ours, aws, series, keys, plan))
        rounds = rounds_of(settle([ours], series, keys), plan.seconds, keys)
        turns = [ours.turn(series.take(rounds)) for _ in range(plan.repetitions)]
    return GrowthPoint(keys, Figure("ours", tuple(turn.core_rate for turn in turns)), None)


def available_memory() -> int:
    """Bytes that programs can have without swapping."""
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return int(value.split()[0]) * BYTES_PER_KIB
    raise RuntimeError("/proc/meminfo does not say MemAvailable")
