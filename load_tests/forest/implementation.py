"""One implementation of the forest, held in a process of its own on given cores, and told what to do."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from load_tests.forest.protocol import READY, RECORD_TYPE
from tests.support.machine import ROOT

NANOSECONDS = 1e-9  # in seconds
TAIL_CHARACTERS = 3000  # of a failed program's complaints
END_SECONDS = 60.0  # for a program to end after its input has


class Turn(NamedTuple):
    """One measured stretch. ``on_core``: share of the wall clock that the program had a core, 0 to 1 for each core.

    ``waited``: the same for the time that a thread of it wanted a core and had none. Rates are in points/s. What other
    programs take of a core meanwhile counts in ``rate``, not in ``core_rate``.
    """

    points: int
    seconds: float
    on_core: float
    waited: float = 0.0

    @property
    def rate(self) -> float:
        """By the wall clock."""
        return self.points / self.seconds

    @property
    def core_rate(self) -> float:
        """By the time on a core: for one core of a program that never waits."""
        return self.rate / self.on_core

    @property
    def share_had(self) -> float:
        """Of the time on cores that the program wanted, 0 to 1."""
        return self.on_core / (self.on_core + self.waited)


class Implementation:
    """A running program that speaks the protocol; leaving the ``with`` block ends it.

    Raises ``RuntimeError``, with the end of what the program complained of, when it fails.
    """

    def __init__(self, name: str, command: Sequence[str], cores: Sequence[int]) -> None:
        self.name = name
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 -- closed in __exit__
        with _pinned(cores):
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._complaints, cwd=ROOT
            )
        self._expect(READY)

    def __enter__(self) -> Implementation:
        return self

    def __exit__(self, *_exception: object) -> None:
        try:
            self._process.communicate(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        finally:
            self._complaints.close()

    def learn(self, records: np.ndarray) -> None:
        """Learn ``records`` (rounds, keys, features), each key's after one another."""
        self._load(records)
        self._tell("learn")
        self._expect("learned")

    def turn(self, records: np.ndarray, *words: object) -> Turn:
        """Score and learn ``records`` (rounds, keys, features), the keys in turn; ``words`` go to the program."""
        self._load(records)
        began, before = time.perf_counter(), self._core_seconds()
        self._tell("turn", *words)
        seconds = float(self._answer())
        elapsed, after = time.perf_counter() - began, self._core_seconds()
        on_core, waited = ((end - start) / elapsed for start, end in zip(before, after, strict=True))
        return Turn(records.shape[0] * records.shape[1], seconds, on_core, waited)

    def ask(self, *words: object) -> str:
        """The program's answer to a line of its own."""
        self._tell(*words)
        return self._answer()

    def _load(self, records: np.ndarray) -> None:
        self._tell("load", records.shape[0])
        self._write(np.ascontiguousarray(records, RECORD_TYPE).tobytes())
        self._expect("loaded")

    def _tell(self, *words: object) -> None:
        self._write(" ".join(map(str, words)).encode("ascii") + b"\n")

    def _write(self, data: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._failure("closed its input") from None

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().decode("ascii").strip()
        if not line:
            raise self._failure("gave no answer")
        return line

    def _expect(self, wanted: str) -> None:
        said = self._answer()
        if said != wanted:
            raise self._failure(f"said {said!r}, not {wanted!r}")

    def _failure(self, what: str) -> RuntimeError:
        self._process.kill()
        code = self._process.wait()
        self._complaints.seek(0)
        complaints = self._complaints.read().decode(errors="replace")[-TAIL_CHARACTERS:]
        return RuntimeError(f"{self.name} {what} and ended with {code}:\n{complaints}")

    def _core_seconds(self) -> tuple[float, float]:
        """Seconds of processor time that its threads have had, and that they have waited for it."""
        tasks = Path(f"/proc/{self._process.pid}/task").glob("*/schedstat")
        times = [task.read_text(encoding="ascii").split() for task in tasks]
        return NANOSECONDS * sum(int(had) for had, _, _ in times), NANOSECONDS * sum(
            int(w) for _, w, _ in times
        )


@contextmanager
def _pinned(cores: Sequence[int]) -> Iterator[None]:
    """A program started inside inherits these cores; a virtual machine then sizes itself for them."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
