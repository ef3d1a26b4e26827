"""The proxy, which must harm what it is told to and nothing else."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from http.client import IncompleteRead, RemoteDisconnected
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.support.faulty_http import FaultyProxy, cut_answer, drop_answer, refuse


class Counting(BaseHTTPRequestHandler):
    """Answers with the number of requests so far, padded."""

    done: list[str]

    def do_GET(self) -> None:
        self.done.append(self.path)
        body = b"%010d" % len(self.done)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def counting():
    handler = type("Handler", (Counting,), {"done": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        with FaultyProxy(server.server_address[1]) as proxy:
            yield proxy, handler.done
        server.shutdown()
        thread.join()


def get(proxy: FaultyProxy, path: str = "/") -> bytes:
    with urllib.request.urlopen(proxy.endpoint + path, timeout=10) as answer:
        return answer.read()


def test_in_order_it_changes_nothing(counting):
    proxy, done = counting
    assert [get(proxy, "/a?b=c"), get(proxy)] == [b"0000000001", b"0000000002"]
    assert done == ["/a?b=c", "/"]
    assert [request.path for request in proxy.requests] == done


def test_a_fault_happens_as_often_as_planned_and_where_it_matches(counting):
    proxy, done = counting
    proxy.plan(refuse(503), lambda request: request.path == "/a", times=2)
    for _ in range(2):
        with pytest.raises(urllib.error.HTTPError, match="503"):
            get(proxy, "/a")
        get(proxy, "/b")
    get(proxy, "/a")
    assert done == ["/b", "/b", "/a"]


def test_a_cut_or_dropped_answer_was_carried_out(counting):
    proxy, done = counting
    proxy.plan(cut_answer)
    with pytest.raises(IncompleteRead):
        get(proxy)
    proxy.plan(drop_answer)
    with pytest.raises(RemoteDisconnected):
        get(proxy)
    assert len(done) == 2


def test_listings_are_late_until_it_is_healed(counting):
    proxy, _ = counting
    assert get(proxy, "/x?list-type=2") == b"0000000001"
    proxy.hold_listings()
    assert get(proxy, "/x?list-type=2") == b"0000000001"
    assert get(proxy, "/y?list-type=2") == b"0000000002"  # never listed before
    assert get(proxy, "/x") == b"0000000003"
    proxy.heal()
    assert get(proxy, "/x?list-type=2") == b"0000000004"
