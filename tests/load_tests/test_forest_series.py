from __future__ import annotations

import numpy as np

from load_tests.forest.python_peers import VALUE_LIMITS
from load_tests.forest.series import LEVEL, Series
from load_tests.workload import PERIOD


def test_the_same_seed_gives_the_same_records_and_they_go_on() -> None:
    first, second = Series(3, keys=2), Series(3, keys=2)
    parts = [first.take(5), first.take(7)]

    assert [part.shape for part in parts] == [(5, 2, 3), (7, 2, 3)]
    assert all(part.dtype == np.float32 for part in parts)
    assert all(np.array_equal(part, second.take(len(part))) for part in parts)
    assert not np.array_equal(parts[0], Series(3, keys=2, seed=1).take(5))


def test_the_wave_does_not_begin_anew_with_each_part() -> None:
    in_parts = Series(1)
    first = in_parts.take(PERIOD // 4)
    second = in_parts.take(PERIOD // 4)

    # A rising quarter from 0 to 1, then a falling one: medians pass over noise and spikes.
    assert 0.3 < np.median(first) < 0.95
    assert np.median(first[:4]) < np.median(first[-4:])
    assert np.median(second[:4]) > np.median(second[-4:])


def test_keys_lie_apart_and_one_key_lies_within_the_limits_told_to_a_peer() -> None:
    records = Series(1, keys=3).take(2000)

    assert np.round(np.median(records, axis=0).ravel() / LEVEL).tolist() == [0.0, 1.0, 2.0]
    assert VALUE_LIMITS[0] < records[:, 0].min()
    assert 4.0 < records[:, 0].max() < VALUE_LIMITS[1], "spikes are in"
