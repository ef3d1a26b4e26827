"""A real Apache Kafka broker of the test's own: one process, KRaft broker and controller in one."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tests.support.broker_client import BrokerClient
from tests.support.broker_process import BrokerProcess, free_ports, new_cluster_id

EXTERNAL_BROKER_VARIABLE = "STREAM_RCF_TEST_BOOTSTRAP"
START_SECONDS = 120.0  # about 5 s alone; two cores that also run the service need more
EXTERNAL_SECONDS = 5.0  # a broker that somebody names is expected to be up
HEAP = "512m"

# The smallest broker that still does everything: replication 1, and waits meant for clusters taken out.
BASE_PROPERTIES: Mapping[str, str] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "log.cleaner.enable": "false",
    # The tests' events carry fixed times of the past; the usual week would delete them in the middle of a test.
    "log.retention.ms": "-1",
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
    :param is_for_speed: for a benchmark: see ``BrokerProcess``
    """

    def __init__(self, properties: Mapping[str, str] | None = None, *, is_for_speed: bool = False) -> None:
        external = os.environ.get(EXTERNAL_BROKER_VARIABLE)
        self.is_external = bool(external)
        self._properties = {**BASE_PROPERTIES, **(properties or {})}
        self._is_for_speed = is_for_speed
        self._process: BrokerProcess | None = None
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
        return self._running().running().pid

    @property
    def data_directory(self) -> Path:
        """Where the broker keeps its logs, its settings and what it printed (``broker.log``)."""
        assert self._directory is not None, "the broker was never started"
        return Path(self._directory.name)

    def start(self) -> None:
        """Format a new data directory, start on it and return when the broker answers."""
        if not self.is_external:
            self._directory = tempfile.TemporaryDirectory(prefix="stream-rcf-kafka-")
            self._process = BrokerProcess(
                self.data_directory, HEAP, self._java_options(), is_for_speed=self._is_for_speed
            )
            self._process.format(self._node_properties(), new_cluster_id())
            self._launch()
        elif not self.is_answering(EXTERNAL_SECONDS):
            raise RuntimeError(f"{EXTERNAL_BROKER_VARIABLE}={self.bootstrap}: no broker answers there")

    def stop(self) -> None:
        """End the broker (SIGTERM, then SIGKILL) and remove its data; does nothing to an external broker."""
        if self._process is not None and self._process.is_started:
            self._process.end(signal.SIGTERM)
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = None

    def kill(self) -> None:
        """End the broker at once, as a lost machine would; its data stays for ``restart``."""
        self._own("killed")
        self._running().end(signal.SIGKILL)

    def suspend(self) -> None:
        """Freeze the broker: connections stay open and nothing answers."""
        self._own("suspended")
        self._running().send(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a suspended broker go on."""
        self._own("resumed")
        self._running().send(signal.SIGCONT)

    def restart(self) -> None:
        """Stop the broker, if it still runs, and start it again on the same ports and the same data."""
        self._own("restarted")
        if self._running().is_started:
            self._running().end(signal.SIGTERM)
        self._launch()

    def _own(self, deed: str) -> None:
        if self.is_external:
            raise RuntimeError(
                f"the broker of {EXTERNAL_BROKER_VARIABLE} ({self.bootstrap}) is not ours, so it can't be "
                f"{deed}: unset the variable to run this test on a broker of its own"
            )

    def _running(self) -> BrokerProcess:
        assert self._process is not None, "the broker was never started"
        return self._process

    def _node_properties(self) -> dict[str, str]:
        local = "127.0.0.1"
        clients = ",".join(f"{name}://{local}:{port}" for name, port in self._client_listeners().items())
        return {
            **self._properties,
            "controller.quorum.voters": f"1@{local}:{self._controller_port}",
            "listeners": f"{clients},CONTROLLER://{local}:{self._controller_port}",
            "advertised.listeners": clients,
            "log.dirs": str(self.data_directory / "logs"),
        }

    def _client_listeners(self) -> dict[str, int]:
        """The ports for clients by the name of their listener; a broker of another kind has more."""
        return {"PLAINTEXT": self._client_port}

    def _java_options(self) -> list[str]:
        """What the broker's Java is told beyond the usual."""
        return []

    def _launch(self) -> None:
        process = self._running()
        process.spawn()
        deadline = time.monotonic() + START_SECONDS
        while not self.is_answering(1.0):
            if process.exit_code is not None:
                raise RuntimeError(f"Kafka ended with {process.exit_code}:\n{process.log_tail()}")
            if time.monotonic() > deadline:
                process.end(signal.SIGKILL)
                raise RuntimeError(f"Kafka did not answer within {START_SECONDS:g} s:\n{process.log_tail()}")
            time.sleep(0.1)
