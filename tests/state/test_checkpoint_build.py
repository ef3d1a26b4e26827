"""One checkpoint being written: it appears whole or not at all, whatever happens; of two writers one wins."""

from __future__ import annotations

import logging
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from stream_rcf.errors import CheckpointError
from stream_rcf.state import checkpoint_build
from stream_rcf.state.checkpoint_build import OvertakenError
from stream_rcf.state.manifest import manifest_name
from stream_rcf.state.objects import StoreUnreachableError
from tests.state.support import (
    FINGERPRINT,
    FOLDER,
    PARTITION,
    begin_checkpoint,
    change_object,
    flip,
    folder_store,
    memory_store,
    names,
    read_back,
    store_of,
    write_checkpoint,
)
from tests.support.memory_objects import MemoryObjects, WatchedObjects

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def store():
    return memory_store()


def test_an_empty_checkpoint_is_only_a_manifest(store):
    manifest = write_checkpoint(store, {}, offset=5)
    assert names(store) == [manifest_name(1)]
    assert read_back(store, manifest) == {}


def test_the_manifest_says_what_the_heading_said(store):
    base = write_checkpoint(store, {"a": b"1"}, offset=1, topic_partitions=6)
    manifest = write_checkpoint(store, {"b": b"1"}, offset=9, base=base, topic_partitions=12)
    assert store.manifests(PARTITION).manifests == [manifest, base]
    assert (manifest.partition, manifest.fingerprint, manifest.number) == (PARTITION, FINGERPRINT, 2)
    assert (manifest.offset, manifest.previous, manifest.keys) == (9, 1, 2)
    assert manifest.topic_partitions == 12


def test_a_checkpoint_without_change_keeps_the_segments(store):
    first = write_checkpoint(store, {"a": b"1"}, offset=1)
    second = write_checkpoint(store, {}, offset=9, base=first)
    assert (second.offset, second.segments, second.keys) == (9, first.segments, 1)


def test_many_keys_become_several_segments(store, monkeypatch):
    monkeypatch.setattr(checkpoint_build, "SEGMENT_BYTES", 1000)
    states = {f"key-{number}": b"%d" % number * 40 for number in range(100)}
    manifest = write_checkpoint(store, states)
    assert len(manifest.segments) > 4
    assert all(1000 <= segment.bytes < 2500 for segment in manifest.segments[:-1])
    assert read_back(store, manifest) == states


def test_live_frames_are_carried_out_of_what_is_named_no_more(store, monkeypatch):
    monkeypatch.setattr(checkpoint_build, "COPY_BYTES", 100)  # many requests
    base = write_checkpoint(store, {f"key-{i}": b"%d" % i * 30 for i in range(20)}, last_event=77)
    changed = {f"key-{i}": b"new" * 30 for i in range(12)}
    manifest = write_checkpoint(store, changed, base=base, last_event=99)
    assert manifest.frames == manifest.keys == 20
    assert not {segment.name for segment in manifest.segments} & {segment.name for segment in base.segments}
    assert read_back(store, manifest) == changed | {f"key-{i}": b"%d" % i * 30 for i in range(12, 20)}
    (index,) = store.indexes(manifest)
    times = dict(zip(index.keys, index.last_event.tolist(), strict=True))
    assert (times["key-3"], times["key-15"]) == (99, 77), "the time of a key's last event goes with it"


def test_damage_is_not_carried_on(store):
    base = write_checkpoint(store, {"a": b"x" * 50, "b": b"y" * 50, "c": b"z" * 50})
    (index,) = store.indexes(base)
    change_object(store, f"{FOLDER}/{index.segment.name}", flip(int(index.start[2])))
    with pytest.raises(CheckpointError, match="the state of key 'c' differs"):
        write_checkpoint(store, {"a": b"1", "b": b"1"}, base=base)
    assert store.manifests(PARTITION).manifests == [base]


def test_the_number_can_be_taken_only_once_and_the_loser_leaves_no_trace(store):
    base = write_checkpoint(store, {"a": b"1"}, offset=1)
    winner = begin_checkpoint(store, {"a": b"winner"}, offset=2, base=base)
    loser = begin_checkpoint(store, {"a": b"loser"}, offset=3, base=base)
    manifest, _ = winner.finish()
    with pytest.raises(OvertakenError, match=r"checkpoint 2 of .* exists already: another process"):
        loser.finish()
    assert read_back(store, manifest) == {"a": b"winner"}
    named = {segment.name for segment in (*base.segments, *manifest.segments)}
    assert set(names(store)) == {manifest_name(1), manifest_name(2), *named}


