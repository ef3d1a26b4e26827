"""Asking a running service over HTTP."""

from __future__ import annotations

import http.client
import os
import time
from collections.abc import Callable

import orjson

from tests.support.service import Service


def ask(port: int, path: str) -> tuple[int, bytes]:
    """Status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def ask_document(port: int, path: str) -> dict[str, object]:
    """The body as JSON, whatever the status."""
    found = orjson.loads(ask(port, path)[1])
    assert isinstance(found, dict)
    return found


def port_of(service: Service) -> int:
    """Where the endpoints of a running service answer: of the supervisor, where there is one."""
    service.wait_for("starting")
    return int(str(service.said("starting")[0]["http"]).rpartition(":")[2])


def wait_until_ready(port: int, seconds: float = 60.0) -> None:
    """Return when ``/ready`` says so."""
    wait_until(lambda: ask(port, "/ready")[0] == 200, seconds, lambda: ask(port, "/ready"))


def wait_until(
    holds: Callable[[], bool], seconds: float = 30.0, explain: Callable[[], object] = lambda: "never"
) -> None:
    """Return when ``holds``; fail with what ``explain`` gives after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, explain()
        time.sleep(0.05)


def runs(pid: int) -> bool:
    """Whether a process runs; one that only waits to be collected does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat", encoding="utf-8") as status:
        return status.read().rpartition(")")[2].split()[0] != "Z"


def worker_pids(service: Service) -> dict[int, int]:
    """The process of each worker that was started last, by number."""
    return {int(str(entry["worker"])): int(str(entry["pid"])) for entry in service.said("worker started")}
