"""The windows of a stream do not depend on how it is cut, saved or copied, and are those of the slow twin."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stream_rcf.core.packing import pack, unpack
from stream_rcf.core.parameters import DetectorParameters
from stream_rcf.core.reasons import Reason
from tests.core.window_support import ALL, WindowedKey, naive_twin, raw, same, window_parameters
from tests.oracle.naive_windows import RawEvent
from tests.properties.generated import bounded

Drawn = tuple[DetectorParameters, list[RawEvent]]

VALUES = st.one_of(
    st.none(),
    st.integers(-3, 3).map(float),
    st.floats(-3.4028234663852886e38, 3.4028234663852886e38, width=32),
    st.sampled_from([0.0, -0.0, 3.4028234663852886e38, -3.4028234663852886e38]),
)
STEPS = st.one_of(st.integers(-25, 12), st.sampled_from([0, 10, 40, 95, 1000, -1000]))


@st.composite
def streams(draw: st.DrawFn) -> Drawn:
    features = draw(st.lists(st.sampled_from(ALL), min_size=1, max_size=7, unique=True))
    lateness = draw(st.sampled_from([0, 0, 1, 10, 25]))
    parameters = window_parameters(
        features,
        lateness=lateness,
        empty_windows=draw(st.integers(0, 3)),
        remembered_ids=draw(st.sampled_from([0, 2])),
        retire_after=draw(st.sampled_from([0, 10, 60])),
    )
    time, events = draw(st.sampled_from([0, 1_767_225_600_003, -17])), []
    for step in draw(st.lists(STEPS, min_size=1, max_size=60)):
        identity = draw(st.integers(0, 4))
        events.append(raw(time + step, draw(VALUES), draw(VALUES), draw(VALUES), identity))
        time = max(time, time + step)
    return parameters, events


def pieces(events: list[RawEvent], cuts: list[float]) -> list[list[RawEvent]]:
    places = sorted(round(cut * len(events)) for cut in cuts)
    return [events[a:b] for a, b in zip([0, *places], [*places, len(events)], strict=True)]


@bounded(300)
@given(streams())
def test_windows_are_those_of_the_slow_twin(drawn: Drawn) -> None:
    parameters, events = drawn
    key, twin = WindowedKey(parameters), naive_twin(parameters)
    key.add(events)
    for event in events:
        twin.add(event)
    assert same(key.closed, twin.closed), (key.closed, twin.closed)
    assert key.refused(Reason.LATE_EVENT) == twin.late
    assert key.refused(Reason.DUPLICATE_EVENT) == twin.duplicate


@bounded(150)
@given(streams(), st.lists(st.floats(0, 1), max_size=6), st.booleans())
def test_any_cut_with_a_save_at_each_gives_the_same_windows(
    drawn: Drawn, cuts: list[float], quick: bool
) -> None:
    parameters, events = drawn
    whole, parts = WindowedKey(parameters), WindowedKey(parameters)
    whole.add(events)
    for piece in pieces(events, cuts):
        parts.block = unpack(parts.model, pack(parts.block, quick=quick))
        parts.add(piece)
    assert same(parts.closed, whole.closed)
    assert parts.refusals == whole.refusals
    assert pack(parts.block) == pack(whole.block)


@bounded(60)
@given(streams(), st.integers(1, 200))
def test_open_windows_go_along_when_a_block_grows_or_is_copied(drawn: Drawn, room: int) -> None:
    parameters, events = drawn
    grown, whole = WindowedKey(parameters), WindowedKey(parameters)
    whole.add(events)
    middle = len(events) // 2
    grown.add(events[:middle])
    kept = grown.block.copy()
    grown.block.reserve(room)
    grown.add(events[middle:])
    assert same(grown.closed, whole.closed)
    grown.block = kept
    del grown.closed[:], grown.refusals[:]
    again = grown.add(events[middle:])
    shifted = [window._replace(closed_by=window.closed_by + middle) for window in again]
    assert same(shifted, [window for window in whole.closed if window.closed_by >= middle])


@bounded(100)
@given(
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=600),
    st.integers(1, 99),
    st.randoms(use_true_random=False),
)
def test_percentiles_do_not_depend_on_the_order(values: list[float], percent: int, random: object) -> None:
    parameters = window_parameters((f"p{percent}(a)",))
    found = []
    shuffled = list(values)
    random.shuffle(shuffled)  # type: ignore[attr-defined] # -- hypothesis' random.Random
    for order in (values, shuffled, sorted(values)):
        key = WindowedKey(parameters)
        key.add([raw(0, value) for value in order])
        (window,) = key.add([raw(10)])
        found.append(np.float64(window.values[0]).tobytes())
    assert len(set(found)) == 1
