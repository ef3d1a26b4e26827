from __future__ import annotations

import math
import threading

import pytest

from stream_rcf.errors import CheckpointError, UnreachableError
from stream_rcf.state.cloud_objects import CloudObjects
from stream_rcf.state.objects import ObjectExistsError, StoreUnreachableError
from tests.support.faulty_http import (
    FaultyProxy,
    cut_answer,
    cut_request,
    delay,
    drop_answer,
    hang,
    perform_then_hang,
    perform_then_refuse,
    refuse,
)
from tests.support.objects_behaviour import BEHAVIOURS

CONTENT = bytes(range(256)) * 40
OPERATIONS = {
    "list": lambda objects: objects.list("a"),
    "folders": lambda objects: objects.folders(""),
    "read": lambda objects: objects.read("a/name", len(CONTENT)),
    "ranges": lambda objects: objects.read_ranges("a/name", [(1, 3)]),
    "create": lambda objects: objects.create("a/new", b"x"),
    "remove": lambda objects: objects.remove("a/name"),
}


def is_put(request):
    return request.method == "PUT"


def is_read(request):
    return request.method == "GET" and not request.is_list


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.__name__)
def test_a_bucket_does_what_objects_do(behaviour, direct):
    behaviour(direct)


def test_its_root_and_repr_are_the_url(direct, s3_server):
    assert direct.root.startswith(f"s3://{s3_server.bucket}/")
    assert repr(direct) == f"CloudObjects({direct.root!r})"


def test_a_marker_of_a_folder_is_no_object(direct, proxy, through):
    """Consoles make an empty object whose name ends with a slash, which is listed in the folder it stands for."""
    keys = [f"{direct.root.rpartition('/')[2]}/a/{name}" for name in ("", "name")]
    contents = "".join(
        f"<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00Z</LastModified><Size>0</Size></Contents>"
        for key in keys
    )
    listing = f"<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>"
    proxy.plan(lambda exchange: exchange.answer(200, [], listing.encode()))
    assert through().list("a") == ["name"]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_refusal_is_gone_through(operation, status, direct, proxy, through):
    direct.create("a/name", CONTENT)
    proxy.plan(refuse(status), times=2)
    OPERATIONS[operation](through())
    assert len(proxy.requests) == 3


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_is_not_allowed_is_not_asked_again(operation, direct, proxy, through):
    direct.create("a/name", CONTENT)
    proxy.plan(refuse(403, "AccessDenied"), times=math.inf)
    with pytest.raises(
        StoreUnreachableError, match="the answer was 403 AccessDenied: are the credentials right"
    ):
        OPERATIONS[operation](through())
    assert len(proxy.requests) == 1


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_server_that_hangs_is_left_after_the_time_a_request_has(operation, direct, proxy, through):
    direct.create("a/name", CONTENT)
    proxy.plan(hang, times=math.inf)
    with pytest.raises(StoreUnreachableError, match=r"could not \w+ s3://.*: no answer within 0.3 s"):
        OPERATIONS[operation](through(request_seconds=0.3, retry_seconds=0))
    assert len(proxy.requests) == 1


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_slow_server_is_waited_for(operation, direct, proxy, through):
    direct.create("a/name", CONTENT)
    proxy.plan(delay(0.3), times=math.inf)
    OPERATIONS[operation](through())
    assert len(proxy.requests) == 1


def test_an_outage_longer_than_the_retries_ends_and_the_same_object_goes_on(direct, proxy, through):
    objects = through(retry_seconds=0.5)
    proxy.plan(refuse(503, "SlowDown"), times=math.inf)
    with pytest.raises(
        StoreUnreachableError, match=r"could not create s3://.*/a/name: the answer was 503 SlowDown"
    ):
        objects.create("a/name", CONTENT)
    assert len(proxy.requests) > 1
    proxy.heal()
    objects.create("a/name", CONTENT)
    assert direct.read("a/name", len(CONTENT)) == CONTENT


def test_a_server_that_is_down_is_no_connection(direct, through, s3_server, monkeypatch):
    with FaultyProxy(s3_server.port) as gone:
        monkeypatch.setenv("AWS_ENDPOINT_URL", gone.endpoint)
    with pytest.raises(StoreUnreachableError, match="no connection"):
        CloudObjects(direct.root, retry_seconds=0).list("")


@pytest.mark.parametrize(
    "fault", [drop_answer, perform_then_refuse(500), perform_then_refuse(503), perform_then_hang, cut_request]
)
def test_an_object_that_was_created_without_a_word_is_known_as_ours(fault, direct, proxy, through):
    proxy.plan(fault, is_put)
    through(request_seconds=2).create("a/name", CONTENT)
    assert direct.read("a/name", len(CONTENT)) == CONTENT
    assert [request.method for request in proxy.requests][:2] == ["PUT", "PUT"]


