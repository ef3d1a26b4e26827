"""Which segments are written anew: checkpoints stay small, of few objects, and cost no more than a bound at once."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream_rcf.state import compaction
from stream_rcf.state.compaction import BUDGET_BYTES, MOST_SEGMENTS, SMALL_BYTES, SegmentUse, to_rewrite
from tests.state.support import memory_store, names, read_back, write_checkpoint

MB = 2**20


def test_what_is_mostly_alive_stays_as_it_is():
    assert to_rewrite([]) == []
    assert to_rewrite([SegmentUse(100, 100), SegmentUse(100, 50)]) == []


def test_the_dead_go_whatever_the_budget():
    assert to_rewrite([SegmentUse(100, 0), SegmentUse(100, 100), SegmentUse(10, 0)], 0) == [0, 2]


def test_less_than_half_alive_is_rewritten_the_emptiest_first_within_the_budget():
    uses = [SegmentUse(100 * MB, 49 * MB), SegmentUse(100 * MB, 10 * MB), SegmentUse(100 * MB, 40 * MB)]
    assert to_rewrite(uses) == [0, 1, 2]
    assert to_rewrite(uses, 60 * MB) == [1, 2]
    assert to_rewrite(uses, 1) == [1], "one at least, or the worst would stay for ever"


def test_many_small_ones_are_merged_and_large_ones_are_not():
    large = [SegmentUse(4 * SMALL_BYTES, 4 * SMALL_BYTES)] * 5
    small = [SegmentUse(1000 + i, 1000 + i) for i in range(MOST_SEGMENTS - 5)]
    assert to_rewrite(large + small) == []
    assert to_rewrite(large + small + small[:1]) == list(range(5, MOST_SEGMENTS + 1))


def test_the_smallest_are_merged_first_within_the_budget():
    small = [SegmentUse(4 * MB + i, 4 * MB + i) for i in range(MOST_SEGMENTS + 1)]
    chosen = to_rewrite(small)
    assert chosen == list(range(len(chosen)))
    assert BUDGET_BYTES - 5 * MB < sum(small[i].live_bytes for i in chosen) <= BUDGET_BYTES


@pytest.mark.parametrize("count", [1, 1000])
def test_a_segment_is_worth_rewriting_once_only(count):
    """The bytes of names and heads count too: of keys with few events they are the larger part."""
    store = memory_store()
    base = write_checkpoint(store, {f"a-rather-long-name-{i}": b"small" for i in range(count)})
    for offset in range(1, 4):
        base = write_checkpoint(store, {"other": b"x" * 300}, offset=offset, base=base)
        assert base.segments[0].name in names(store)
        assert base.segments[0].frames == count


KEYS = [f"key-{number}" for number in range(24)]
CHANGES = st.lists(
    st.dictionaries(st.sampled_from(KEYS), st.integers(0, 400), max_size=len(KEYS)), min_size=1, max_size=40
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=CHANGES, budget=st.sampled_from([1, 2000, BUDGET_BYTES]), most=st.sampled_from([2, 5, 32]))
def test_any_sequence_of_checkpoints_reads_back_the_newest_and_stays_small(
    monkeypatch, changes, budget, most
):
    monkeypatch.setattr(compaction.to_rewrite, "__defaults__", (budget,))
    monkeypatch.setattr(compaction, "MOST_SEGMENTS", most)
    store = memory_store()
    truth: dict[str, bytes] = {}
    base = None
    worst_frame = 400 + 100  # bytes of a frame with all that belongs to it, generously
    for number, changed in enumerate(changes):
        states = {key: b"%d." % number + b"x" * size for key, size in changed.items()}
        before = dict(truth)
        truth |= states
        previous, base = base, write_checkpoint(store, states, offset=number, base=base)
        assert read_back(store, base) == truth
        assert base.keys == len(truth)
        if previous is not None:
            assert read_back(store, previous) == before
        if budget == BUDGET_BYTES:  # what qualifies is rewritten at once
            live = sum(len(state) + 2 * len(key) + 33 for key, state in truth.items())
            assert base.bytes <= 2 * live + 61 * len(base.segments) + worst_frame
            assert len(base.segments) <= most + 1


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sets(st.integers(0, 199), min_size=1, max_size=60), min_size=30, max_size=60),
    st.integers(2_000, 20_000),
)
def test_a_small_budget_keeps_up_with_steady_changes(changes, budget):
    """Even where a checkpoint may copy little, the dead do not pile up: bytes stay near twice the live ones."""
    owner: dict[int, int] = {}  # key to the segment that it lives in; all frames have 100 bytes
    alive: dict[int, list[int]] = {}  # bytes and live bytes of each segment
    for made, changed in enumerate(changes):
        for key in changed & owner.keys():
            alive[owner[key]][1] -= 100
        ordinals = sorted(alive)
        chosen = to_rewrite([SegmentUse(*alive[ordinal]) for ordinal in ordinals], budget)
        rewritten = {ordinals[i]: alive.pop(ordinals[i]) for i in chosen}
        carried = {key for key, ordinal in owner.items() if ordinal in rewritten and key not in changed}
        assert 100 * len(carried) <= max(budget, *(live for _, live in rewritten.values()), 0)
        alive[made] = [100 * len(changed | carried)] * 2
        owner |= dict.fromkeys(changed | carried, made)
    assert sum(size for size, _ in alive.values()) <= 4 * 100 * len(owner) + 100 * max(map(len, changes))
