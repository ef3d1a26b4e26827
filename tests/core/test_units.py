"""Several features on one scale: like the slow twin, whatever their units, and exactly."""

from __future__ import annotations

import numpy as np
import pytest

from stream_rcf.core.detector import Detector
from stream_rcf.core.inspect import views
from stream_rcf.core.packing import pack, unpack
from stream_rcf.core.units import change_unit
from stream_rcf.errors import CheckpointError
from tests.core.test_transforms import process
from tests.oracle.comparison import assert_same_state
from tests.oracle.naive_units import NaiveUnits
from tests.oracle.streams import constant, duplicates, gaussian, huge, mixed, tied, tiny
from tests.properties.invariants import check_block

TREES, SAMPLE, DECAY = 3, 32, 0.02


def detector(features: int = 2, shingle_size: int = 2, **arguments: object) -> Detector:
    names = [f"f{i}" for i in range(features)]
    return Detector(names, shingle_size, TREES, SAMPLE, DECAY, seed=7, **arguments)


def growing(random: np.random.Generator, count: int, features: int) -> np.ndarray:
    """Noise whose scale doubles every hundred events, another way round in every other feature."""
    scale = np.exp2(np.arange(count) / 100.0)[:, None] ** np.where(np.arange(features) % 2, 1.0, -1.0)
    return np.asarray(random.normal(size=(count, features)) * scale)


STREAMS = [gaussian, tied, constant, duplicates, huge, tiny, mixed, growing]


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.__name__)
@pytest.mark.parametrize(("features", "shingle_size"), [(2, 1), (2, 3), (3, 2)])
def test_the_forest_is_that_of_the_slow_twin(stream: object, features: int, shingle_size: int) -> None:
    x = stream(np.random.default_rng(3), 530, features)
    subject = detector(features, shingle_size)
    twin = NaiveUnits(TREES, SAMPLE, features, shingle_size, DECAY, 7)

    for event, (record, row) in enumerate(zip(process(subject, x), x, strict=True)):
        assert record["anomaly_score"] == pytest.approx(twin.process(row.tolist()), rel=1e-9), event
    assert views(subject._block).unit.tolist() == twin.units
    assert_same_state(twin.forest, subject._block)
    check_block(subject._block)
    if stream in {gaussian, growing}:
        assert twin.changes > 0


def test_what_cannot_be_changed_exactly_stays_as_it_is() -> None:
    x = np.random.default_rng(3).normal(size=(300, 2)) * [1e25, 1.0]
    x[:20, 0] = 1e-20  # in units of 1e25 their last bits would be lost
    subject, twin = detector(), NaiveUnits(TREES, SAMPLE, 2, 2, DECAY, 7)
    process(subject, x)
    for row in x.tolist():
        twin.process(row)

    assert twin.refused > 0
    assert views(subject._block).unit.tolist() == twin.units


def test_scores_do_not_hang_on_the_units_of_the_events() -> None:
    random = np.random.default_rng(1)
    x = random.normal(size=(3000, 2))
    x[:, 1] = x[:, 0] + 0.1 * x[:, 1]
    x[2500:2510, 1] *= -1.0  # as large as ever, but not where the other feature is
    plain, scaled, blind = (
        np.array([record["anomaly_score"] for record in process(Detector(["a", "b"], 1, **arguments), y)])
        for arguments, y in (
            ({}, x),
            ({}, x * [1e-4, 1e5]),
            ({"normalize": False}, x * [1e-4, 1e5]),
        )
    )

    assert np.abs(scaled[1000:] - plain[1000:]).mean() < 0.05
    usual = slice(1000, 2500)
    assert np.median(scaled[2500:2510]) > np.quantile(scaled[usual], 0.95)
    assert np.median(blind[2500:2510]) < np.quantile(blind[usual], 0.95)


def test_a_weight_makes_a_feature_count_for_more() -> None:
    random = np.random.default_rng(1)
    x = random.normal(size=(2000, 2))
    x[1900] = [4.0, 0.0]
    found = [
        process(Detector(["a", "b"], 1, alert_budget=None, weights={"a": weight}), x)[1900]["anomaly_score"]
        for weight in (0.1, 1.0, 10.0)
    ]
    assert found == sorted(found)
    assert found[2] > 1.3 * found[0]


def test_a_change_and_its_opposite_leave_nothing_behind() -> None:
    subject = detector(3)
    process(subject, gaussian(np.random.default_rng(2), 500, 3))
    before = pack(subject._block)
    address, model = subject._block.address, subject._model
    unit = float(views(subject._block).unit[1])

    assert change_unit_at(subject, 1, unit * 1024)
    check_block(subject._block)
    assert pack(subject._block) != before
    assert change_unit_at(subject, 1, unit)
    assert (address, model) == (subject._block.address, subject._model)
    assert pack(subject._block) == before


def change_unit_at(subject: Detector, feature: int, unit: float) -> bool:
    return bool(change_unit(views(subject._block), subject._model, feature, unit))


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("stream", [growing, mixed, huge, tiny], ids=lambda stream: stream.__name__)
def test_a_restored_detector_goes_on_as_if_nothing_had_been(stream: object, quick: bool) -> None:
    x = stream(np.random.default_rng(2), 900, 2)
    for cut in (1, 9, 300, 513):
        subject, other = detector(), detector()
        process(subject, x[:cut])
        other.restore(subject.to_bytes(quick=quick))
        assert process(other, x[cut:]) == process(subject, x[cut:])
        assert other.to_bytes() == subject.to_bytes()


def test_values_are_told_as_the_events_had_them() -> None:
    random = np.random.default_rng(1)
    x = random.normal(size=(1500, 2)) * [1e-4, 1e6] + [1e-3, 5e6]
    x[1450, 1] += 5e7
    found = process(Detector(["a", "b"], seed=1), x)[1450]

    assert found["is_anomaly"]
    assert found["expected_values"]["a"] == pytest.approx(1e-3, abs=4e-4)
    assert found["expected_values"]["b"] == pytest.approx(5e6, abs=4e6)
    low, high = found["expected_band"]["b"]
    assert 1e6 < low < high < 9e6
    assert found["direction"]["b"] == "above"


@pytest.mark.parametrize("unit", [0.0, 3.0, -1.0, 2.0**101, 2.0**-101, float("nan"), float("inf")])
def test_a_unit_that_none_can_be_is_refused(unit: float) -> None:
    subject = detector()
    process(subject, gaussian(np.random.default_rng(2), 100, 2))
    views(subject._block).unit[0] = unit

    with pytest.raises(CheckpointError, match="its baseline is none"):
        unpack(subject._model, pack(subject._block, quick=True))
