"""The service and the bare loop as processes of their own, over the same topic, measured at what they commit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import orjson

from load_tests.arrival import ArrivalReader
from load_tests.figures import Arrivals
from load_tests.forest.peer_environment import QUIX_FOLDER, QUIX_LOCK, peer_python
from load_tests.workload import PARTITIONS, Message, Workload
from tests.support.broker import KafkaBroker
from tests.support.service import TOPIC_CONFIGURATION, Topics

CHECKPOINT_SECONDS = 30  # the default; the tests' topics come with a shorter one
SERVICE = ("-m", "stream_rcf", "run")
END_SECONDS = 120.0  # for an orderly end, last checkpoints included
TAIL_CHARACTERS = 3000  # of a failed program's log


class Program:
    """A program under test, its output in a log; leaving the ``with`` block ends it."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        with log.open("ab") as stream:
            self._process = subprocess.Popen(
                command,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
            )

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def check(self) -> None:
        """Raise ``RuntimeError`` with the end of its log when it failed."""
        code = self._process.poll()
        if code not in {None, 0}:
            raise RuntimeError(f"the program ended with {code}:\n{self._log.read_text()[-TAIL_CHARACTERS:]}")

    def resident_bytes(self) -> int:
        """Memory of the process that is in use now."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def stop(self) -> None:
        """Ask it to end with SIGTERM and wait. Raises ``RuntimeError`` when it fails to."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(END_SECONDS)
        self.check()


def prepared_topics(
    broker: KafkaBroker,
    word: str,
    messages: Sequence[Message],
    bare_messages: Sequence[Message] = (),
    bare_rounds: int = 1,
) -> Topics:
    """New topics: the service's input holds all events, the bare loop's the peers', often enough to be measured."""
    topics = Topics(broker, word, PARTITIONS)
    for name in (f"{word}-bare-input", f"{word}-bare"):
        broker.create_topic(name, PARTITIONS, TOPIC_CONFIGURATION)
    broker.produce(topics.events, messages)
    for _ in range(bare_rounds):
        broker.produce(f"{word}-bare-input", bare_messages)
    return topics


@contextmanager
def running_service(
    topics: Topics, folder: Path, command: Sequence[str] = SERVICE, **settings: object
) -> Iterator[tuple[ArrivalReader, Program]]:
    """The service over the topic, and a reader of its scores; ``settings`` as ``Topics.environment`` takes them."""
    chosen = {
        "checkpoint__interval_seconds": CHECKPOINT_SECONDS,
        "logging__level": "warning",
        "detector__decision": "budget",  # the default, which the tests' topics change
        **settings,
    }
    environment = topics.environment(folder / "checkpoints", **chosen)
    with (
        ArrivalReader(topics.broker.bootstrap, topics.scores, PARTITIONS) as reader,
        Program([sys.executable, *command], environment, folder / "service.log") as service,
    ):
        yield reader, service


def service_arrivals(
    topics: Topics,
    workload: Workload,
    folder: Path,
    command: Sequence[str] = SERVICE,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> Arrivals:
    """Run the service over the topic with default settings; when its scores arrived."""
    with running_service(topics, folder, command, checkpoint__interval_seconds=checkpoint_seconds) as (
        reader,
        service,
    ):
        arrivals = reader.watch(workload.total, service.check)
        service.stop()
    return arrivals


def quix_arrivals(topics: Topics, workload: Workload, word: str, folder: Path) -> Arrivals:
    """Run Quix Streams over the first of the service's topic, into another; when it had processed its events.

    It is stopped when all of its outputs are committed.
    """
    target = f"{word}-quix"
    topics.broker.create_topic(target, PARTITIONS, TOPIC_CONFIGURATION)
    python = str(peer_python(QUIX_LOCK, QUIX_FOLDER))
    program = str(Path(__file__).with_name("quix_loop.py"))
    arguments = (topics.broker.bootstrap, topics.events, target, target, str(folder / "quix"))
    with (
        ArrivalReader(topics.broker.bootstrap, target, PARTITIONS) as reader,
        Program([python, program, *arguments], {}, folder / "quix.log") as quix,
    ):
        reader.watch(workload.peers_total, quix.check)
        quix.stop()
    last_line = (folder / "quix.log").read_bytes().strip().splitlines()[-1]
    processed = orjson.loads(last_line)
    return Arrivals(processed["times"], processed["counts"])


def bare_arrivals(topics: Topics, workload: Workload, word: str) -> Arrivals:
    """Run the bare loop over its topic; when its copies were committed.

    Raises ``RuntimeError`` when it fails.
    """
    target = f"{word}-bare"
    count = str(workload.peers_total * workload.bare_rounds)
    arguments = (topics.broker.bootstrap, f"{word}-bare-input", target, target, count)
    command = [sys.executable, "-m", "load_tests.bare_loop", *arguments]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(
            f"the bare loop ended with {done.returncode}:\n{done.stderr.decode(errors='replace')}"
        )
    commits = orjson.loads(done.stdout)
    return Arrivals(commits["times"], commits["counts"])
