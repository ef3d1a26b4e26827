"""The proxy of the fault tests does each harm that they rely on, and nothing else."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
import time
from collections.abc import Iterator

import pytest

from tests.support.cutting_proxy import END_TXN, CuttingProxy, is_request

PATIENCE_SECONDS = 20.0


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while data := self.request.recv(65_536):
            self.request.sendall(data)


class EchoServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_request: object) -> None:
        """A broken connection is what these tests make."""


@pytest.fixture
def echo_port() -> Iterator[int]:
    with EchoServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture
def proxy(echo_port: int) -> Iterator[CuttingProxy]:
    with CuttingProxy(echo_port) as running:
        yield running


def connect(proxy: CuttingProxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), PATIENCE_SECONDS)


def echoed(client: socket.socket, data: bytes) -> bytes:
    client.sendall(data)
    answer = b""
    while len(answer) < len(data):
        chunk = client.recv(65_536)
        if not chunk:
            break
        answer += chunk
    return answer


def request(kind: int, body: bytes = b"") -> bytes:
    content = struct.pack(">h", kind) + body
    return struct.pack(">I", len(content)) + content


def test_bytes_pass_both_ways_whole(proxy: CuttingProxy) -> None:
    with connect(proxy) as client:
        large = bytes(range(256)) * 4096
        threading.Thread(target=client.sendall, args=(large,)).start()
        answer = b""
        while len(answer) < len(large):
            answer += client.recv(65_536)
        assert answer == large


def test_a_cut_ends_connections_and_refuses_new_ones_until_healed(proxy: CuttingProxy) -> None:
    with connect(proxy) as client:
        assert echoed(client, b"before") == b"before"
        proxy.cut()
        assert client.recv(1) == b""
    with connect(proxy) as refused:
        assert refused.recv(1) == b""
    proxy.heal()
    with connect(proxy) as client:
        assert echoed(client, b"after") == b"after"


def test_a_reset_breaks_a_connection_and_serves_the_next(proxy: CuttingProxy) -> None:
    with connect(proxy) as client:
        assert echoed(client, b"before") == b"before"
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    with connect(proxy) as client:
        assert echoed(client, b"after") == b"after"


def test_a_slow_link_delays_each_way(proxy: CuttingProxy) -> None:
    with connect(proxy) as client:
        proxy.slow(0.2)
        began = time.monotonic()
        assert echoed(client, b"slow") == b"slow"
        assert time.monotonic() - began >= 0.4


def test_a_hanging_link_says_nothing_and_breaks_when_healed(proxy: CuttingProxy) -> None:
    with connect(proxy) as client:
        assert echoed(client, b"before") == b"before"
        proxy.hang()
        client.sendall(b"lost")
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(1)
        proxy.heal()
        client.settimeout(PATIENCE_SECONDS)
        with pytest.raises(ConnectionResetError):
            client.recv(65_536)
    with connect(proxy) as client:
        assert echoed(client, b"after") == b"after"


def test_a_held_request_arrives_after_its_sender_has_gone(proxy: CuttingProxy) -> None:
    first, held = request(1, b"first"), request(END_TXN, b"commit")
    holding = proxy.hold(is_request(END_TXN))
    with connect(proxy) as client:
        assert echoed(client, first) == first
        client.sendall(held)
        assert holding.wait(PATIENCE_SECONDS)
    with connect(proxy) as retry:
        retry.sendall(request(END_TXN, b"once more"))
        retry.settimeout(0.3)
        with pytest.raises(TimeoutError):
            retry.recv(1)
    proxy.hold_nothing()
    with connect(proxy) as successor:
        assert echoed(successor, held) == held
    assert holding.release(PATIENCE_SECONDS) == held


def test_a_request_that_comes_in_pieces_is_recognised(proxy: CuttingProxy) -> None:
    holding = proxy.hold(is_request(END_TXN))
    with connect(proxy) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request(END_TXN, b"commit"):
            client.sendall(bytes([byte]))
        assert holding.wait(PATIENCE_SECONDS)
    assert holding.release(PATIENCE_SECONDS) == request(END_TXN, b"commit")
