"""Keys that were idle for long give their state up, and nothing that is published tells."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from stream_rcf.core.reasons import Reason
from stream_rcf.pipeline.events import Event
from stream_rcf.pipeline.score_batch import ScoredBatch, score_batch
from stream_rcf.state.idle_keys import ASKED_KEYS, MOST_AT_ONCE, let_go_of_idle
from stream_rcf.state.key_memory import KeyMemory
from stream_rcf.state.key_table import KeyTable
from stream_rcf.state.saved_keys import SavedKeys
from stream_rcf.state.segments import SavedKey, SegmentBuilder
from tests.state.key_support import PARAMETERS, check_accounts, grown_bytes

PAUSE = 60_000  # ms
RETIRING = replace(PARAMETERS, retire_after_ms=PAUSE)
FAR = 1e12  # s: a wall clock that is ahead of all events


def learn(table: KeyTable, events: list[Event]) -> ScoredBatch:
    return score_batch(RETIRING, events, [table] * len(events))


def regular(key: str, start: int, count: int = 40) -> list[Event]:
    return [Event(key, start + 1000 * i, (float(i * 7 % 5),)) for i in range(count)]


def save(table: KeyTable, saved: SavedKeys) -> None:
    """One checkpoint, as the service writes it."""
    cut = table.begin_cut()
    builder = SegmentBuilder("0" * 16)
    for key, snapshot in cut.take(10**6):
        builder.append(SavedKey(key, snapshot.pack(), snapshot.last_event))
    saved.add(builder.finish("a segment")[1])
    table.end_cut(saved=True)


def test_of_an_idle_key_only_its_time_is_kept_and_its_next_event_says_that_it_was_retired() -> None:
    table, saved = KeyTable(RETIRING), SavedKeys()
    learn(table, regular("idle", 0))
    save(table, saved)
    full = saved.frame("idle").bytes
    learn(table, regular("busy", 10 * PAUSE))
    assert let_go_of_idle(table, saved, FAR) == 1
    assert table.changed_keys == 2, "the next checkpoint overwrites it"
    save(table, saved)
    assert saved.frame("idle").bytes < full - 100, "a key of this small forest has no more"
    assert let_go_of_idle(table, saved, FAR) == 0, "once is enough"
    check_accounts(table.memory, table)

    found = learn(table, [Event("idle", 10 * PAUSE, (1.0,)), Event("idle", 10 * PAUSE + 1, (1.0,))])
    assert found.reason[0] == Reason.IDLE_KEY_RETIRED != found.reason[1]
    assert found.events_seen == [1, 2]


def test_a_key_is_idle_by_the_time_of_most_events_and_by_the_wall_clock() -> None:
    table, saved = KeyTable(RETIRING), SavedKeys()
    for i in range(5):
        learn(table, regular(f"idle-{i}", 0))
    save(table, saved)
    learn(table, [Event("broken clock", 10**15, (1.0,)), *regular("a", PAUSE), *regular("b", PAUSE)])
    assert let_go_of_idle(table, saved, FAR) == 0, "one key's clock says nothing"
    learn(table, [*regular("a", 10 * PAUSE), *regular("b", 10 * PAUSE)])
    assert let_go_of_idle(table, saved, now=PAUSE / 1000) == 0, "all of the events' clocks are ahead"
    assert let_go_of_idle(table, saved, FAR) == 5


def test_nothing_is_let_go_while_keys_do_not_retire_or_no_event_tells_the_time() -> None:
    table, saved = KeyTable(PARAMETERS), SavedKeys()
    score_batch(PARAMETERS, regular("idle", 0), [table] * 40)
    save(table, saved)
    score_batch(PARAMETERS, regular("busy", 10**12), [table] * 40)
    assert let_go_of_idle(table, saved, FAR) == 0
    retiring = KeyTable(RETIRING)
    assert let_go_of_idle(retiring, saved, FAR) == 0


def test_a_key_with_news_since_the_checkpoint_is_kept() -> None:
    table, saved = KeyTable(RETIRING), SavedKeys()
    learn(table, regular("late", 0))
    save(table, saved)
    learn(table, [Event("late", 1, (1.0,)), *regular("a", 10 * PAUSE), *regular("b", 10 * PAUSE)])
    assert let_go_of_idle(table, saved, FAR) == 0
    assert not table.let_go("never there", 0)


def test_only_so_many_are_let_go_at_a_time() -> None:
    table, saved = KeyTable(RETIRING), SavedKeys()
    for i in range(MOST_AT_ONCE + 10):
        learn(table, regular(f"idle-{i}", 0, 30))
    save(table, saved)
    for i in range(ASKED_KEYS):
        learn(table, [Event(f"busy-{i}", 10 * PAUSE, (1.0,))])
    counts = []
    for _ in range(3):
        counts.append(let_go_of_idle(table, saved, FAR))
        save(table, saved)
        learn(table, [Event("busy-0", 10 * PAUSE, (1.0,))])
    assert counts == [MOST_AT_ONCE, 10, 0]


@pytest.mark.parametrize("seed", range(12))
def test_no_output_tells_whether_and_when_keys_were_let_go(tmp_path: Path, seed: int) -> None:
    """Against a table that lets nothing go; under a bound on memory, so that keys are in the spill too."""
    generator = random.Random(seed)
    memory = KeyMemory(6 * grown_bytes(), tmp_path)
    table, saved, plain = KeyTable(RETIRING, memory), SavedKeys(), KeyTable(RETIRING)
    let_go = retired = 0
    now = 0
    for _ in range(150):
        now += generator.choice([1000, 1000, PAUSE, 3 * PAUSE])
        asleep = now // (8 * PAUSE) % 12  # keys sleep by turns
        events = [
            Event(f"key-{number}", now - generator.randrange(PAUSE), (generator.gauss(0.0, 1.0),))
            for number in generator.choices([i for i in range(12) if i != asleep], k=20)
        ]
        found = learn(table, events)
        assert found == learn(plain, events)
        retired += found.reason.count(Reason.IDLE_KEY_RETIRED)
        if generator.random() < 0.5:
            let_go += let_go_of_idle(table, saved, FAR)
            save(table, saved)
        check_accounts(memory, table)
    assert retired > 10
    assert let_go > 5
    assert {key: table.pack(key) for key in table.keys()}.keys() == set(plain.keys())  # noqa: SIM118 -- no mapping
    table.release()
    memory.close()
