"""Compile every kernel, so that a container or a deployment pays for it once: ``python -m stream_rcf.core.warmup``."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from stream_rcf.core.aggregates import WindowParameters
from stream_rcf.core.block import KeyBlock
from stream_rcf.core.detector import Detector
from stream_rcf.core.event_arrays import plain_events
from stream_rcf.core.forecast_parameters import ForecastParameters
from stream_rcf.core.forest import RandomCutForest
from stream_rcf.core.kernel_cache import are_kernels_compiled
from stream_rcf.core.model import model_of
from stream_rcf.core.parameters import DetectorParameters, ForestParameters
from stream_rcf.core.window_batch import windows_of
from stream_rcf.core.window_model import window_plan

WARM_UP_EVENTS = 200  # enough for every kernel: growth, eviction, deletion and attribution included
WARM_UP_SAMPLE = 16  # so small that the sample is full long before
BESIDE = "--beside"  # the argument that asks for what a second process compiles


def warm_up(*, forecasts: bool = False) -> float:
    """Run every kernel of the detector once and return the seconds that took. ``forecasts``: those for them too.

    About 35 where they are not compiled yet, on two cores, as a second process then takes its half; else under 2.
    """
    began = time.perf_counter()
    with _second_process():
        _process()
    _pack()  # found compiled; or compiled here, where the other process could not save what it had
    _close_windows()
    if forecasts:
        _forecast()
    return time.perf_counter() - began


@contextmanager
def _second_process() -> Iterator[None]:
    """Wait at the end for a process that compiles the other half, if kernels are not compiled yet."""
    if are_kernels_compiled():
        yield
        return
    command = [sys.executable, "-m", "stream_rcf.core.warmup", BESIDE]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as beside:  # noqa: S603 -- ours
        try:
            yield
            beside.wait()
        finally:
            beside.terminate()


def _process() -> None:
    detector = Detector(shingle_size=2, trees=2, sample_size=WARM_UP_SAMPLE)
    for i in range(WARM_UP_EVENTS):
        detector.process({"value": math.sin(i) + 100.0 * (i == WARM_UP_EVENTS - 1)}, i)


def _pack() -> None:
    detector = Detector(["first", "second"])  # of several features each has a unit
    for quick in (False, True):
        detector.restore(detector.to_bytes(quick=quick))


def _close_windows() -> None:
    features = ("p50(value)",)
    model = model_of(DetectorParameters(features, ForestParameters(2), windows=WindowParameters(10)))
    values = np.arange(WARM_UP_EVENTS, dtype=np.float64).reshape(-1, 1)
    blocks = [KeyBlock(model, 0)] * WARM_UP_EVENTS
    windows_of(model, window_plan(features), blocks, plain_events(values, np.arange(WARM_UP_EVENTS)))


def _forecast() -> None:
    forecast = ForecastParameters(1, error_memory=10)
    detector = Detector(shingle_size=2, trees=2, sample_size=WARM_UP_SAMPLE, forecast=forecast)
    for i in range(WARM_UP_SAMPLE):
        detector.process({"value": float(i % 3)}, i)


def warm_up_forest() -> None:
    """Run every kernel once that only ``RandomCutForest`` calls."""
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


def main() -> None:
    """Compile everything."""
    if BESIDE in sys.argv:
        _pack()
        _close_windows()
        return
    seconds = warm_up(forecasts=True)
    warm_up_forest()
    sys.stderr.write(f"kernels ready after {seconds:.1f} s\n")


if __name__ == "__main__":
    main()