@pytest.mark.parametrize("theirs", [CONTENT[::-1], CONTENT + b"more", b""])
def test_another_writer_who_was_quicker_between_two_attempts_wins(theirs, direct, proxy, through):
    def lose(exchange):
        direct.create("a/name", theirs)  # and hang up

    proxy.plan(lose, is_put)
    with pytest.raises(ObjectExistsError, match="a/name exists already"):
        through().create("a/name", CONTENT)
    assert direct.read("a/name", len(CONTENT) + 4) == theirs


def test_a_name_that_was_taken_before_the_first_attempt_is_not_ours_even_with_our_content(
    direct, proxy, through
):
    direct.create("a/name", CONTENT)
    with pytest.raises(ObjectExistsError):
        through().create("a/name", CONTENT)
    assert [request.method for request in proxy.requests] == ["PUT"]


def test_a_refusal_that_did_nothing_leaves_no_doubt(direct, proxy, through):
    def refuse_after_theirs(exchange):
        direct.create("a/name", CONTENT)
        refuse(429)(exchange)

    proxy.plan(refuse_after_theirs, is_put)
    with pytest.raises(ObjectExistsError):
        through().create("a/name", CONTENT)


def test_a_conflict_of_two_writers_is_tried_again(direct, proxy, through):
    proxy.plan(refuse(409, "ConditionalRequestConflict"), is_put)
    through().create("a/name", CONTENT)
    assert direct.list("a") == ["name"]


def test_half_an_upload_is_no_object(direct, proxy, through):
    proxy.plan(cut_request, is_put, times=math.inf)
    with pytest.raises(StoreUnreachableError, match="the connection broke"):
        through(retry_seconds=0).create("a/name", CONTENT)
    assert direct.list("a") == []


@pytest.mark.parametrize("operation", ["list", "read", "ranges"])
def test_an_answer_cut_in_its_middle_is_asked_for_again(operation, direct, proxy, through):
    direct.create("a/name", CONTENT)
    proxy.plan(cut_answer)
    assert OPERATIONS[operation](through()) == OPERATIONS[operation](direct)
    assert len(proxy.requests) == 2


@pytest.mark.parametrize("operation", ["list", "read", "ranges"])
def test_an_answer_that_is_always_cut_is_never_taken_for_whole(operation, direct, proxy, through):
    direct.create("a/name", CONTENT)
    proxy.plan(cut_answer, times=math.inf)
    with pytest.raises(StoreUnreachableError, match="the connection broke"):
        OPERATIONS[operation](through(retry_seconds=0.3))


def test_a_half_written_object_is_corrupt_not_unreachable(direct):
    direct.create("a/name", CONTENT[: len(CONTENT) // 2])
    for wrong in [(0, len(CONTENT)), (len(CONTENT) - 4, len(CONTENT))]:
        with pytest.raises(CheckpointError, match="a/name is corrupt") as failure:
            direct.read_ranges("a/name", [(0, 4), wrong])
        assert not isinstance(failure.value, UnreachableError)


def test_what_a_late_listing_lacks_can_be_read(direct, proxy, through):
    objects = through()
    objects.create("a/first", CONTENT)
    assert objects.list("a") == ["first"]
    proxy.hold_listings()
    objects.create("a/second", CONTENT)
    objects.remove("a/first")
    assert objects.list("a") == ["first"]
    assert objects.read("a/second", len(CONTENT)) == CONTENT
    with pytest.raises(ObjectExistsError):
        objects.create("a/second", b"")
    proxy.heal()
    assert objects.list("a") == ["second"]


def test_close_ranges_are_one_request_and_distant_ones_are_not(direct, proxy, through):
    content = bytes(3_000_000)
    direct.create("name", content)
    through().read_ranges("name", [(0, 10), (500_000, 500_010), (2_900_000, 2_900_010)])
    assert sorted(request.headers["range"] for request in proxy.requests if is_read(request)) == [
        "bytes=0-500009",
        "bytes=2900000-2900009",
    ]


def test_an_object_too_large_is_not_taken_off_the_network(direct, proxy, through):
    direct.create("name", bytes(30_000_000))
    hung_up = threading.Event()

    def answer(exchange):
        whole = exchange.perform()
        try:
            exchange.answer(*whole)
        except ConnectionError:
            hung_up.set()

    proxy.plan(answer, is_read)
    with pytest.raises(CheckpointError, match="more than 1000 bytes, namely 30000000"):
        through().read("name", 1000)
    assert hung_up.wait(20)