def test_of_many_writers_of_one_number_exactly_one_wins(tmp_path):
    store = folder_store(tmp_path)
    for number in range(1, 6):
        together = threading.Barrier(4)
        results: list[object] = []

        def race(name: bytes, build, together=together, results=results) -> None:
            together.wait()
            try:
                results.append((name, build.finish()[0]))
            except OvertakenError:
                results.append(None)

        threads = [
            threading.Thread(target=race, args=(name, begin_checkpoint(store, {"a": name}, number=number)))
            for name in (b"0", b"1", b"2", b"3")
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(results) == 4
        ((name, manifest),) = [result for result in results if result is not None]
        assert store.manifests(PARTITION).manifests[0] == manifest
        assert read_back(store, manifest) == {"a": name}


def test_what_was_abandoned_leaves_no_trace(store, monkeypatch):
    monkeypatch.setattr(checkpoint_build, "SEGMENT_BYTES", 10)
    build = begin_checkpoint(store, {"a": b"1" * 20, "b": b"2" * 20})
    assert len(names(store)) == 2
    build.abandon()
    build.abandon()
    assert names(store) == []


# -- a store that fails --------------------------------------------------------------------------------------------


class FailsAt:
    """For ``WatchedObjects``: the n-th call fails, as an unreachable or full store does."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.count = 0

    def __call__(self, method: str, name: str) -> None:
        self.count += 1
        if self.count == self.number:
            raise StoreUnreachableError(f"{name}: No space left on device")


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_failure_at_any_step_leaves_the_older_checkpoint_or_the_whole_new_one(monkeypatch, moment):
    """``after``: it was done, but nobody heard of it, as after a time-out."""
    monkeypatch.setattr(checkpoint_build, "SEGMENT_BYTES", 100)
    monkeypatch.setattr(checkpoint_build, "COPY_BYTES", 50)
    step, endings = 0, []
    while endings[-3:] != ["unharmed"] * 3:
        step += 1
        store = memory_store()
        base = write_checkpoint(store, {f"key-{i}": b"1" * 60 for i in range(8)}, offset=1)
        objects = WatchedObjects(store.objects)
        failing = FailsAt(step)
        setattr(objects, moment, failing)
        changed = {f"key-{i}": b"2" * 60 for i in range(5)}
        try:
            write_checkpoint(store_of(objects), changed, offset=2, base=base)
            endings.append("unharmed" if failing.count < step else "stands all the same")
        except StoreUnreachableError:
            endings.append("failed")
        found = store.manifests(PARTITION)
        assert found.problems == []
        assert base in found.manifests
        for manifest in found.manifests:
            expected = {f"key-{i}": b"1" * 60 for i in range(8)} | (changed if manifest.offset == 2 else {})
            assert read_back(store, manifest) == expected
        newest = found.manifests[0]
        again = write_checkpoint(store, {"key-0": b"3"}, offset=3, base=newest)
        assert again.number == newest.number + 1
        again = write_checkpoint(store, {}, offset=4, base=again)
        named = {segment.name for segment in again.segments}
        last_two = {s.name for m in store.manifests(PARTITION).manifests for s in m.segments}
        assert {name for name in names(store) if name.startswith("segment")} == last_two >= named
    assert "failed" in endings


def test_a_manifest_whose_fate_is_unknown_keeps_its_segments():
    store = memory_store()
    objects = WatchedObjects(store.objects)

    def unheard(method, name):
        if "manifest" in name:
            raise StoreUnreachableError("the answer never came")

    objects.after = unheard
    with pytest.raises(StoreUnreachableError):
        write_checkpoint(store_of(objects), {"a": b"1"}, offset=2)
    (manifest,) = store.manifests(PARTITION).manifests
    assert read_back(store, manifest) == {"a": b"1"}


def test_leftovers_that_cannot_be_removed_do_not_spoil_the_checkpoint(caplog):
    objects = WatchedObjects(MemoryObjects())
    store = store_of(objects)
    base = None
    for offset in (1, 2):
        base = write_checkpoint(store, {"a": b"1"}, offset=offset, base=base)

    def refuses(method, name):
        if method == "remove":
            raise StoreUnreachableError("may not delete")

    objects.before = refuses
    with caplog.at_level(logging.WARNING):
        newest = write_checkpoint(store, {"a": b"3"}, offset=3, base=base)
    assert "old checkpoints could not be removed: may not delete" in caplog.text
    assert read_back(store, newest) == {"a": b"3"}
    objects.before = lambda method, name: None
    newest = write_checkpoint(store, {"a": b"4"}, offset=4, base=newest)
    assert sum(name.startswith("segment") for name in names(store)) == 2


# -- a writer that dies --------------------------------------------------------------------------------------------

KILLS = 6
WRITER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from tests.state.support import PARTITION, folder_store, write_checkpoint

    store = folder_store(Path(sys.argv[1]))
    manifests = store.manifests(PARTITION).manifests
    base = manifests[0] if manifests else None
    number = 0 if base is None else base.offset
    print("writing", flush=True)
    while True:
        number += 1
        keys = range(10) if base is None else [number % 10]
        states = {f"key-{key}": b"%d," % number * 2000 for key in keys}
        base = write_checkpoint(store, states, offset=number, base=base)
    """
)


def expected(offset: int) -> dict[str, bytes]:
    """What the writer's keys hold at an offset: each the last number that ends with its digit, or 1."""
    numbers = {key: max(1, offset - (offset - key) % 10) for key in range(10)}
    return {f"key-{key}": b"%d," % number * 2000 for key, number in numbers.items()}


def test_a_writer_killed_at_any_moment_leaves_a_whole_checkpoint_and_nothing_stays_behind(tmp_path):
    moments = random.Random(3)
    reached = 0
    store = folder_store(tmp_path)
    for _ in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], cwd=REPOSITORY, stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        time.sleep(moments.uniform(0.02, 0.3))  # any moment will do: nothing is waited for
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        listing = store.manifests(PARTITION)
        assert listing.problems == []
        for manifest in listing.manifests:
            assert read_back(store, manifest) == expected(manifest.offset)
        assert listing.newest_number >= reached
        reached = listing.newest_number
    assert reached > KILLS
    base = store.manifests(PARTITION).manifests[0]
    for _ in range(2):  # two checkpoints later, nothing of the dead is left
        base = write_checkpoint(store, {}, offset=base.offset, base=base)
    named = {segment.name for segment in base.segments}
    assert {name for name in names(store) if not name.startswith("manifest")} == named
    assert read_back(store, base) == expected(base.offset)
