"""Clients of the endpoints that mean harm: slow, endless, many, and with odd words for the log."""

from __future__ import annotations

import http.client
import io
import logging
import socket
import threading
from collections.abc import Iterator

import orjson
import pytest

from stream_rcf.observe.endpoints import Endpoints
from stream_rcf.observe.http_limits import MOST_CONNECTIONS, MOST_HEAD_BYTES, Connections
from stream_rcf.observe.logs import JsonFormatter, TextFormatter
from stream_rcf.observe.metrics import Metrics

PATIENCE_SECONDS = 20.0
METHODS = ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"]
METHODS += ["PROPFIND", "MKCOL", "LOCK", "SHUTDOWN", "get"]


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("0.1.0", "0123456789abcdef")


@pytest.fixture
def endpoints(metrics: Metrics) -> Iterator[Endpoints]:
    with Endpoints("127.0.0.1", 0, metrics) as running:
        yield running


def connect(endpoints: Endpoints) -> socket.socket:
    return socket.create_connection(("127.0.0.1", endpoints.port), timeout=PATIENCE_SECONDS)


def ask(endpoints: Endpoints, method: str, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", endpoints.port, timeout=PATIENCE_SECONDS)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def answer_to(endpoints: Endpoints, request: bytes) -> bytes:
    """All that comes back until the server closes the connection."""
    received = b""
    with connect(endpoints) as client:
        try:
            client.sendall(request)
            while more := client.recv(65_536):
                received += more
        except ConnectionError:
            pass  # it need not listen to all of an endless request
    return received


@pytest.mark.parametrize("path", ["/", "/live", "/ready", "/metrics", "/checkpoint", "/stop"])
@pytest.mark.parametrize("method", METHODS)
def test_nothing_over_http_can_change_anything(endpoints: Endpoints, method: str, path: str) -> None:
    """That is why there is no token: whoever adds what changes something also adds ``http.token``."""
    status, _ = ask(endpoints, method, path)
    assert status in {405, 501}


def test_reading_changes_nothing_either(endpoints: Endpoints, metrics: Metrics) -> None:
    before = metrics.exposition()
    for path in ("/live", "/ready", "/metrics", "/live?stop=1", "/no-such-path"):
        for method in ("GET", "HEAD"):
            ask(endpoints, method, path)
    after = metrics.exposition()
    changing = (b"process_", b"python_", b"stream_rcf_loop", b"stream_rcf_seconds")  # they move by themselves
    assert [line for line in after.splitlines() if not line.startswith(changing)] == [
        line for line in before.splitlines() if not line.startswith(changing)
    ]


def test_clients_that_never_finish_do_not_keep_others_out(endpoints: Endpoints) -> None:
    threads = threading.active_count()
    silent = []
    try:
        for i in range(3 * MOST_CONNECTIONS):
            client = connect(endpoints)
            silent.append(client)
            if i % 2:
                client.sendall(b"GET /live HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            if i % 16 == 0:
                assert ask(endpoints, "GET", "/live")[0] == 200
        assert ask(endpoints, "GET", "/live")[0] == 200
        assert threading.active_count() <= threads + MOST_CONNECTIONS + 8  # some are about to end
        assert silent[0].recv(1) == b"", "the first to come were let go"
    finally:
        for client in silent:
            client.close()


def test_a_request_byte_by_byte_comes_to_an_end(metrics: Metrics, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream_rcf.observe.endpoints.Connections", lambda: Connections(request_seconds=0.3))
    with Endpoints("127.0.0.1", 0, metrics) as running, connect(running) as client:
        client.settimeout(0.05)
        client.sendall(b"GET /live HTTP/1.1\r\n")
        for _ in range(int(PATIENCE_SECONDS / 0.05)):
            try:
                client.sendall(b"x")
                if client.recv(1) == b"":
                    break
            except TimeoutError:
                continue  # 0.05 s later the next byte
            except ConnectionError:
                break
        else:
            pytest.fail("the server listens for ever")


@pytest.mark.parametrize(
    "request_head",
    [
        b"GET /" + b"x" * 10_000_000,
        b"GET /live HTTP/1.1\r\nX: " + b"y" * 10_000_000,
        b"GET /live HTTP/1.1\r\n" + b"A: b\r\n" * 1_000_000,
        b"x" * 10_000_000,
    ],
    ids=["path", "field", "fields", "noise"],
)
def test_an_endless_head_is_cut_off(endpoints: Endpoints, request_head: bytes) -> None:
    answer = answer_to(endpoints, request_head)
    assert answer == b"" or answer.split(b" ", 2)[1] in {b"431", b"414", b"400"}
    assert len(answer) < 1000
    assert ask(endpoints, "GET", "/live")[0] == 200


def test_the_longest_head_that_is_allowed_is_answered(endpoints: Endpoints) -> None:
    head = b"GET /live HTTP/1.1\r\nConnection: close\r\nX: "
    head += b"y" * (MOST_HEAD_BYTES - len(head) - 4) + b"\r\n\r\n"
    assert len(head) == MOST_HEAD_BYTES
    assert answer_to(endpoints, head).startswith(b"HTTP/1.1 200 ")
    assert b" 431 " in answer_to(endpoints, head.replace(b"y", b"yy", 1)).splitlines()[0]


def test_no_part_of_a_request_is_given_back(endpoints: Endpoints) -> None:
    for request in (
        b"GET /<script>alert(1)</script> HTTP/1.1\r\nHost: <script>\r\nConnection: close\r\n\r\n",
        b"<script> HTTP/1.1\r\n\r\n",
        b"GET /live <script>/9\r\n\r\n",
        b"GET /live HTTP/<script>\r\n\r\n",
        b"<script> /live HTTP/1.1\r\n\r\n",
    ):
        assert b"script" not in answer_to(endpoints, request)


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()], ids=["json", "text"])
def test_a_request_cannot_forge_a_line_of_the_log(endpoints: Endpoints, formatter: logging.Formatter) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logger = logging.getLogger("stream_rcf.observe.endpoints")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        for path in (
            b"/\x1b[2J\x07",
            b"/\r{}",
            b"/a\x85b\xe2\x80\xa8c",
            b'/"}\t{"level":"error"',
            b"/%0a%0d{}",
        ):
            answer_to(endpoints, b"GET " + path + b" HTTP/1.1\r\nConnection: close\r\n\r\n")
            answer_to(endpoints, path + b"\r\n\r\n")
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    lines = stream.getvalue().split("\n")
    assert lines.pop() == ""
    assert len(lines) >= 5
    for line in lines:
        assert line.isprintable(), ascii(line)
        if isinstance(formatter, JsonFormatter):
            assert orjson.loads(line)["level"] == "debug"
        else:
            assert " DEBUG " in line
