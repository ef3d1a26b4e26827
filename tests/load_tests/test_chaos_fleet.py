"""Workers are started again, harmed and asked to end as the faults need it; here they are small programs."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from load_tests.chaos.fleet import LOG_ROOM_BYTES, Fleet, Worker, limit_files

PATIENCE_SECONDS = 60.0
# Says so when it runs, writes files when asked to, and ends in order by SIGTERM.
PROGRAM = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("joining the group", flush=True)
while True:
    try:
        with open("FILE", "wb") as file:
            file.write(bytes(SIZE))
        print("written", flush=True)
    except OSError as error:
        print("refused", error.errno, flush=True)
    time.sleep(0.02)
"""


class SmallWorker(Worker):
    """Runs the program above instead of the service."""

    program = ""

    def start(self) -> None:
        with self.log.open("ab") as stream:
            self.log_start = stream.tell()
            self.process = subprocess.Popen(
                [sys.executable, "-c", self.program], stdout=stream, stderr=stream
            )
        self.is_suspended = self.is_ending = False


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    running = Fleet({}, tmp_path)
    for number in range(2):
        worker = SmallWorker(f"worker-{number}", {}, tmp_path)
        worker.program = PROGRAM.replace("FILE", str(tmp_path / f"file-{number}")).replace(
            "SIZE", str(2 * LOG_ROOM_BYTES)
        )
        worker.start()
        running.workers[worker.name] = worker
    yield running
    running.kill_all()


def wait(condition: Callable[[], bool], fleet: Fleet | None = None) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        if fleet is not None:
            fleet.supervise()
        time.sleep(0.02)


def test_a_killed_worker_is_started_again(fleet: Fleet) -> None:
    worker = fleet.pick(0)
    before = worker.running().pid
    fleet.kill(worker)
    wait(lambda: worker.process is not None and worker.process.pid != before, fleet)

    assert fleet.endings == [], "it was our doing"


def test_a_worker_that_ends_by_itself_is_noted_and_started_again(fleet: Fleet) -> None:
    worker = fleet.pick(1)
    wait(lambda: worker.has_said("written"))
    before = worker.running()
    before.kill()  # behind the fleet's back
    wait(lambda: worker.process is not None and worker.process is not before, fleet)

    assert [(ending.worker, ending.exit_code) for ending in fleet.endings] == [(worker.name, -9)]
    assert fleet.endings[0].last_words


def test_a_worker_that_is_asked_to_ends_and_is_no_victim_meanwhile(fleet: Fleet) -> None:
    worker = fleet.pick(0)
    wait(lambda: worker.has_said("joining the group"))
    fleet.ask_to_end(worker)
    assert fleet.pick(0) is not worker
    wait(lambda: fleet.has_ended(worker), fleet)

    assert fleet.endings == []
    fleet.forget(worker)
    assert worker.name not in fleet.workers


def test_a_suspended_worker_is_no_victim(fleet: Fleet) -> None:
    worker = fleet.pick(0)
    fleet.suspend(worker)
    assert all(fleet.pick(choice) is not worker for choice in range(4))
    fleet.resume(worker)
    assert fleet.pick(0) is worker


def test_a_worker_without_room_fails_to_write_and_recovers(fleet: Fleet) -> None:
    worker = fleet.pick(0)
    wait(lambda: worker.has_said("written"))
    limit_files(worker, is_limited=True)
    wait(lambda: worker.has_said("refused"))
    limit_files(worker, is_limited=False)
    said = worker.log.read_text().count("written")
    wait(lambda: worker.log.read_text().count("written") > said + 1)
