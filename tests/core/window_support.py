"""One key whose events are added up over windows, for the tests of its parts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from stream_rcf.core.aggregates import WindowParameters, aggregates_of, paths_of
from stream_rcf.core.arrival_parameters import ANY_LATENESS, ArrivalParameters
from stream_rcf.core.block import KeyBlock
from stream_rcf.core.event_arrays import plain_events
from stream_rcf.core.model import model_of
from stream_rcf.core.parameters import DetectorParameters, ForestParameters
from stream_rcf.core.reasons import Reason
from stream_rcf.core.window_batch import windows_of
from stream_rcf.core.window_model import window_plan
from tests.oracle.naive_windows import NaiveWindow, NaiveWindows, RawEvent

ALL = ("count", "sum(a)", "mean(a)", "min(b)", "max(b)", "p50(b)", "p99(c)")


def window_parameters(
    features: Sequence[str] = ALL,
    length: int = 10,
    lateness: int = 0,
    empty_windows: int = 8,
    remembered_ids: int = 0,
    retire_after: int = 0,
) -> DetectorParameters:
    return DetectorParameters(
        tuple(features),
        ForestParameters(3, 8, len(features), 2),
        retire_after_ms=retire_after,
        arrival=ArrivalParameters(lateness or ANY_LATENESS, remembered_ids=remembered_ids),
        windows=WindowParameters(length, empty_windows),
    )


class WindowedKey:
    """A key, and what came of its events."""

    def __init__(self, parameters: DetectorParameters) -> None:
        self.parameters = parameters
        self.model = model_of(parameters)
        self.block = KeyBlock(self.model, 1)
        self.closed: list[NaiveWindow] = []
        self.refusals: list[Reason] = []

    def add(self, events: Sequence[RawEvent]) -> list[NaiveWindow]:
        """Take a batch of events; the windows that it closes."""
        if not events:
            return []
        paths = paths_of(self.parameters.features)
        values = np.array([[_number(event.values[path]) for path in paths] for event in events], np.float64)
        arrays = plain_events(
            values.reshape(len(events), len(paths)), np.array([event.timestamp for event in events])
        )
        arrays = arrays._replace(identities=np.array([event.identity for event in events], np.int64))
        plan = window_plan(self.parameters.features)
        found = windows_of(self.model, plan, [self.block] * len(events), arrays)
        closed = [
            NaiveWindow(time, tuple(row), event + len(self.refusals))
            for event, time, row in zip(
                found.events.tolist(), found.timestamps.tolist(), found.values.tolist(), strict=True
            )
        ]
        self.closed += closed
        self.refusals += [Reason(number) for number in found.refusals.tolist()]
        return closed

    def refused(self, reason: Reason) -> list[int]:
        return [event for event, found in enumerate(self.refusals) if found is reason]


def naive_twin(parameters: DetectorParameters) -> NaiveWindows:
    """The slow one for the same parameters."""
    assert parameters.windows is not None
    return NaiveWindows(
        aggregates_of(parameters.features),
        parameters.windows.window_ms,
        max(0, parameters.arrival.allowed_lateness_ms),
        parameters.windows.empty_windows,
        parameters.arrival.remembered_ids,
        parameters.retire_after_ms,
    )


def raw(
    timestamp: int, a: float | None = 1.0, b: float | None = 1.0, c: float | None = 1.0, identity: int = 0
) -> RawEvent:
    return RawEvent(timestamp, {"a": a, "b": b, "c": c}, identity)


def same(found: Sequence[NaiveWindow], expected: Sequence[NaiveWindow]) -> bool:
    """Whether they are the same windows to the last bit; NaN is like NaN."""
    return [_bits(one) for one in found] == [_bits(one) for one in expected]


def _bits(window: NaiveWindow) -> tuple[int, bytes, int]:
    return window.start, np.array(window.values, np.float64).tobytes(), window.closed_by


def _number(value: float | None) -> float:
    return math.nan if value is None else value
