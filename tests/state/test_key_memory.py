"""The bound on memory: exact accounts, the coldest first, the same bits, and a spill that is full."""

from __future__ import annotations

import logging
import random
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_rcf.pipeline.events import Event
from stream_rcf.pipeline.score_batch import score_batch
from stream_rcf.state.batch_keys import usual_block_bytes
from stream_rcf.state.key_memory import HELD_BYTES, KEY_BYTES, KeyMemory
from stream_rcf.state.key_table import KeyTable
from stream_rcf.state.spill import KeySpill, SpillFullError
from tests.state.key_support import (
    MODEL,
    PARAMETERS,
    check_accounts,
    grown_bytes,
    learn,
    slots_used,
    states,
    stream,
)

REPOSITORY = Path(__file__).resolve().parents[2]


def test_without_a_limit_nothing_leaves_and_no_spill_is_opened(tmp_path) -> None:
    memory = KeyMemory(spill_folder=tmp_path / "spill")
    table = KeyTable(PARAMETERS, memory)
    learn(table, stream(1000, keys=100))
    assert len(table.resident_keys()) == 100
    assert (memory.evictions, memory.returns, memory.spilled_bytes) == (0, 0, 0)
    check_accounts(memory, table)
    memory.close()
    assert not (tmp_path / "spill").exists()


@settings(max_examples=40, deadline=None)
@given(
    keys=st.integers(1, 40),
    room=st.floats(0.5, 30.0),
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=12),
    tables=st.integers(1, 3),
    seed=st.integers(0, 1000),
)
def test_any_limit_and_any_batches_give_the_same_bits_within_the_bound(
    tmp_path_factory, keys: int, room: float, sizes: list[int], tables: int, seed: int
) -> None:
    limit = int(room * (usual_block_bytes(MODEL) + HELD_BYTES)) + KEY_BYTES * keys
    memory = KeyMemory(limit, tmp_path_factory.mktemp("spill"))
    bounded = [KeyTable(PARAMETERS, memory) for _ in range(tables)]
    free = [KeyTable(PARAMETERS) for _ in range(tables)]
    events = stream(400, keys, seed)
    of_table = [hash_of(event.key) % tables for event in events]
    start, turn = 0, 0
    while start < len(events):
        end = min(len(events), start + sizes[turn % len(sizes)])
        turn += 1
        part, places = events[start:end], of_table[start:end]
        expected = score_batch(PARAMETERS, part, [free[place] for place in places])
        assert score_batch(PARAMETERS, part, [bounded[place] for place in places]) == expected
        check_accounts(memory, *bounded)
        needed = sum(
            bounded[place].resident(key).bytes + HELD_BYTES
            for key, place in {(e.key, p) for e, p in zip(part, places, strict=True)}
        )
        known = KEY_BYTES * sum(map(len, bounded))
        assert memory.bytes <= max(limit, needed + known)
        start = end
    for one, other in zip(bounded, free, strict=True):
        assert states(one) == states(other)
    for table in bounded:
        table.release()
    assert (memory.bytes, slots_used(memory)) == (0, 0)
    memory.close()


def hash_of(key: str) -> int:
    return int(key.removeprefix("key-"))


def test_the_coldest_leave_first(tmp_path) -> None:
    """One key in ten gets nine events in ten; with room for a third of all, the hot ones stay."""
    limit = 33 * grown_bytes() + 67 * KEY_BYTES
    memory = KeyMemory(limit, tmp_path)
    table = KeyTable(PARAMETERS, memory)
    generator = random.Random(4)
    for number in range(600):
        batch = [
            Event(
                f"key-{generator.randrange(10 if generator.random() < 0.9 else 100)}",
                number,
                (generator.gauss(0, 1),),
            )
            for _ in range(10)
        ]
        learn(table, batch)
    hot = {f"key-{i}" for i in range(10)}
    assert hot <= set(table.resident_keys())
    cold_events = 600 * 10 * 0.1 * 0.9
    assert 0 < memory.returns < cold_events, "no hot key ever left and came back"
    memory.close()


def test_the_keys_of_the_present_batch_stay_even_beyond_the_bound(tmp_path) -> None:
    memory = KeyMemory(1, tmp_path)
    table = KeyTable(PARAMETERS, memory)
    for start in range(0, 40, 4):
        keys = [f"key-{i}" for i in range(start, start + 4)]
        learn(table, [Event(key, 0, (1.0,)) for key in keys])
        assert set(table.resident_keys()) == set(keys)
    assert memory.evictions == 36
    assert not memory.is_spill_full
    memory.close()


