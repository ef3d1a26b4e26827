"""What every kind of ``Objects`` does, as functions that take an empty one, for tests and load tests."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from stream_rcf.errors import CheckpointError, UnreachableError
from stream_rcf.state.objects import ObjectExistsError, ObjectMissingError, Objects

RACERS = 8
RACES = 20


def what_was_created_can_be_read(objects: Objects) -> None:
    content = bytes(range(256)) * 100
    objects.create("folder/name", content)
    assert objects.read("folder/name", len(content)) == content


def an_object_may_be_empty(objects: Objects) -> None:
    objects.create("empty", b"")
    assert objects.read("empty", 0) == b""
    assert objects.read_ranges("empty", [(0, 0)]) == [b""]


def a_large_object_appears_in_one_piece(objects: Objects) -> None:
    content = b"0123456789abcdef" * (3 * 2**20 // 4)  # 12 MB: more than obstore sends at a time by itself
    objects.create("large", content)
    assert objects.read("large", len(content)) == content
    with pytest.raises(ObjectExistsError):
        objects.create("large", content[::-1])


def a_taken_name_stays_with_its_content(objects: Objects) -> None:
    objects.create("a/name", b"first")
    with pytest.raises(ObjectExistsError, match="a/name exists already"):
        objects.create("a/name", b"second")
    with pytest.raises(ObjectExistsError):
        objects.create("a/name", b"first")
    assert objects.read("a/name", 5) == b"first"


def a_removed_name_is_free(objects: Objects) -> None:
    objects.create("a/name", b"first")
    objects.remove("a/name")
    assert objects.list("a") == []
    objects.create("a/name", b"second")
    assert objects.read("a/name", 6) == b"second"


def removing_what_is_gone_is_no_error(objects: Objects) -> None:
    objects.create("a/name", b"x")
    objects.remove("a/other")
    assert objects.list("a") == ["name"]


def removing_from_a_folder_that_never_was_is_no_error(objects: Objects) -> None:
    objects.remove("nowhere/name")
    assert objects.folders("") == []


def what_is_missing_is_said_by_name(objects: Objects) -> None:
    with pytest.raises(ObjectMissingError, match="a/name is missing"):
        objects.read("a/name", 10)
    with pytest.raises(ObjectMissingError, match="a/name is missing"):
        objects.read_ranges("a/name", [(0, 1)])
    with pytest.raises(ObjectMissingError, match="a/name is missing"):
        objects.read_ranges("a/name", [(0, 0)])


def an_object_larger_than_allowed_is_refused(objects: Objects) -> None:
    objects.create("name", b"0123456789")
    with pytest.raises(CheckpointError, match="name is corrupt: more than 9 bytes, namely 10") as failure:
        objects.read("name", 9)
    assert not isinstance(failure.value, UnreachableError)


def ranges_come_in_the_order_asked_for(objects: Objects) -> None:
    content = bytes(range(256)) * 4096
    objects.create("name", content)
    ranges = [(5, 9), (1_000_000, 1_000_003), (0, 2), (7, 7), (6, 8), (len(content) - 1, len(content))]
    assert objects.read_ranges("name", ranges) == [content[start:end] for start, end in ranges]
    assert objects.read_ranges("name", []) == []


def a_range_past_the_end_is_corruption(objects: Objects) -> None:
    objects.create("name", b"0123456789")
    for wrong in [(8, 11), (10, 11), (50, 60), (5, 4), (-1, 3), (3, 2**70)]:
        with pytest.raises(CheckpointError, match="name is corrupt") as failure:
            objects.read_ranges("name", [(0, 3), wrong])
        assert not isinstance(failure.value, (UnreachableError, ObjectMissingError))


def a_listing_tells_objects_from_folders(objects: Objects) -> None:
    for name in ("top", "a/one", "a/two", "a/deeper/three", "ab/four"):
        objects.create(name, b"x")
    assert objects.list("") == ["top"]
    assert sorted(objects.folders("")) == ["a", "ab"]
    assert sorted(objects.list("a")) == ["one", "two"]
    assert objects.folders("a") == ["deeper"]
    assert objects.list("a/deeper") == ["three"]
    assert objects.list("b") == []
    assert objects.folders("b") == []


def a_listing_has_more_than_a_page(objects: Objects) -> None:
    names = {f"{number:05d}" for number in range(1003)}  # S3 lists 1,000 at a time
    with ThreadPoolExecutor(RACERS) as pool:
        list(pool.map(lambda name: objects.create(f"many/{name}", b""), names))
    assert set(objects.list("many")) == names


def names_come_back_as_they_went(objects: Objects) -> None:
    names = ["topic_with.dots-and_more", "A", "0", ".hidden", "a=b", "a%20b%2Fc%C3%A4", "%2E%2E", "a~b", "~"]
    for name in names:
        objects.create(f"{name}-0/00000000000000000001.manifest", b"x")
    assert sorted(objects.folders("")) == sorted(f"{name}-0" for name in names)
    assert objects.list(".hidden-0") == ["00000000000000000001.manifest"]


def one_of_those_who_race_for_a_name_wins(objects: Objects) -> None:
    for race in range(RACES):
        start = threading.Barrier(RACERS)

        def racer(number: int, race: int = race, start: threading.Barrier = start) -> bool:
            start.wait()
            try:
                objects.create(f"race/{race}", b"%d" % number)
            except ObjectExistsError:
                return False
            return True

        with ThreadPoolExecutor(RACERS) as pool:
            won = list(pool.map(racer, range(RACERS)))
        assert won.count(True) == 1, f"race {race} had {won.count(True)} winners"
        assert objects.read(f"race/{race}", 1) == b"%d" % won.index(True)


BEHAVIOURS: list[Callable[[Objects], None]] = [
    what_was_created_can_be_read,
    an_object_may_be_empty,
    a_large_object_appears_in_one_piece,
    a_taken_name_stays_with_its_content,
    a_removed_name_is_free,
    removing_what_is_gone_is_no_error,
    removing_from_a_folder_that_never_was_is_no_error,
    what_is_missing_is_said_by_name,
    an_object_larger_than_allowed_is_refused,
    ranges_come_in_the_order_asked_for,
    a_range_past_the_end_is_corruption,
    a_listing_tells_objects_from_folders,
    a_listing_has_more_than_a_page,
    names_come_back_as_they_went,
    one_of_those_who_race_for_a_name_wins,
]
