from __future__ import annotations

import http.client
import io
import socket

import pytest

from stream_rcf.observe.http_limits import Connections, HeadReader


@pytest.fixture
def pairs():
    """Connected sockets: (the server's end, the client's end)."""
    made = [socket.socketpair() for _ in range(4)]
    for pair in made:
        pair[1].settimeout(20)
    yield made
    for pair in made:
        for end in pair:
            end.close()


def is_ended(client: socket.socket) -> bool:
    client.settimeout(0.01)
    try:
        return client.recv(1) == b""
    except TimeoutError:
        return False


def test_full_it_ends_the_one_that_stood_still_longest(pairs):
    connections = Connections(most=3)
    for server, _ in pairs[:3]:
        connections.opened(server)
    connections.moved(pairs[0][0], is_working=True)  # now the second has waited longest
    connections.opened(pairs[3][0])
    assert [is_ended(client) for _, client in pairs] == [False, True, False, False]


def test_a_closed_one_leaves_its_place(pairs):
    connections = Connections(most=3)
    for server, _ in pairs[:3]:
        connections.opened(server)
    connections.closed(pairs[0][0])
    connections.opened(pairs[3][0])
    assert not any(is_ended(client) for _, client in pairs)


def test_a_request_that_takes_too_long_is_ended_and_one_that_waits_is_not(pairs):
    connections = Connections(request_seconds=0.0)
    for server, _ in pairs[:2]:
        connections.opened(server)
    connections.moved(pairs[0][0], is_working=True)
    connections.end_overdue()
    assert [is_ended(client) for _, client in pairs[:2]] == [True, False]


def test_a_client_that_has_gone_is_no_error(pairs):
    connections = Connections(request_seconds=0.0)
    server, client = pairs[0]
    connections.opened(server)
    connections.moved(server, is_working=True)
    client.close()
    server.close()
    connections.end_overdue()
    connections.closed(server)
    connections.moved(server, is_working=False)  # the thread's last word


def test_a_head_is_read_up_to_its_bound_and_each_request_has_its_own():
    reader = HeadReader(io.BufferedReader(io.BytesIO(b"12345678\n" * 3)), most=18)
    assert [reader.readline(65537), reader.readline(65537)] == [b"12345678\n"] * 2
    reader.begin()
    assert reader.readline(65537) == b"12345678\n"
    assert reader.readline(65537) == b""


@pytest.mark.parametrize("head", [b"x" * 100, b"x\n" * 50])
def test_more_is_refused_without_being_read(head):
    stream = io.BufferedReader(io.BytesIO(head), buffer_size=1)
    reader = HeadReader(stream, most=10)
    with pytest.raises(http.client.LineTooLong):
        list(iter(lambda: reader.readline(65537), b""))
    assert stream.tell() <= 12
