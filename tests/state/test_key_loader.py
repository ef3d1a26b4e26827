"""Keys fetched ahead in the background: in order, in few requests, patiently, and for nobody who has gone."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from stream_rcf.core.packing import pack
from stream_rcf.errors import CheckpointError
from stream_rcf.state import key_loader
from stream_rcf.state.key_loader import LoadFailure, unpack_saved
from stream_rcf.state.key_table import KeyTable
from stream_rcf.state.objects import StoreUnreachableError
from tests.state.key_support import MODEL, PARAMETERS
from tests.state.loader_support import Scene
from tests.state.support import (
    FOLDER,
    PARTITION,
    change_object,
    flip,
    open_saved,
    write_checkpoint,
)
from tests.support.memory_objects import PATIENCE_SECONDS, Gate


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    yield made
    made.objects.before = lambda method, name: None
    assert made.loader.close(PATIENCE_SECONDS)


def test_all_keys_come_in_order_and_as_they_were_in_one_request_for_each_segment(scene) -> None:
    order = scene.load()
    arrivals = scene.arrivals(6)
    assert [arrival.key for arrival in arrivals] == order
    for arrival in arrivals:
        assert arrival.table is scene.table
        assert arrival.block is not None
        assert pack(arrival.block, quick=True) == arrival.state == scene.states[arrival.key]
    assert [method for method, _ in scene.objects.calls] == ["read_ranges"] * 2
    scene.wait_until_idle()
    assert not scene.loader.has_arrivals
    assert scene.loader.failures() == []


def test_a_request_is_no_larger_than_its_bound(scene, monkeypatch) -> None:
    monkeypatch.setattr(key_loader, "FETCH_BYTES", 1)
    scene.load()
    scene.arrivals(6)
    assert len(scene.objects.calls) == 6


def test_where_memory_is_short_keys_come_packed(scene) -> None:
    scene.loader.is_short = True
    scene.load()
    for arrival in scene.arrivals(6):
        assert arrival.block is None
        assert arrival.state == scene.states[arrival.key]


def test_partitions_come_one_after_the_other(scene) -> None:
    other = KeyTable(PARAMETERS)
    order = scene.load()
    scene.load(other)
    arrivals = scene.arrivals(12)
    assert [arrival.key for arrival in arrivals] == order * 2
    assert [arrival.table for arrival in arrivals] == [scene.table] * 6 + [other] * 6


def test_no_more_is_fetched_than_the_loop_has_room_for(scene, monkeypatch) -> None:
    monkeypatch.setattr(key_loader, "WAITING_BYTES", 1)
    scene.load()
    seen = []
    for _ in range(6):
        scene.wait_for(lambda: scene.loader._arrivals)
        assert len(scene.loader._arrivals) == 1
        seen += scene.loader.arrivals(10)
    assert len(seen) == 6
    scene.wait_until_idle()
    assert scene.loader._waiting_bytes == 0


# -- a store that is slow or away ---------------------------------------------------------------------------------


def test_a_store_that_is_away_for_a_while_delays_and_loses_nothing(scene, monkeypatch, caplog) -> None:
    monkeypatch.setattr(key_loader, "RETRY_SECONDS", 0.001)
    answers = iter([False, False, True, False, True])

    def sometimes(method: str, name: str) -> None:
        if not next(answers, True):
            raise StoreUnreachableError("s3://bucket: connection refused")

    scene.objects.before = sometimes
    order = scene.load()
    assert [arrival.key for arrival in scene.arrivals(6)] == order
    assert caplog.text.count("keys cannot be loaded ahead, trying again in 0.001 s") == 3


def test_a_slow_store_holds_nobody_up(scene) -> None:
    gate = Gate("read_ranges")
    scene.objects.before = gate
    gate.close()
    scene.load()
    assert gate.reached.wait(PATIENCE_SECONDS)
    assert scene.loader.arrivals(10) == []
    assert scene.loader.failures() == []
    scene.loader.cancel(scene.table)  # none of this waits for the store
    gate.open()
    scene.wait_until_idle()
    assert not scene.loader.has_arrivals


def test_an_object_that_was_removed_meanwhile_ends_the_load_and_is_no_damage(scene) -> None:
    """The writer has rewritten it: the loop looks where each key is when it needs it."""
    oldest = scene.manifest.segments[0]
    scene.objects.remove(f"{FOLDER}/{oldest.name}")
    order = scene.load()
    assert [arrival.key for arrival in scene.arrivals(3)] == order[:3]
    scene.wait_until_idle()
    assert (scene.loader.has_arrivals, scene.loader.failures()) == (False, [])
    other = KeyTable(PARAMETERS)
    scene.load(other)
    assert len(scene.arrivals(3)) == 3, "the thread lives on"


def test_a_damaged_frame_is_reported_with_its_segment_and_ends_the_load(scene) -> None:
    frame = scene.saved.frame(next(iter(scene.saved.newest_first())))
    name = frame.segment.segment.name
    change_object(scene.store, f"{FOLDER}/{name}", flip(int(frame.segment.start[1])))
    scene.load()
    scene.wait_until_idle()
    (failure,) = scene.loader.failures()
    assert failure[:2] == LoadFailure(scene.table, name, "")[:2]
    assert f"{name} is corrupt: the state of key " in failure.problem
    assert scene.loader.failures() == [], "said once"


def test_a_frame_that_is_no_state_of_this_model_is_damage_too(scene) -> None:
    made_up = write_checkpoint(scene.store, {"key-9": b"RCF1 and then something else"})
    saved = open_saved(scene.store, made_up)
    scene.loader.load(PARTITION, scene.table, [saved.frame("key-9")])
    scene.wait_until_idle()
    (failure,) = scene.loader.failures()
    assert failure.segment == made_up.segments[0].name
    assert "key 'key-9': " in failure.problem
    with pytest.raises(CheckpointError, match="key 'key-9': "):
        unpack_saved(MODEL, "key-9", b"RCF1 and then something else")


def test_an_unexpected_error_costs_one_load(scene, caplog) -> None:
    def broken(method: str, name: str) -> None:
        raise RuntimeError("a fault of ours")

    scene.objects.before = broken
    scene.load()
    scene.wait_until_idle()
    assert "unexpected error while loading keys ahead" in caplog.text
    scene.objects.before = lambda method, name: None
    scene.load(KeyTable(PARAMETERS))
    assert len(scene.arrivals(6)) == 6


# -- nobody waits any more ----------------------------------------------------------------------------------------


def test_what_waits_for_a_cancelled_table_is_dropped_and_others_stay(scene) -> None:
    other = KeyTable(PARAMETERS)
    scene.load()
    scene.load(other)
    scene.wait_until_idle()
    scene.loader.cancel(scene.table)
    assert [arrival.table for arrival in scene.loader.arrivals(20)] == [other] * 6
    assert scene.loader._waiting_bytes == 0
    assert scene.loader._cancelled == set()


@pytest.mark.parametrize(
    "moment", ["in a request", "before the next", "while it waits for room", "in a retry"]
)
def test_a_load_is_cancelled_at_any_moment_and_the_next_goes_on(scene, monkeypatch, moment: str) -> None:
    gate = Gate("read_ranges")
    other = KeyTable(PARAMETERS)
    if moment == "in a request":
        gate.close()
    elif moment == "while it waits for room":
        monkeypatch.setattr(key_loader, "WAITING_BYTES", 1)
    scene.objects.before = gate
    if moment == "in a retry":
        failed = threading.Event()

        def away(method: str, name: str) -> None:
            failed.set()
            raise StoreUnreachableError("away")

        monkeypatch.setattr(key_loader, "RETRY_SECONDS", 3600.0)
        scene.objects.before = away
    scene.load()
    if moment == "in a request":
        assert gate.reached.wait(PATIENCE_SECONDS)
    elif moment == "in a retry":
        assert failed.wait(PATIENCE_SECONDS)
        scene.objects.before = lambda method, name: None
    elif moment == "while it waits for room":
        scene.wait_for(lambda: scene.loader._arrivals)
    scene.loader.cancel(scene.table)
    gate.open()
    scene.load(other)
    assert [arrival.table for arrival in scene.arrivals(6)] == [other] * 6
    scene.wait_until_idle()
    assert scene.loader._cancelled == set()


def test_a_cancelled_load_that_is_damaged_is_nobody_s_trouble(scene) -> None:
    gate = Gate("read_ranges")
    scene.objects.before = gate
    gate.close()
    frame = scene.saved.frame(next(iter(scene.saved.newest_first())))
    name = f"{FOLDER}/{frame.segment.segment.name}"
    scene.objects.inner.content[name] = flip(int(frame.segment.start[0]))(scene.objects.inner.content[name])
    scene.load()
    assert gate.reached.wait(PATIENCE_SECONDS)
    scene.loader.cancel(scene.table)
    gate.open()
    scene.wait_until_idle()
    assert scene.loader.failures() == []


@pytest.mark.parametrize("moment", ["idle", "while it waits for room", "in a retry"])
def test_closing_ends_the_thread_at_any_moment(scene, monkeypatch, moment: str) -> None:
    if moment == "while it waits for room":
        monkeypatch.setattr(key_loader, "WAITING_BYTES", 1)
        scene.load()
        scene.wait_for(lambda: scene.loader._arrivals)
    elif moment == "in a retry":
        monkeypatch.setattr(key_loader, "RETRY_SECONDS", 3600.0)
        failed = threading.Event()

        def away(method: str, name: str) -> None:
            failed.set()
            raise StoreUnreachableError("away")

        scene.objects.before = away
        scene.load()
        assert failed.wait(PATIENCE_SECONDS)
    assert scene.loader.close(PATIENCE_SECONDS)


def test_closing_waits_no_longer_than_asked_for_a_store_that_hangs(scene) -> None:
    gate = Gate("read_ranges")
    scene.objects.before = gate
    gate.close()
    scene.load()
    assert gate.reached.wait(PATIENCE_SECONDS)
    scene.loader.stop()
    assert not scene.loader.close(0.01)
    gate.open()
    assert scene.loader.close(PATIENCE_SECONDS)
    assert not scene.loader.has_arrivals
