"""Compile every kernel, so that a container or a deployment pays for it once: ``python -m stream_rcf.core.warmup``."""

from __future__ import annotations

import math
import sys
import time

import numpy as np

from stream_rcf.core.aggregates import WindowParameters
from stream_rcf.core.block import KeyBlock
from stream_rcf.core.detector import Detector
from stream_rcf.core.event_arrays import plain_events
from stream_rcf.core.forest import RandomCutForest
from stream_rcf.core.model import model_of
from stream_rcf.core.parameters import DetectorParameters, ForestParameters
from stream_rcf.core.window_batch import windows_of
from stream_rcf.core.window_model import window_plan

WARM_UP_EVENTS = 200  # enough for every kernel: growth, eviction, deletion and attribution included
WARM_UP_SAMPLE = 16  # so small that the sample is full long before


def warm_up() -> float:
    """Run every kernel once and return the seconds that took: about 30 without a cache, under 2 with it."""
    began = time.perf_counter()
    detector = Detector(shingle_size=2, trees=2, sample_size=WARM_UP_SAMPLE)
    for i in range(WARM_UP_EVENTS):
        detector.process({"value": math.sin(i) + 100.0 * (i == WARM_UP_EVENTS - 1)}, i)
    for quick in (False, True):
        detector.restore(detector.to_bytes(quick=quick))
    Detector(["first", "second"])  # of several features each has a unit
    forest = RandomCutForest(shingle_size=2, trees=2, sample_size=WARM_UP_SAMPLE)
    forest.process_many([float(i % 7) for i in range(WARM_UP_EVENTS)])
    forest.update([1.0])
    forest.score([1.0])
    forest.attribution([1.0])
    forest.displacement([1.0])
    forest.codisp([1.0])
    forest.density([1.0])
    forest.near_neighbors([1.0])
    forest.impute([0.0], [0])
    forest.extrapolate(1)
    forest.set_time_decay(0.5)
    _warm_up_windows()
    return time.perf_counter() - began


def _warm_up_windows() -> None:
    features = ("p50(value)",)
    model = model_of(DetectorParameters(features, ForestParameters(2), windows=WindowParameters(10)))
    values = np.arange(WARM_UP_EVENTS, dtype=np.float64).reshape(-1, 1)
    blocks = [KeyBlock(model, 0)] * WARM_UP_EVENTS
    windows_of(model, window_plan(features), blocks, plain_events(values, np.arange(WARM_UP_EVENTS)))


if __name__ == "__main__":
    sys.stderr.write(f"kernels ready after {warm_up():.1f} s\n")
