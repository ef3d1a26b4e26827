"""The workers: started, harmed, and started again when they end, as an orchestrator would."""

from __future__ import annotations

import os
import resource
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from tests.support.broker_process import end_with_its_parent
from tests.support.machine import ROOT, MissingPartError

RESTART_SECONDS = 1.0  # before a worker that ended is started again
END_SECONDS = 120.0  # for an orderly end; the service's own watchdog ends it after 90 s
WRONG_CLOCK = ROOT / ".cache" / "tools" / "lib" / "wrong_clock.so"
TRIAL_SECONDS = 100_000  # by which a clock is wrong to see that it can be
# Each worker logs into a file, and these bytes more may be written into any when its disk is "full".
LOG_ROOM_BYTES = 300_000


@dataclass(frozen=True)
class Ending:
    """A worker that ended although nobody asked it to."""

    worker: str
    exit_code: int
    last_words: str


@dataclass
class Worker:
    """One ``stream-rcf run`` process at a time, with one log."""

    name: str
    environment: Mapping[str, str]
    folder: Path
    process: subprocess.Popen[bytes] | None = None
    is_suspended: bool = False
    is_ending: bool = False  # asked to
    start_at: float = 0.0  # monotonic: not before
    log_start: int = 0  # where the log of the present process begins

    @property
    def log(self) -> Path:
        """What all its processes have said."""
        return self.folder / f"{self.name}.log"

    @property
    def clock(self) -> Path:
        """How far its clock is wrong, as ``wrong_clock.c`` reads it."""
        return self.folder / f"{self.name}.clock"

    def start(self) -> None:
        """Start a process."""
        with self.log.open("ab") as stream:
            self.log_start = stream.tell()
            self.process = subprocess.Popen(
                [*end_with_its_parent(), sys.executable, "-m", "stream_rcf", "run"],
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
            )
        self.is_suspended = self.is_ending = False

    def running(self) -> subprocess.Popen[bytes]:
        """The present process."""
        assert self.process is not None, f"{self.name} is not running"
        return self.process

    def has_said(self, words: str) -> bool:
        """Whether the present process has logged ``words``; there may be none."""
        if self.process is None:
            return False
        with self.log.open("rb") as stream:
            stream.seek(self.log_start)
            return words.encode() in stream.read()

    def last_words(self) -> str:
        """The last message of its log."""
        lines = self.log.read_bytes().splitlines()
        for line in reversed(lines):
            try:
                return str(orjson.loads(line)["message"])
            except (orjson.JSONDecodeError, KeyError, TypeError):
                return line.decode(errors="replace")
        return ""


@dataclass
class Fleet:
    """All workers by name. Nothing here waits: ``supervise`` is to be called often."""

    environment: Mapping[str, str]
    folder: Path
    workers: dict[str, Worker] = field(default_factory=dict)
    endings: list[Ending] = field(default_factory=list)
    has_clocks: bool = False
    _number: int = 0

    def add(self) -> Worker:
        """One worker more."""
        self._number += 1
        name = f"worker-{self._number}"
        worker = Worker(name, self.environment, self.folder)
        if self.has_clocks:
            worker.environment = {**self.environment, **_clock_environment(worker.clock)}
        worker.start()
        self.workers[name] = worker
        return worker

    def _able(self) -> list[Worker]:
        return [
            worker
            for worker in self.workers.values()
            if worker.process is not None and not worker.is_suspended and not worker.is_ending
        ]

    def has_able(self) -> bool:
        """Whether a worker runs that can be harmed."""
        return bool(self._able())

    def pick(self, choice: int) -> Worker:
        """A worker that runs, is not suspended and not about to end, by any number."""
        able = self._able()
        assert able, "no worker runs"
        return able[choice % len(able)]

    def supervise(self) -> None:
        """Notice the workers that ended by themselves, and start those whose time it is."""
        now = time.monotonic()
        for worker in self.workers.values():
            if worker.is_ending:
                continue
            if worker.process is not None and worker.process.poll() is not None:
                self.endings.append(Ending(worker.name, worker.process.returncode, worker.last_words()))
                worker.process = None
                worker.start_at = now + RESTART_SECONDS
            if worker.process is None and now >= worker.start_at:
                worker.start()

    def kill(self, worker: Worker) -> None:
        """End a worker as a power cut would; it is started again after a moment."""
        worker.running().kill()
        worker.running().wait()
        worker.process = None
        worker.start_at = time.monotonic() + RESTART_SECONDS

    def ask_to_end(self, worker: Worker) -> None:
        """SIGTERM; ``has_ended`` tells when it is through."""
        worker.running().terminate()
        worker.is_ending = True

    def has_ended(self, worker: Worker) -> bool:
        """Whether a worker that was asked to has ended. One that failed at it is noted as an ending."""
        code = worker.running().poll()
        if code is None:
            return False
        # Before it has begun to work it may end by the signal itself.
        if code != 0 and (code != -signal.SIGTERM or worker.has_said("joining the group")):
            self.endings.append(Ending(worker.name, code, worker.last_words()))
        worker.process = None
        worker.is_ending = False
        worker.start_at = time.monotonic()
        return True

    def suspend(self, worker: Worker) -> None:
        """Freeze a worker."""
        worker.running().send_signal(signal.SIGSTOP)
        worker.is_suspended = True

    def resume(self, worker: Worker) -> None:
        """Let a frozen worker go on."""
        if worker.process is not None:
            worker.process.send_signal(signal.SIGCONT)
        worker.is_suspended = False

    def forget(self, worker: Worker) -> None:
        """It has ended, and is not to be started again."""
        del self.workers[worker.name]

    def kill_all(self) -> None:
        """Leave nothing behind."""
        for worker in self.workers.values():
            if worker.process is not None and worker.process.poll() is None:
                worker.process.kill()
                worker.process.wait()


def set_clock(worker: Worker, offset_seconds: int) -> None:
    """Make a worker's clock wrong by so much, from now on."""
    with worker.clock.open("r+b") as file:  # in place: the worker has it mapped
        file.write(struct.pack("q", offset_seconds))


def limit_files(worker: Worker, *, is_limited: bool) -> None:
    """Let no file of the worker grow beyond its log's size and a little, or lift that again."""
    process = worker.process
    if process is None:
        return
    _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    most = worker.log.stat().st_size + LOG_ROOM_BYTES if is_limited else hard
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (most, hard))


def _clock_environment(clock: Path) -> dict[str, str]:
    if not WRONG_CLOCK.exists():
        raise MissingPartError(f"no {WRONG_CLOCK}: run `tools/chaos_parts.sh` (needs a C compiler)")
    environment = {"LD_PRELOAD": str(WRONG_CLOCK), "WRONG_CLOCK_FILE": str(clock)}
    if not clock.exists():
        clock.write_bytes(struct.pack("q", TRIAL_SECONDS))
        told = subprocess.run(
            [sys.executable, "-c", "import time; print(time.time())"],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        if float(told) - time.time() < TRIAL_SECONDS / 2:
            raise RuntimeError(f"{WRONG_CLOCK} changes no clock: run `tools/chaos_parts.sh` again")
    clock.write_bytes(struct.pack("q", 0))
    return environment
