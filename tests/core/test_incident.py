"""Incidents: alerts that lie close together are one, and its name is the same wherever it is worked out."""

from __future__ import annotations

import numpy as np

from stream_rcf.core.detector import Detector
from stream_rcf.core.incident import RESOLVED_AFTER

AT = 3000  # events until the first spike: so many that two in a row are still rare


def run(detector: Detector, x: np.ndarray, start: int = 0) -> list[dict[str, object]]:
    return [
        detector.process({"value": float(value)}, 300_000 * (start + i)) for i, value in enumerate(x.tolist())
    ]


def two_spikes(apart: int) -> np.ndarray:
    x = np.random.default_rng(5).normal(size=AT + 200)
    x[AT] += 15.0
    x[AT + apart] -= 16.0
    return x


def test_alerts_close_together_are_one_incident() -> None:
    found = run(Detector(seed=1), two_spikes(RESOLVED_AFTER - 5))
    first, second = found[AT], found[AT + RESOLVED_AFTER - 5]
    assert first["incident_id"] == second["incident_id"]
    assert (first["incident_alerts"], second["incident_alerts"]) == (1, 2)
    assert second["first_anomalous_timestamp"] == first["timestamp"]
    assert second["duration_ms"] == 300_000 * (RESOLVED_AFTER - 5)


def test_alerts_far_apart_are_two() -> None:
    found = run(Detector(seed=1), two_spikes(RESOLVED_AFTER + 5))
    first, second = found[AT], found[AT + RESOLVED_AFTER + 5]
    assert first["incident_id"] != second["incident_id"]
    assert first["status"] == second["status"] == "opened"
    assert (second["incident_alerts"], second["duration_ms"]) == (1, 0)


def test_an_incident_goes_on_over_a_restart() -> None:
    x = two_spikes(20)
    whole, before, after = Detector(seed=1), Detector(seed=1), Detector(seed=1)
    expected = run(whole, x)
    run(before, x[: AT + 10])
    after.restore(before.to_bytes())
    assert run(after, x[AT + 10 :], AT + 10) == expected[AT + 10 :]


def test_its_id_tells_keys_apart() -> None:
    ids = {run(Detector(seed=1, key=key), two_spikes(20))[AT]["incident_id"] for key in ("a", "b")}
    assert len(ids) == 2
    assert all(len(str(name)) == 16 for name in ids)


def test_what_was_expected_and_where_the_value_lies() -> None:
    alert = run(Detector(seed=1), two_spikes(20))[AT]
    low, high = alert["expected_band"]["value"]
    assert low <= alert["expected_values"]["value"] <= high < alert["values"]["value"]
    assert alert["direction"] == {"value": "above"}
    assert alert["relevant_attribution"] == {"value": 1.0}
