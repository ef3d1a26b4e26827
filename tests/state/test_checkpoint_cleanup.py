from __future__ import annotations

import pytest

from stream_rcf.state.durable_files import NewFile
from stream_rcf.state.manifest import PartitionId, manifest_name, segment_name
from tests.state.support import FINGERPRINT, PARTITION, file_store, names, read_back, write_checkpoint


@pytest.fixture
def store(tmp_path):
    return file_store(tmp_path / "checkpoints")


def test_two_checkpoints_are_kept_and_only_the_segments_they_name(store):
    manifests = [write_checkpoint(store, {"a": b"0", "b": b"0"}, offset=0)]
    for offset in range(1, 4):
        manifests.append(
            write_checkpoint(store, {"a": b"%d" % offset}, offset=offset, base=manifests[-1], keep=True)
        )
    assert names(store) == [
        manifest_name(3),
        manifest_name(4),
        *(segment_name(number) for number in (1, 2, 3, 4)),
    ]
    full = write_checkpoint(store, {"a": b"f", "b": b"f"}, offset=4, base=manifests[-1])
    assert full.previous == 4
    assert names(store)[:2] == [manifest_name(4), manifest_name(5)]
    write_checkpoint(store, {"b": b"g"}, offset=5, base=full, keep=True)
    assert names(store) == [manifest_name(5), manifest_name(6), segment_name(5), segment_name(6)]


def test_remains_of_dead_writers_are_removed_but_not_the_work_of_living_ones(store):
    other = PartitionId("stream-rcf", "events", 4)
    living = store.begin(PARTITION, FINGERPRINT, number=2)
    living.append("a", b"alive")
    for partition in (PARTITION, other):
        store.folder(partition).mkdir(exist_ok=True)
        (store.folder(partition) / "123-dead.writing").write_bytes(b"half a segment")
        (store.folder(partition) / segment_name(77)).write_bytes(b"its manifest never came")
    write_checkpoint(store, {"b": b"1"})
    assert set(names(store, other)) == {"123-dead.writing", segment_name(77)}  # not this writer's to tidy
    assert [name for name in names(store) if name.startswith("123-") or name == segment_name(77)] == []
    assert read_back(store, living.finish(1, keep_segments=False)) == {"a": b"alive"}


def test_a_published_segment_whose_manifest_is_still_to_come_is_left_alone(store):
    base = write_checkpoint(store, {"a": b"1"})
    with_lock = NewFile(store.folder(PARTITION))
    with_lock.sync()
    with_lock.publish(store.folder(PARTITION) / segment_name(50))
    write_checkpoint(store, {"a": b"2"}, base=base)
    assert segment_name(50) in names(store)
    with_lock.close()
    write_checkpoint(store, {"a": b"3"})
    assert segment_name(50) not in names(store)


def test_an_unreadable_manifest_is_reported_and_nothing_it_may_name_is_deleted(store):
    first = write_checkpoint(store, {"a": b"1"}, offset=1)
    second = write_checkpoint(store, {"a": b"2"}, offset=2)
    path = store.folder(PARTITION) / manifest_name(second.number)
    path.write_bytes(path.read_bytes().replace(b'"offset":2', b'"offset":3'))
    listing = store.manifests(PARTITION)
    assert listing.manifests == [first]
    assert listing.newest_number == 2
    assert listing.problems == [f"{path} is corrupt: its content differs from its checksum"]
    write_checkpoint(store, {"a": b"3"}, offset=3)
    assert segment_name(2) in names(store)
    for offset in (4, 5):
        write_checkpoint(store, {"a": b"4"}, offset=offset)
    assert names(store) == [manifest_name(4), manifest_name(5), segment_name(4), segment_name(5)]
