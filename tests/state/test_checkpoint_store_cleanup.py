"""Tidying up: what no kept manifest names goes, and nothing else, whoever writes at the same time."""

from __future__ import annotations

import pytest

from stream_rcf.state.checkpoint_store import KEPT_MANIFESTS
from stream_rcf.state.manifest import PartitionId, manifest_name
from tests.state.support import (
    FOLDER,
    PARTITION,
    begin_checkpoint,
    change_object,
    memory_store,
    names,
    read_back,
    store_of,
    write_checkpoint,
)
from tests.support.memory_objects import WatchedObjects

OTHER = PartitionId("stream-rcf", "events", 9)


@pytest.fixture
def store():
    return memory_store()


def segments_of(*manifests) -> set[str]:
    return {segment.name for manifest in manifests for segment in manifest.segments}


def test_two_checkpoints_are_kept_and_only_the_segments_they_name(store):
    manifests = [write_checkpoint(store, {"a": b"0", "b": b"0" * 900}, offset=0)]
    for offset in range(1, 6):
        manifests.append(write_checkpoint(store, {"a": b"%d" % offset}, offset=offset, base=manifests[-1]))
        kept = segments_of(*manifests[-2:])
        assert {name for name in names(store) if name.startswith("segment")} == kept
        assert manifests[-1].segments[0] == manifests[0].segments[0]
    assert read_back(store, manifests[-2]) == {"a": b"4", "b": b"0" * 900}
    fresh = write_checkpoint(store, {"c": b"f"}, offset=9)
    assert {name for name in names(store) if name.startswith("segment")} == segments_of(manifests[-1], fresh)


def test_old_manifests_stay_for_late_listings_and_then_go(store):
    for offset in range(KEPT_MANIFESTS + 3):
        write_checkpoint(store, {"a": b"%d" % offset}, offset=offset)
    assert [name for name in names(store) if name.startswith("manifest")] == [
        manifest_name(number) for number in range(4, KEPT_MANIFESTS + 4)
    ]
    assert len(names(store)) == KEPT_MANIFESTS + 2, "and two segments"


def test_the_remains_of_dead_writers_are_removed_but_not_the_work_of_living_ones(store):
    dead = begin_checkpoint(store, {"a": b"dead"}, number=1)
    dead._write_segment()  # and its manifest never came
    living = begin_checkpoint(store, {"a": b"alive"}, number=2)
    living._write_segment()
    elsewhere = begin_checkpoint(store, {"a": b"other"}, number=1, partition=OTHER)
    elsewhere._write_segment()
    first = write_checkpoint(store, {"b": b"1"}, number=1)
    assert set(names(store)) == {
        manifest_name(1),
        *segments_of(first),
        *(index.segment.name for index in living._written),
    }
    assert len(names(store, OTHER)) == 1, "another partition's is not this writer's to tidy"
    assert read_back(store, living.finish()[0]) == {"a": b"alive"}


def test_objects_of_other_names_are_left_alone(store):
    store.objects.create(f"{FOLDER}/README", b"from the operator")
    for offset in range(3):
        write_checkpoint(store, {"a": b"1"}, offset=offset)
    assert "README" in names(store)


def test_an_unreadable_manifest_is_reported_and_nothing_it_may_name_is_deleted(store):
    first = write_checkpoint(store, {"a": b"1"}, offset=1)
    second = write_checkpoint(store, {"a": b"2"}, offset=2)
    change_object(
        store, f"{FOLDER}/{manifest_name(2)}", lambda data: data.replace(b'"offset":2', b'"offset":3')
    )
    where = store.where(PARTITION, manifest_name(2))
    problem = f"{where} is corrupt: its content differs from its checksum"
    assert store.manifests(PARTITION) == ([first], [problem], 2)
    write_checkpoint(store, {"a": b"3"}, offset=3)
    assert segments_of(first, second) <= set(names(store))
    newest = [write_checkpoint(store, {"a": b"4"}, offset=offset) for offset in (4, 5)]
    assert {name for name in names(store) if name.startswith("segment")} == segments_of(*newest)


def test_a_slow_tidier_removes_nothing_that_newer_checkpoints_name(store):
    """It read the manifests, stood still while others wrote five more, and only then lists and removes."""
    base = write_checkpoint(store, {"a": b"1" * 900, "b": b"1"}, offset=1)
    base = write_checkpoint(store, {"b": b"2"}, offset=2, base=base)
    newer = []
    slow = WatchedObjects(store.objects)

    def meanwhile(method, name):
        if method == "list" and sum(call[0] == "list" for call in slow.calls) == 2 and not newer:
            newer.append(base)
            for offset in range(3, 8):
                newer.append(write_checkpoint(store, {"b": b"%d" % offset}, offset=offset, base=newer[-1]))

    slow.before = meanwhile
    store_of(slow).remove_superseded(PARTITION)
    assert len(newer) == 6
    assert read_back(store, newer[-1]) == {"a": b"1" * 900, "b": b"7"}
    assert read_back(store, newer[-2]) == {"a": b"1" * 900, "b": b"6"}


def test_tidying_up_nothing_removes_nothing(store):
    store.objects.create(f"{FOLDER}/segment-000000000001-0000-0123456789abcdef.frames", b"of a living writer")
    store.remove_superseded(PARTITION)
    assert len(names(store)) == 1
