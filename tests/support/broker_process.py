"""One Java process of Apache Kafka on a data directory: formatted, started, frozen and ended."""

from __future__ import annotations

import base64
import shutil
import signal
import socket
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.machine import java, kafka_class_path

STOP_SECONDS = 30.0  # an orderly stop hands over and syncs its logs


class BrokerProcess:
    """A node on ``directory``, which holds its settings, its logs and what it printed (``broker.log``).

    It ends with the process that started it, where the system can do that (Linux).

    :param heap: the most memory of its Java, as ``-Xmx`` takes it
    :param java_options: what its Java is told beyond the usual
    :param is_for_speed: let Java compile for a long life; else it compiles once and quickly, which costs a third less
        in the first minute
    """

    def __init__(
        self, directory: Path, heap: str, java_options: Sequence[str] = (), *, is_for_speed: bool = False
    ) -> None:
        self._directory = directory
        self._heap = heap
        self._java_options = java_options if is_for_speed else (*java_options, "-XX:TieredStopAtLevel=1")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_started(self) -> bool:
        """Whether it was started and not ended by us since."""
        return self._process is not None

    @property
    def exit_code(self) -> int | None:
        """What it ended with by itself, None while it runs."""
        return self.running().poll()

    def running(self) -> subprocess.Popen[bytes]:
        """The process; fails when it is not started."""
        assert self._process is not None, "the broker is not running"
        return self._process

    def format(self, properties: Mapping[str, str], cluster_id: str) -> None:
        """Write the settings and prepare the data directory. Raises ``RuntimeError`` with what Kafka said."""
        text = "".join(f"{name}={value}\n" for name, value in properties.items())
        self._settings_file.write_text(text, encoding="utf-8")
        command = [*_java_command("64m"), "kafka.tools.StorageTool", "format"]
        # With "=", since one id in 64 begins with "-".
        command += [f"--cluster-id={cluster_id}", "--config", str(self._settings_file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"Kafka could not format its data directory:\n{done.stdout}{done.stderr}")

    def spawn(self) -> None:
        """Start it; it answers some seconds later."""
        command = [
            *end_with_its_parent(),
            *_java_command(self._heap),
            *self._java_options,
            "kafka.Kafka",
            str(self._settings_file),
        ]
        with (self._directory / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._directory,
                start_new_session=True,  # Ctrl-C is for the test, which then ends its broker in order
            )

    def send(self, what: signal.Signals) -> None:
        """Signal it."""
        self.running().send_signal(what)

    def end(self, how: signal.Signals) -> None:
        """End it, suspended or not, and wait; SIGKILL follows when it takes too long."""
        end_process(self.running(), how)
        self._process = None

    def log_tail(self) -> str:
        """The last lines it printed."""
        text = (self._directory / "broker.log").read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-30:])

    @property
    def _settings_file(self) -> Path:
        return self._directory / "server.properties"


def end_process(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    """End a process, suspended or not, and wait; SIGKILL follows when it takes too long."""
    process.send_signal(how)
    process.send_signal(signal.SIGCONT)  # a suspended process would keep the signal waiting
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_SECONDS)


def new_cluster_id() -> str:
    """A random cluster id in Kafka's form."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on at this moment, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _java_command(heap: str) -> list[str]:
    return [
        java(),
        f"-Xmx{heap}",
        "-XX:+UseSerialGC",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-cp",
        kafka_class_path(),
    ]


def end_with_its_parent() -> list[str]:
    """What to put before a command so that a test run that is itself killed leaves no such process behind.

    Linux only, elsewhere nothing. Start it from a thread that lives as long: the system asks for the thread.
    """
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []  # it becomes the command
