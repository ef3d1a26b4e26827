"""A real Apache Kafka broker of the test's own: one process, KRaft broker and controller in one."""

from __future__ import annotations

import base64
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

from tests.support.broker_client import BrokerClient
from tests.support.machine import java, kafka_class_path

EXTERNAL_BROKER_VARIABLE = "STREAM_RCF_TEST_BOOTSTRAP"
START_SECONDS = 120.0  # about 5 s alone; two cores that also run the service need more
EXTERNAL_SECONDS = 5.0  # a broker that somebody names is expected to be up
STOP_SECONDS = 30.0  # an orderly stop hands over and syncs its logs

# The smallest broker that still does everything: replication 1, and waits meant for clusters taken out.
BASE_PROPERTIES: Mapping[str, str] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "log.cleaner.enable": "false",
    "offsets.topic.num.partitions": "8",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "8",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    # A killed broker is let back in when its old session has ended: 5 s, not 9.
    "broker.session.timeout.ms": "5000",
    "broker.heartbeat.interval.ms": "500",
}


class KafkaBroker(BrokerClient):
    """A broker on free ports of 127.0.0.1 with its data in a directory of its own, or the broker that
    ``STREAM_RCF_TEST_BOOTSTRAP`` names, which is only used and never stopped.

    A test that harms its broker (``kill``, ``suspend``, ``restart``) starts one for itself; the session's
    ``broker`` is shared.

    :param properties: broker settings over those above, for a test about one of them
    """

    def __init__(self, properties: Mapping[str, str] | None = None) -> None:
        external = os.environ.get(EXTERNAL_BROKER_VARIABLE)
        self.is_external = bool(external)
        self._properties = {**BASE_PROPERTIES, **(properties or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._client_port, self._controller_port = (0, 0) if external else free_ports(2)
        super().__init__(external or f"127.0.0.1:{self._client_port}")

    def __enter__(self) -> KafkaBroker:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The broker's process id."""
        return self._running().pid

    @property
    def data_directory(self) -> Path:
        """Where the broker keeps its logs, its settings and what it printed (``broker.log``)."""
        assert self._directory is not None, "the broker was never started"
        return Path(self._directory.name)

    def start(self) -> None:
        """Format a new data directory, start on it and return when the broker answers."""
        if not self.is_external:
            self._directory = tempfile.TemporaryDirectory(prefix="stream-rcf-kafka-")
            self._format()
            self._launch()
        elif not self.is_answering(EXTERNAL_SECONDS):
            raise RuntimeError(f"{EXTERNAL_BROKER_VARIABLE}={self.bootstrap}: no broker answers there")

    def stop(self) -> None:
        """End the broker (SIGTERM, then SIGKILL) and remove its data; does nothing to an external broker."""
        if self._process is not None:
            self._end(signal.SIGTERM)
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = None

    def kill(self) -> None:
        """End the broker at once, as a lost machine would; its data stays for ``restart``."""
        self._own("killed")
        self._end(signal.SIGKILL)

    def suspend(self) -> None:
        """Freeze the broker: connections stay open and nothing answers."""
        self._own("suspended")
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a suspended broker go on."""
        self._own("resumed")
        self._running().send_signal(signal.SIGCONT)

    def restart(self) -> None:
        """Stop the broker, if it still runs, and start it again on the same ports and the same data."""
        self._own("restarted")
        if self._process is not None:
            self._end(signal.SIGTERM)
        self._launch()

    def _own(self, deed: str) -> None:
        if self.is_external:
            raise RuntimeError(
                f"the broker of {EXTERNAL_BROKER_VARIABLE} ({self.bootstrap}) is not ours, so it can't be "
                f"{deed}: unset the variable to run this test on a broker of its own"
            )

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the broker is not running"
        return self._process

    def _format(self) -> None:
        local = "127.0.0.1"
        clients = ",".join(f"{name}://{local}:{port}" for name, port in self._client_listeners().items())
        properties = {
            **self._properties,
            "controller.quorum.voters": f"1@{local}:{self._controller_port}",
            "listeners": f"{clients},CONTROLLER://{local}:{self._controller_port}",
            "advertised.listeners": clients,
            "log.dirs": str(self.data_directory / "logs"),
        }
        text = "".join(f"{name}={value}\n" for name, value in properties.items())
        self._settings_file.write_text(text, encoding="utf-8")
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        command = [*_java_command("64m"), "kafka.tools.StorageTool", "format"]
        # With "=", since one id in 64 begins with "-".
        command += [f"--cluster-id={cluster}", "--config", str(self._settings_file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"Kafka could not format its data directory:\n{done.stdout}{done.stderr}")

    def _client_listeners(self) -> dict[str, int]:
        """The ports for clients by the name of their listener; a broker of another kind has more."""
        return {"PLAINTEXT": self._client_port}

    def _java_options(self) -> list[str]:
        """What the broker's Java is told beyond the usual."""
        return []

    def _launch(self) -> None:
        java_command = [*_java_command("512m"), *self._java_options()]
        command = [*end_with_its_parent(), *java_command, "kafka.Kafka", str(self._settings_file)]
        with self._log_file.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.data_directory,
                start_new_session=True,  # Ctrl-C is for the test, which then ends its broker in order
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.is_answering(1.0):
            if self._process.poll() is not None:
                raise RuntimeError(f"Kafka ended with {self._process.returncode}:\n{self._log_tail()}")
            if time.monotonic() > deadline:
                self._end(signal.SIGKILL)
                raise RuntimeError(f"Kafka did not answer within {START_SECONDS:g} s:\n{self._log_tail()}")
            time.sleep(0.1)

    def _end(self, how: signal.Signals) -> None:
        process = self._running()
        process.send_signal(how)
        process.send_signal(signal.SIGCONT)  # a suspended process would keep the signal waiting
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS)
        self._process = None

    @property
    def _settings_file(self) -> Path:
        return self.data_directory / "server.properties"

    @property
    def _log_file(self) -> Path:
        return self.data_directory / "broker.log"

    def _log_tail(self) -> str:
        return "\n".join(self._log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-30:])


def _java_command(heap: str) -> list[str]:
    return [
        java(),
        f"-Xmx{heap}",
        "-XX:+UseSerialGC",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-cp",
        kafka_class_path(),
    ]


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on at this moment."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def end_with_its_parent() -> list[str]:
    # A test run that is itself killed must leave no broker behind. Linux only; `setpriv` becomes the broker.
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
