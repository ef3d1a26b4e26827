from __future__ import annotations

import os
import random
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream_rcf.errors import CheckpointError, UnreachableError, UsageError
from stream_rcf.state.checkpoint_files import folder_name
from stream_rcf.state.manifest import PartitionId, manifest_name, segment_name
from tests.state.support import FINGERPRINT, PARTITION, file_store, names, read_back, write_checkpoint


@pytest.fixture
def store(tmp_path):
    return file_store(tmp_path / "checkpoints")


def test_a_partition_without_a_folder_has_no_checkpoints(store):
    assert store.manifests(PARTITION) == ([], [], 0)


def test_a_checkpoint_is_found_and_read_back(store):
    manifest = write_checkpoint(store, {"a": b"1", "ключ": b""}, offset=17)
    assert store.manifests(PARTITION) == ([manifest], [], 1)
    assert (manifest.offset, manifest.keys, manifest.previous, manifest.frames) == (17, 2, None, 2)
    assert manifest.created_at == 1_767_225_600_500
    assert read_back(file_store(store.root), manifest) == {"a": b"1", "ключ": b""}


def test_an_empty_checkpoint_is_only_a_manifest(store):
    manifest = write_checkpoint(store, {}, offset=5)
    assert names(store) == [manifest_name(1)]
    assert read_back(store, manifest) == {}


def test_of_many_frames_of_a_key_the_newest_counts(store):
    first = write_checkpoint(store, {"a": b"1", "b": b"1", "c": b"1"}, offset=1)
    second = write_checkpoint(store, {"b": b"2", "d": b"2"}, offset=2, base=first, keep=True)
    third = write_checkpoint(store, {"b": b"3"}, offset=3, base=second, keep=True)
    assert (second.keys, third.keys, third.frames, third.previous) == (4, 4, 6, 2)
    assert read_back(store, third) == {"a": b"1", "b": b"3", "c": b"1", "d": b"2"}
    assert read_back(store, second) == {"a": b"1", "b": b"2", "c": b"1", "d": b"2"}


@pytest.mark.parametrize("read_first", [False, True])
def test_another_process_counts_keys_rightly_too(store, read_first):
    first = write_checkpoint(store, {"a": b"1", "b": b"1"})
    other = file_store(store.root)
    if read_first:
        read_back(other, first)
    second = write_checkpoint(other, {"b": b"2", "c": b"2"}, base=first, keep=True)
    assert second.keys == 3
    other.forget(PARTITION)
    assert write_checkpoint(other, {"d": b"3"}, base=second, keep=True).keys == 4


def test_an_abandoned_continuation_does_not_spoil_the_count_of_keys(store):
    first = write_checkpoint(store, {"a": b"1"})
    writer = store.begin(PARTITION, FINGERPRINT, first)
    writer.append("b", b"2")
    writer.abandon()
    second = write_checkpoint(store, {"a": b"3"}, base=first, keep=True)
    assert second.keys == 1
    assert read_back(store, second) == {"a": b"3"}


def test_a_checkpoint_without_change_keeps_the_segments(store):
    first = write_checkpoint(store, {"a": b"1"}, offset=1)
    second = write_checkpoint(store, {}, offset=9, base=first, keep=True)
    assert (second.offset, second.segments, second.keys) == (9, first.segments, 1)


def test_a_manifest_of_another_partition_is_not_believed(store):
    write_checkpoint(store, {"a": b"1"})
    other = PartitionId("stream-rcf", "events", 9)
    shutil.copytree(store.folder(PARTITION), store.folder(other))
    assert "belongs elsewhere" in store.manifests(other).problems[0]


def test_a_missing_segment_is_named(store):
    manifest = write_checkpoint(store, {"a": b"1"})
    (store.folder(PARTITION) / segment_name(1)).unlink()
    with pytest.raises(
        CheckpointError, match=r"segment-000000000001.frames is missing, but its manifest names it"
    ):
        read_back(store, manifest)


