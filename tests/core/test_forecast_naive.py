"""The naive peers, beyond the end of what they remember and of one period."""

from __future__ import annotations

import numpy as np

from stream_rcf.core.forecast_naive import NaivePeers


def learned(period: int | None, records: int) -> NaivePeers:
    peers = NaivePeers(period, 1)
    for i in range(records):
        peers.learn(i, np.array([float(i)]))
    return peers


def test_the_last_value_is_said_of_every_step() -> None:
    assert learned(None, 7).forecast(7, 3).tolist() == [[[6.0]] * 3]


def test_a_period_is_repeated_as_often_as_the_horizon_asks() -> None:
    last, seasonal = learned(4, 10).forecast(10, 9)[:, :, 0].tolist()
    assert last == [9.0] * 9
    assert seasonal == [6.0, 7.0, 8.0, 9.0, 6.0, 7.0, 8.0, 9.0, 6.0]


def test_a_period_must_be_whole() -> None:
    assert [NaivePeers(3, 1).is_ready(seen) for seen in range(5)] == [False, False, False, True, True]
    assert [NaivePeers(None, 1).is_ready(seen) for seen in range(2)] == [False, True]
