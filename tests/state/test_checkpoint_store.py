from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_rcf.errors import CheckpointError
from stream_rcf.state import checkpoint_store
from stream_rcf.state.checkpoint_store import KEPT_MANIFESTS, open_store
from stream_rcf.state.manifest import MAXIMUM_MANIFEST_BYTES, PartitionId, manifest_name
from stream_rcf.state.names import folder_of
from stream_rcf.state.objects import ObjectMissingError, StoreUnreachableError
from tests.state.support import (
    FOLDER,
    NOW,
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

OTHER = PartitionId("stream-rcf", "events", 9)


@pytest.fixture
def store():
    return memory_store()


def test_opening_a_store_creates_nothing(tmp_path):
    store = open_store(f"file:{tmp_path}/checkpoints")
    assert store.where(PARTITION, "x") == f"{tmp_path}/checkpoints/stream-rcf/events/3/x"
    assert list(tmp_path.iterdir()) == []
    assert (store.partitions(), store.manifests(PARTITION)) == ([], ([], [], 0))
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_is_found_and_read_back(tmp_path):
    store = folder_store(tmp_path)
    manifest = write_checkpoint(store, {"a": b"1", "ключ": b""}, offset=17)
    assert store.manifests(PARTITION) == ([manifest], [], 1)
    assert (manifest.offset, manifest.keys, manifest.previous, manifest.frames) == (17, 2, None, 2)
    assert manifest.created_at == int(NOW * 1000)
    assert read_back(folder_store(tmp_path), manifest) == {"a": b"1", "ключ": b""}


def test_of_many_frames_of_a_key_the_newest_counts(store):
    # Large beside the others, so that no segment is worth rewriting.
    first = write_checkpoint(store, {"a": b"1" * 9000, "b": b"1", "c": b"1"}, offset=1)
    second = write_checkpoint(store, {"b": b"2", "d": b"2" * 900}, offset=2, base=first)
    third = write_checkpoint(store, {"b": b"3"}, offset=3, base=second)
    assert (second.keys, third.keys, third.frames, third.previous) == (4, 4, 6, 2)
    assert read_back(store, third) == {"a": b"1" * 9000, "b": b"3", "c": b"1", "d": b"2" * 900}
    assert read_back(store, second) == {"a": b"1" * 9000, "b": b"2", "c": b"1", "d": b"2" * 900}


def test_a_checkpoint_whose_keys_are_not_as_many_as_it_says_is_corrupt(store):
    build = begin_checkpoint(store, {"a": b"1"})
    build._heading = build._heading._replace(keys=2)
    manifest, _ = build.finish()
    with pytest.raises(CheckpointError, match="its segments hold 1 keys, but its manifest says 2"):
        store.verify(manifest)


def test_partitions_are_listed_whatever_their_names(tmp_path):
    store = folder_store(tmp_path)
    odd = [
        PartitionId("..", "a/b", 0),
        PartitionId("gröup %2F", "events", 11),
        PartitionId("stream-rcf", "events", 2),
        PartitionId("stream-rcf", "events", 10),
    ]
    for partition in odd:
        manifest = write_checkpoint(store, {"a": b"1"}, partition=partition)
        assert read_back(store, manifest) == {"a": b"1"}
    assert {path.name for path in tmp_path.iterdir()} == {"%2E%2E", "gr%C3%B6up%20%252F", "stream-rcf"}
    (tmp_path / "lost+found").mkdir()
    (tmp_path / "stream-rcf" / "lost+found").mkdir()
    (tmp_path / "stream-rcf" / "events" / "007").mkdir()
    (tmp_path / "stream-rcf" / "events" / "notes.txt").write_text("not ours")
    assert store.partitions() == sorted(odd)
    assert store.partitions_of("stream-rcf", "events") == odd[2:]
    assert store.partitions_of("stream-rcf", "other") == []


def test_a_manifest_of_another_partition_is_not_believed(store):
    write_checkpoint(store, {"a": b"1"})
    for name in names(store):
        data = store.objects.read(f"{FOLDER}/{name}", 10_000)
        store.objects.create(f"{folder_of(OTHER)}/{name}", data)
    assert "belongs elsewhere" in store.manifests(OTHER).problems[0]


def test_a_missing_segment_is_named(store):
    manifest = write_checkpoint(store, {"a": b"1"})
    (segment,) = manifest.segments
    store.objects.remove(f"{FOLDER}/{segment.name}")
    for read in (store.indexes, store.verify):
        with pytest.raises(ObjectMissingError, match=segment.name):
            read(manifest)


def test_states_are_checked_one_by_one_and_the_damaged_one_named(store):
    manifest = write_checkpoint(store, {"a": b"x" * 50, "b": b"y" * 50})
    (index,) = store.indexes(manifest)
    change_object(store, f"{FOLDER}/{index.segment.name}", flip(int(index.start[1])))
    assert store.payloads(PARTITION, index, [0]) == [b"x" * 50]
    with pytest.raises(CheckpointError, match=f"{index.segment.name} is corrupt: the state of key 'b'"):
        store.payloads(PARTITION, index, [0, 1])


def test_an_unreachable_store_is_said_as_such(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    store = folder_store(tmp_path / "file")
    for ask in (lambda: store.manifests(PARTITION), lambda: write_checkpoint(store, {}), store.partitions):
        with pytest.raises(StoreUnreachableError, match="Not a directory"):
            ask()


# -- listings that lag behind -------------------------------------------------------------------------------------


def test_what_a_late_listing_does_not_show_is_found_and_no_number_given_twice():
    objects = WatchedObjects(MemoryObjects())
    store = store_of(objects)
    manifests = [write_checkpoint(store, {"a": b"%d" % i}, offset=i) for i in range(1, 4)]
    for hidden in ({2, 3}, {1, 2, 3}, {3}, {1}):
        objects.unlisted = {manifest_name(number) for number in hidden}
        assert store.manifests(PARTITION) == ([manifests[2], manifests[1]], [], 3)
    objects.unlisted = {manifest_name(2), manifest_name(3)}
    assert write_checkpoint(store, {"a": b"4"}).number == 4


def test_a_late_listing_after_old_manifests_were_removed_leads_to_the_newest():
    objects = WatchedObjects(MemoryObjects())
    store = store_of(objects)
    for offset in range(KEPT_MANIFESTS + 10):
        newest = write_checkpoint(store, {}, offset=offset)
    listed = [name for name in names(store) if name.startswith("manifest")]
    assert listed == [manifest_name(number) for number in range(11, 75)]
    for shown in (0, 30, KEPT_MANIFESTS - 1):  # the listing is as old as that one
        objects.unlisted = set(listed[shown + 1 :])
        assert store.manifests(PARTITION).manifests[0] == newest


def test_an_object_too_large_for_a_manifest_is_a_problem_and_its_number_taken():
    objects = WatchedObjects(MemoryObjects())
    store = store_of(objects)
    first = write_checkpoint(store, {}, offset=1)
    objects.create(f"{FOLDER}/{manifest_name(2)}", b" " * (MAXIMUM_MANIFEST_BYTES + 1))
    for unlisted in (set(), {manifest_name(2)}):
        objects.unlisted = unlisted
        found = store.manifests(PARTITION)
        assert (found.manifests, found.newest_number) == ([first], 2)
        assert "more than" in found.problems[0]


def test_a_manifest_that_is_tidied_away_while_it_is_looked_for_is_no_problem(store):
    first = write_checkpoint(store, {}, offset=1)
    second = write_checkpoint(store, {}, offset=2)
    objects = WatchedObjects(store.objects)
    objects.before = lambda method, name: (
        store.objects.remove(name) if method == "read" and name.endswith(manifest_name(2)) else None
    )
    assert store_of(objects).manifests(PARTITION) == ([first], [], 2)
    assert second.number == 2


# -- damage -------------------------------------------------------------------------------------------------------

TRUTH = {1: {"a": b"1" * 30, "b": b"1"}, 2: {"a": b"1" * 30, "b": b"2", "c": b"2"}}


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_no_damage_to_any_object_ever_gives_wrong_content(seed):
    store = memory_store()
    first = write_checkpoint(store, TRUTH[1], offset=1)
    write_checkpoint(store, {"b": b"2", "c": b"2"}, offset=2, base=first)
    damage(store.objects, random.Random(seed))
    listing = store.manifests(PARTITION)
    problems = len(listing.problems)
    for manifest in listing.manifests:
        try:
            assert read_back(store, manifest) == TRUTH[manifest.offset]
        except CheckpointError:
            problems += 1
    assert problems


def damage(objects: MemoryObjects, random: random.Random) -> None:
    """One truncation, some flipped bits, a few bytes more, or two objects with each other's names."""
    name = random.choice(sorted(objects.content))
    data = bytearray(objects.content[name])
    kind = random.choice(["truncate", "flip", "append", "swap"])
    if kind == "truncate":
        del data[random.randrange(len(data)) :]
    elif kind == "flip":
        for position in random.sample(range(len(data)), random.randint(1, 4)):
            data[position] ^= 1 << random.randrange(8)
    elif kind == "append":
        data += random.randbytes(random.randint(1, 20))
    else:
        other = next(o for o in objects.content if o != name and ("manifest" in o) == ("manifest" in name))
        objects.content[other], data = bytes(data), bytearray(objects.content[other])
    objects.content[name] = bytes(data)


def test_the_probes_beyond_a_listing_are_bounded(store, monkeypatch):
    monkeypatch.setattr(checkpoint_store, "_MOST_UNLISTED", 3)
    objects = WatchedObjects(store.objects)
    objects.unlisted = {manifest_name(number) for number in range(1, 20)}
    for offset in range(6):
        write_checkpoint(store, {}, offset=offset)
    assert store_of(objects).manifests(PARTITION).newest_number == 2
