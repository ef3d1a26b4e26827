from __future__ import annotations

import numpy as np
import pytest

from stream_rcf.core.parameters import DetectorParameters, ForestParameters
from stream_rcf.tuning import replay as replay_module
from stream_rcf.tuning.replay import replay
from tests.tuning.support import key_sample, sample

PARAMETERS = DetectorParameters(forest=ForestParameters(trees=10, sample_size=32, shingle_size=1))


def spiked(count: int) -> np.ndarray:
    values = np.arange(count) % 5.0
    values[-5] = 100
    return values


def test_alerts_are_counted_and_the_series_kept_for_pictures() -> None:
    found = replay(sample(key_sample(spiked(300), key="a"), key_sample(spiked(200), key="b")), PARAMETERS)
    assert found.alerts >= 2
    assert (found.keys, found.series.keys) == (2, 2)
    assert found.key_weeks == (299 + 199) / (7 * 24)
    assert "alerts in 2 keys of the sample, " in str(found)
    assert str(found).endswith("per key and week")
    drawn = found.series.most_anomalous(2)
    assert {295} <= set(drawn[0].anomalies.tolist()) | set(drawn[1].anomalies.tolist())


def test_without_times_there_is_no_rate() -> None:
    found = replay(sample(key_sample(spiked(300), None)), PARAMETERS)
    assert (found.key_weeks, str(found).endswith("of the sample")) == (0, False)
    assert "per key and week" not in str(found)
    assert found.series.most_anomalous(1)[0].times is None


def test_of_a_long_sample_some_keys_are_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_module, "MOST_VALUES", 500 * replay_module.LEAST_DIMENSIONS)
    keys = [key_sample(spiked(300), key=str(number)) for number in range(3)]
    assert replay(sample(*keys), PARAMETERS).keys == 1
    monkeypatch.setattr(replay_module, "MOST_VALUES", 1)
    assert replay(sample(*keys), PARAMETERS).keys == 1, "one always is"