def test_what_is_tidied_away_while_it_is_read_can_be_read_to_the_end(store):
    base = write_checkpoint(store, {"a": b"1", "b": b"1"})
    manifest = write_checkpoint(store, {"a": b"2"}, base=base, keep=True)
    reading = store.read(PARTITION, manifest)
    assert next(reading) == ("a", b"2")
    for _ in range(3):
        write_checkpoint(store, {"c": b"3"})
    assert segment_name(1) not in names(store)
    assert list(reading) == [("b", b"1")]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(seed=st.integers(0, 2**32))
def test_no_damage_to_any_file_ever_gives_wrong_content(tmp_path, seed):
    truth = {1: {"a": b"1" * 30, "b": b"1"}, 2: {"a": b"1" * 30, "b": b"2", "c": b"2"}}
    sound = file_store(tmp_path / "sound")
    if not sound.root.exists():
        first = write_checkpoint(sound, truth[1], offset=1)
        write_checkpoint(sound, {"b": b"2", "c": b"2"}, offset=2, base=first, keep=True)
    fresh = file_store(tmp_path / "fuzzed")
    shutil.rmtree(fresh.root, ignore_errors=True)
    shutil.copytree(sound.root, fresh.root)
    damage(fresh.folder(PARTITION), random.Random(seed))
    listing = fresh.manifests(PARTITION)
    problems = len(listing.problems)
    for manifest in listing.manifests:
        try:
            assert read_back(fresh, manifest) == truth[manifest.offset]
        except CheckpointError:
            problems += 1
    assert problems


def damage(folder, random: random.Random) -> None:
    """One truncation, some flipped bits, a few bytes more, or two files with each other's names."""
    path = folder / random.choice(sorted(os.listdir(folder)))
    data = bytearray(path.read_bytes())
    kind = random.choice(["truncate", "flip", "append", "swap"])
    if kind == "truncate":
        del data[random.randrange(len(data)) :]
    elif kind == "flip":
        for position in random.sample(range(len(data)), random.randint(1, 4)):
            data[position] ^= 1 << random.randrange(8)
    elif kind == "append":
        data += random.randbytes(random.randint(1, 20))
    else:
        same_kind = [name for name in os.listdir(folder) if name[:4] == path.name[:4] and name != path.name]
        other = folder / same_kind[0]
        data, other_data = bytearray(other.read_bytes()), bytes(data)
        other.write_bytes(other_data)
    path.write_bytes(data)


def test_a_folder_that_cannot_be_read_or_made_is_named(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    store = file_store(tmp_path / "file")
    with pytest.raises(UnreachableError, match="file/stream-rcf/events/3 cannot be read: Not a directory"):
        store.manifests(PARTITION)
    with pytest.raises(CheckpointError, match=r"cannot hold checkpoints: (File exists|Not a directory)"):
        store.begin(PARTITION, FINGERPRINT)
    with pytest.raises(UnreachableError, match="cannot be read"):
        store.partitions()
    with pytest.raises(UnreachableError, match="No such file"):
        file_store(tmp_path / "absent").partitions()


def test_partitions_are_listed_whatever_their_names(store):
    odd = [
        PartitionId("..", "a/b", 0),
        PartitionId("gröup %2F", "events", 11),
        PartitionId("stream-rcf", "events", 2),
    ]
    for partition in odd:
        manifest = write_checkpoint(store, {"a": b"1"}, partition=partition)
        assert read_back(store, manifest, partition) == {"a": b"1"}
        assert store.root in store.folder(partition).resolve().parents
    (store.root / "lost+found").mkdir()
    (store.root / "stream-rcf" / "events" / "007").mkdir()
    (store.root / "stream-rcf" / "events" / "notes.txt").write_text("not ours")
    assert store.partitions() == sorted(odd)


@given(st.text(min_size=1, max_size=30))
def test_a_name_becomes_one_reversible_name_in_a_folder(name):
    encoded = folder_name(name)
    assert "/" not in encoded
    assert encoded not in (".", "..")
    assert "\0" not in encoded


@pytest.mark.parametrize(
    ("name", "message"), [("", "has 0 characters"), ("ж" * 50, "300"), ("\udcff", "Unicode")]
)
def test_a_name_that_fits_no_folder_is_refused(name, message):
    with pytest.raises(UsageError, match=message):
        folder_name(name)
