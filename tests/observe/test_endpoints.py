from __future__ import annotations

import http.client
import shutil
import socket
import subprocess

import orjson
import pytest

from stream_rcf.errors import UsageError
from stream_rcf.observe.endpoints import Endpoints
from stream_rcf.observe.health import Health
from stream_rcf.observe.metrics import CONTENT_TYPE, Metrics

PATIENCE_SECONDS = 20


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def metrics(clock):
    return Metrics("0.1.0", "0123456789abcdef", Health(tick_limit_seconds=30, clock=clock))


@pytest.fixture
def endpoints(metrics):
    with Endpoints("127.0.0.1", 0, metrics) as endpoints:
        yield endpoints


@pytest.fixture
def connection(endpoints):
    connection = http.client.HTTPConnection("127.0.0.1", endpoints.port, timeout=PATIENCE_SECONDS)
    yield connection
    connection.close()


def ask(connection, path, method="GET", body=None):
    connection.request(method, path, body)
    response = connection.getresponse()
    return response, response.read()


def test_live_is_503_with_the_reason_when_the_loop_hangs(connection, clock):
    response, body = ask(connection, "/live")
    assert (response.status, orjson.loads(body)["live"]) == (200, True)
    clock.now += 31
    response, body = ask(connection, "/live")
    assert response.status == 503
    assert orjson.loads(body)["reason"] == "the loop has not turned for 31 s, where 30 s are allowed"


def test_ready_says_which_partition_is_in_which_state(connection, metrics):
    assert ask(connection, "/ready")[0].status == 503
    metrics.health.group_joined(True)
    metrics.partitions({("events", 0): "live", ("events", 1): "replaying"})
    response, body = ask(connection, "/ready?verbose=1")
    assert response.status == 503
    assert response.getheader("Content-Type") == "application/json"
    assert orjson.loads(body)["partitions"] == {"events[0]": "live", "events[1]": "replaying"}
    metrics.partitions({("events", 0): "live", ("events", 1): "live"})
    assert ask(connection, "/ready")[0].status == 200


def exercise(metrics: Metrics) -> None:
    """Give every metric a value, with awkward labels where they may occur."""
    metrics.batch(10, 9, 1, 0.01)
    metrics.commit(0.02)
    metrics.event_age(0.5)
    metrics.dead_letter("invalid_json")
    metrics.keys(7, 1000)
    metrics.rebalanced("assigned")
    metrics.partitions({("events", 0): "live"})
    for topic in ("events", 'quoted"\\\n'):
        metrics.lag(topic, 0, 5)
        metrics.replay_remaining(topic, 0, 5)
        metrics.checkpoint_ended(topic, 0, 1000, 0.5, saved=True)
    metrics.checkpoint_ended("events", 0, 0, 0.5, saved=False)


def test_prometheus_finds_nothing_to_complain_about(connection, metrics):
    promtool = shutil.which("promtool")
    assert promtool is not None, (
        "promtool is missing; as root on Debian: apt-get install -y --no-install-recommends prometheus"
    )
    exercise(metrics)
    response, body = ask(connection, "/metrics")
    assert (response.status, response.getheader("Content-Type")) == (200, CONTENT_TYPE)
    check = subprocess.run(
        [promtool, "check", "metrics"], input=body, capture_output=True, check=False, timeout=PATIENCE_SECONDS
    )
    assert (check.returncode, check.stdout + check.stderr) == (0, b"")


def test_head_answers_without_a_body(connection):
    for path in ("/live", "/metrics"):
        response, body = ask(connection, path, "HEAD")
        assert response.status == 200
        assert int(response.getheader("Content-Length")) > 0
        assert body == b""


@pytest.mark.parametrize("path", ["/", "/metrics/", "/live/x", "/favicon.ico", "/%2e%2e/etc/passwd"])
def test_every_other_path_is_404(connection, path):
    response, body = ask(connection, path)
    assert response.status == 404
    assert orjson.loads(body)["paths"] == ["/live", "/ready", "/metrics"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_other_method_is_refused_and_its_body_is_not_a_request(connection, method):
    response, body = ask(connection, "/live", method, b"GET /live HTTP/1.1\r\n\r\n")
    assert (response.status, response.getheader("Allow")) == (405, "GET, HEAD")
    assert response.getheader("Connection") == "close"
    assert orjson.loads(body) == {"error": "only GET and HEAD are allowed"}
    assert ask(connection, "/live")[0].status == 200  # on a new connection


def test_one_connection_serves_many_requests_in_one_packet_each(connection):
    ask(connection, "/live")
    first = connection.sock.getsockname()
    for _ in range(20):
        ask(connection, "/live")
    assert connection.sock.getsockname() == first


def test_a_client_that_goes_away_or_talks_nonsense_disturbs_nobody(endpoints, connection):
    for nonsense in (
        b"",
        b"GET",
        b"\x00\xff\r\n\r\n",
        b"GET /metrics HTTP/9.9\r\n\r\n",
        b"GET " + b"x" * 70_000,
    ):
        with socket.create_connection(("127.0.0.1", endpoints.port), timeout=PATIENCE_SECONDS) as client:
            client.sendall(nonsense)
    assert ask(connection, "/live")[0].status == 200


def test_a_port_in_use_is_said_in_a_sentence(endpoints, metrics):
    with pytest.raises(
        UsageError, match=rf"^http.port {endpoints.port} on 127.0.0.1 is in use by another program"
    ):
        Endpoints("127.0.0.1", endpoints.port, metrics)


@pytest.mark.parametrize(
    ("host", "port", "message"),
    [
        ("192.0.2.1", 0, "http.host '192.0.2.1' is not an address of this machine"),
        ("no such host", 0, "http.host 'no such host' is not an address of this machine"),
        ("127.0.0.1", 70_000, "http.port 70000 cannot be listened on"),
    ],
)
def test_an_address_that_cannot_be_used_is_said_in_a_sentence(metrics, host, port, message):
    with pytest.raises(UsageError, match=message):
        Endpoints(host, port, metrics)


def test_a_stopped_server_frees_its_port(metrics):
    with Endpoints("127.0.0.1", 0, metrics) as first:
        port = first.port
    with Endpoints("127.0.0.1", port, metrics) as second:
        assert second.port == port
    Endpoints("127.0.0.1", port, metrics).stop()  # never started
