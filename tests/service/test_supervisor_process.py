"""One worker process: what it is given, and that its signals wait for it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from stream_rcf.service.supervisor_process import WorkerProcess, command_line, describe_end
from stream_rcf.settings.model import Settings
from tests.service.endpoint_support import wait_until

SECRET = "hunter2-in-a-haystack"
SETTINGS = Settings(
    kafka={"properties": {"sasl.password": SECRET}},  # type: ignore[arg-type] # -- pydantic takes a mapping
    workers=2,
)

SLOW_TO_LISTEN = """
import sys, time
print("begun", flush=True)
time.sleep(1.0)
from stream_rcf.service.signals import StopFlag
stop = StopFlag()
stop.listen_as_worker()
sys.exit(7 if stop() else 8)
"""
TELLS_ITS_SETTINGS = """
import sys
from stream_rcf.service.supervisor_link import WorkerLink
descriptor, supervisor, index = (int(part) for part in sys.argv[1].split(":"))
settings = WorkerLink(descriptor, supervisor).settings()
assert settings.kafka.properties["sasl.password"] == sys.argv[2]
assert (settings.http.host, settings.http.port, settings.workers) == ("127.0.0.1", 0, 2)
sys.exit(index)
"""


def program(text: str, *arguments: str) -> WorkerProcess:
    return WorkerProcess(SETTINGS, 5, lambda tie: [sys.executable, "-c", text, tie, *arguments])


def code_of(process: WorkerProcess) -> int | None:
    wait_until(lambda: process.exit_code() is not None)
    process.release()
    return process.exit_code()


def test_a_worker_gets_its_settings_with_their_secrets() -> None:
    assert code_of(program(TELLS_ITS_SETTINGS, SECRET)) == 5


def test_no_secret_stands_on_a_command_line_or_in_the_environment() -> None:
    process = program("import sys; sys.stdin.read(); import time; time.sleep(60)")
    try:
        folder = Path("/proc") / str(process.pid)
        shown = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
        assert SECRET.encode() not in shown
    finally:
        process.kill()
        assert code_of(process) == -signal.SIGKILL
    assert SECRET not in " ".join(command_line("3:1:0"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_that_comes_before_the_handlers_waits_for_them(number: signal.Signals) -> None:
    process = program(SLOW_TO_LISTEN)
    os.kill(process.pid, number)
    assert code_of(process) == (7 if number == signal.SIGTERM else 8), (
        "the others are the supervisor's business"
    )


def test_our_own_signals_are_not_blocked_afterwards() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert code_of(program("")) == 0
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_a_worker_that_dies_before_it_reads_its_settings_is_only_dead() -> None:
    huge = Settings(kafka={"properties": {"client.id": "x" * 2_000_000}})  # type: ignore[arg-type] # -- as above
    process = WorkerProcess(huge, 0, lambda _tie: [sys.executable, "-c", "raise SystemExit(3)"])
    assert code_of(process) in {3, -signal.SIGKILL}


def test_the_package_of_this_process_is_run() -> None:
    line = command_line("3:1:0")
    assert line[0] == sys.executable
    assert line[-4:] == ["-m", "stream_rcf", "run", "--supervised=3:1:0"]


def test_an_end_is_described_for_a_person() -> None:
    assert describe_end(-9) == "was ended by SIGKILL"
    assert describe_end(-1000) == "was ended by signal 1000"
    assert describe_end(3) == "ended with exit code 3: an outside part is unreachable; its last lines say why"
    assert describe_end(0).startswith("ended in order")
