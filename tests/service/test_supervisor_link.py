"""Both ends of the socket between a supervisor and a worker."""

from __future__ import annotations

import os
import socket
import threading

import pytest

from stream_rcf.errors import UnreachableError
from stream_rcf.service.supervisor_link import SupervisorLink, WorkerLink
from stream_rcf.settings.model import Settings
from stream_rcf.settings.workers import settings_to_bytes

PATIENCE = 10.0


class Ends:
    """A worker's end and the raw other one."""

    def __init__(self) -> None:
        self.supervisor, worker = socket.socketpair()
        self.worker = WorkerLink(worker.detach(), os.getppid())


@pytest.fixture
def ends() -> Ends:
    return Ends()


def test_settings_arrive_whole_however_they_are_cut(ends: Ends) -> None:
    settings = Settings(kafka={"group_id": "x" * 200})  # type: ignore[arg-type] # -- pydantic takes a mapping
    document = settings_to_bytes(settings) + b"\n"

    def send() -> None:
        for byte in range(len(document)):
            ends.supervisor.sendall(document[byte : byte + 1])

    sender = threading.Thread(target=send)
    sender.start()
    assert ends.worker.settings() == settings
    sender.join()


def test_a_supervisor_that_dies_before_it_sends_them_is_said_in_a_sentence(ends: Ends) -> None:
    ends.supervisor.sendall(b'{"kafka":')
    ends.supervisor.close()
    with pytest.raises(UnreachableError, match="ended before it sent the settings"):
        ends.worker.settings()


def test_facts_arrive_in_any_pieces(ends: Ends) -> None:
    link = SupervisorLink(ends.supervisor)
    assert link.receive()
    assert (link.port, link.are_kernels_ready) == (None, False)
    ends.worker.listening(4711)
    assert link.receive()
    assert (link.port, link.are_kernels_ready) == (4711, False)
    ends.worker.kernels_ready()
    assert link.receive()
    assert (link.port, link.are_kernels_ready) == (4711, True)


def test_half_a_fact_waits_for_the_other_half() -> None:
    ours, theirs = socket.socketpair()
    link = SupervisorLink(ours)
    theirs.sendall(b'{"po')
    assert link.receive()
    theirs.sendall(b'rt": 5}\n{"kernels_ready": true}\n')
    assert link.receive()
    assert (link.port, link.are_kernels_ready) == (5, True)
    theirs.close()
    assert not link.receive()


def test_the_supervisor_s_end_is_noticed_once_it_is_watched(ends: Ends) -> None:
    ended = threading.Event()
    ends.worker.watch(ended.set)
    assert not ended.is_set()
    ends.supervisor.close()
    assert ended.wait(PATIENCE)


def test_a_supervisor_that_was_gone_before_the_watch_is_noticed_too() -> None:
    _alive, worker = socket.socketpair()  # as if another process had inherited the other end
    ended = threading.Event()
    WorkerLink(worker.detach(), os.getppid() + 1).watch(ended.set)
    assert ended.is_set()


def test_facts_for_a_dead_supervisor_are_not_an_error(ends: Ends) -> None:
    ends.supervisor.close()
    ends.worker.listening(4711)
    ends.worker.kernels_ready()