def test_room_is_made_across_all_tables_of_a_process(tmp_path) -> None:
    memory = KeyMemory(5 * grown_bytes(), tmp_path)
    idle, busy = KeyTable(PARAMETERS, memory), KeyTable(PARAMETERS, memory)
    learn(idle, stream(200, keys=4))
    for seed in range(3):
        learn(busy, stream(200, keys=4, seed=seed))
    assert len(idle.resident_keys()) < 2
    assert len(busy.resident_keys()) == 4
    idle.release()
    check_accounts(memory, busy)
    assert slots_used(memory) == 0
    memory.close()


def test_a_table_released_while_the_hand_goes_round_is_passed_over(tmp_path) -> None:
    memory = KeyMemory(8 * grown_bytes(), tmp_path)
    going, staying = KeyTable(PARAMETERS, memory), KeyTable(PARAMETERS, memory)
    for seed in range(4):
        learn(going, stream(100, keys=20, seed=seed))
        learn(staying, stream(100, keys=20, seed=seed))
    assert memory.evictions > 0
    going.release()
    for seed in range(4, 8):
        learn(staying, stream(100, keys=20, seed=seed))
        check_accounts(memory, staying)
    memory.close()


class FullSpill(KeySpill):
    """Takes nothing while ``is_full``; counts what it is asked to take."""

    is_full = True
    asked = 0

    def put(self, states):
        states = list(states)
        self.asked += len(states)
        if self.is_full:
            raise SpillFullError("no space left on device")
        return super().put(states)


def test_a_full_spill_is_said_once_costs_little_and_recovers(tmp_path, caplog) -> None:
    memory = KeyMemory(3 * grown_bytes(), tmp_path)
    spill = memory._spill = FullSpill(tmp_path)
    table, twin = KeyTable(PARAMETERS, memory), KeyTable(PARAMETERS)
    with caplog.at_level(logging.INFO):
        for seed in range(20):
            events = stream(50, keys=30, seed=seed)
            assert learn(table, events) == learn(twin, events)
            check_accounts(memory, table)
        assert len(table.resident_keys()) == 30, "nothing is lost: it stays in memory"
        assert memory.is_spill_full
        (record,) = caplog.records
        assert "no space left on device" in record.getMessage()
        assert "keys.spill_folder" in record.getMessage()
        assert spill.asked < 100, "one key tells whether there is room again"
        spill.is_full = False
        events = stream(4, keys=2, seed=99)
        assert learn(table, events) == learn(twin, events)
    assert not memory.is_spill_full
    assert memory.bytes <= 3 * grown_bytes() + 30 * KEY_BYTES
    assert caplog.records[-1].getMessage() == "the spill takes keys again"
    check_accounts(memory, table)
    assert states(table) == states(twin)
    memory.close()


def test_slots_that_cannot_be_freed_are_said(tmp_path, caplog) -> None:
    memory = KeyMemory(1, tmp_path)
    table = KeyTable(PARAMETERS, memory)
    learn(table, stream(20, keys=2))

    def full(slots):
        raise SpillFullError("no space left on device")

    memory.spill.free = full  # type: ignore[method-assign] # -- of this one
    learn(table, stream(20, keys=2, seed=8))
    table.evict(list(table.resident_keys()))
    learn(table, stream(20, keys=2, seed=9))
    assert "keys stay in the spill though they are not needed any more" in caplog.text
    memory.close()


DISK = textwrap.dedent(
    """
    import resource, sys
    from pathlib import Path
    from stream_rcf.state.key_memory import KeyMemory
    from stream_rcf.state.key_table import KeyTable
    from tests.state.key_support import PARAMETERS, check_accounts, learn, states, stream

    memory = KeyMemory(100_000, Path(sys.argv[1]))
    table, twin = KeyTable(PARAMETERS, memory), KeyTable(PARAMETERS)
    learn(table, stream(10)), learn(twin, stream(10))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    memory.spill.put([b"x"])
    resource.setrlimit(resource.RLIMIT_FSIZE, (memory.spilled_bytes + 60_000, hard))
    seen = set()
    for seed in range(60):
        if seed == 40:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        events = stream(40, keys=400, seed=seed)
        assert learn(table, events) == learn(twin, events)
        seen.add((seed < 40, memory.is_spill_full))
    assert (True, True) in seen, seen
    assert not memory.is_spill_full
    assert memory.bytes < 100_000 + 400 * 400 + 40 * 20_000
    assert states(table) == states(twin)
    print("right")
    """
)


def test_a_disk_that_is_really_full_loses_nothing(tmp_path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", DISK, str(tmp_path)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.stdout == "right\n", result.stderr
    assert "takes no more keys" in result.stderr


@pytest.mark.parametrize("needed", [0, 10**9])
def test_making_room_with_no_keys_ends(tmp_path, needed: int) -> None:
    memory = KeyMemory(1, tmp_path)
    memory.make_room(needed)
    assert memory.evictions == 0
