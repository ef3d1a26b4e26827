"""A real Apache Kafka cluster of three nodes on loopback, every topic on all three: for faults that one broker lacks.

Each node has two listeners: one for the test itself, and one that tells its clients the port of a link before it
(a proxy), so that whoever begins at a link stays on the links.
"""

from __future__ import annotations

import signal
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from confluent_kafka import KafkaException

from tests.support.broker import BASE_PROPERTIES, START_SECONDS
from tests.support.broker_client import REQUEST_SECONDS, BrokerClient
from tests.support.broker_process import BrokerProcess, free_ports, new_cluster_id

NODES = 3
ANSWER_SECONDS = 2.0
HEAP = "256m"  # for each of three nodes beside the service on a small machine
STATE_PARTITIONS = 8  # of the offsets and of the transactions
LOCAL = "127.0.0.1"

CLUSTER_PROPERTIES: Mapping[str, str] = {
    **BASE_PROPERTIES,
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,LINK:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "default.replication.factor": str(NODES),
    "min.insync.replicas": "2",
    "offsets.topic.num.partitions": str(STATE_PARTITIONS),
    "offsets.topic.replication.factor": str(NODES),
    "transaction.state.log.num.partitions": str(STATE_PARTITIONS),
    "transaction.state.log.replication.factor": str(NODES),
    "transaction.state.log.min.isr": "2",
    "share.coordinator.state.topic.replication.factor": str(NODES),
    "share.coordinator.state.topic.min.isr": "2",
    "group.min.session.timeout.ms": "500",
    "controller.quorum.fetch.timeout.ms": "4000",  # an active controller that is frozen is replaced after this
    "controller.quorum.election.timeout.ms": "2000",
    "log.segment.bytes": str(64 * 2**20),
}


class Cluster(BrokerClient):
    """Three nodes, each broker and controller in one; ``with`` starts and ends them.

    :param link_ports: of each node, the port that clients of its link listener are told; the listener's own by
        default. What listens there leads to the node's ``link_target_ports`` entry.
    :param properties: settings over those above
    """

    replication = NODES

    def __init__(
        self, link_ports: Sequence[int] | None = None, properties: Mapping[str, str] | None = None
    ) -> None:
        ports = free_ports(3 * NODES)
        self._client_ports, self._controller_ports = ports[:NODES], ports[NODES : 2 * NODES]
        self.link_target_ports = ports[2 * NODES :]
        self._link_ports = list(link_ports or self.link_target_ports)
        self._properties = {**CLUSTER_PROPERTIES, **(properties or {})}
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._nodes: list[BrokerProcess] = []
        super().__init__(",".join(f"{LOCAL}:{port}" for port in self._client_ports))

    @property
    def link_bootstrap(self) -> str:
        """The brokers as seen through the links."""
        return ",".join(f"{LOCAL}:{port}" for port in self._link_ports)

    def __enter__(self) -> Cluster:
        self._directory = tempfile.TemporaryDirectory(prefix="stream-rcf-cluster-")
        try:
            self._start(Path(self._directory.name))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        # SIGKILL: the data goes anyway, and an orderly end of the last nodes would wait for a quorum that is gone.
        for node in self._nodes:
            if node.is_started:
                node.end(signal.SIGKILL)
        if self._directory is not None:
            self._directory.cleanup()

    def _start(self, root: Path) -> None:
        cluster_id = new_cluster_id()
        for index in range(NODES):
            folder = root / f"node-{index}"
            folder.mkdir()
            node = BrokerProcess(folder, HEAP)
            node.format(self._node_properties(index, folder), cluster_id)
            self._nodes.append(node)
        for node in self._nodes:
            node.spawn()
        for index in range(NODES):
            self.wait_until_up(index)

    def _node_properties(self, index: int, folder: Path) -> dict[str, str]:
        voters = (f"{number + 1}@{LOCAL}:{port}" for number, port in enumerate(self._controller_ports))
        client = f"PLAINTEXT://{LOCAL}:{self._client_ports[index]}"
        return {
            **self._properties,
            "node.id": str(index + 1),
            "controller.quorum.voters": ",".join(voters),
            "listeners": f"{client},LINK://{LOCAL}:{self.link_target_ports[index]},"
            f"CONTROLLER://{LOCAL}:{self._controller_ports[index]}",
            "advertised.listeners": f"{client},LINK://{LOCAL}:{self._link_ports[index]}",
            "log.dirs": str(folder / "logs"),
        }

    # -- faults, by the node's index from 0 ---------------------------------------------------------------------------

    def kill(self, index: int) -> None:
        """End a node at once, as a lost machine would; its data stays."""
        self._nodes[index].end(signal.SIGKILL)

    def spawn(self, index: int) -> None:
        """Start a node again on its data; ``wait_until_up`` tells when it is back."""
        self._nodes[index].spawn()

    def suspend(self, index: int) -> None:
        """Freeze a node: its connections stay open and nothing answers."""
        self._nodes[index].send(signal.SIGSTOP)

    def resume(self, index: int) -> None:
        """Let a frozen node go on."""
        self._nodes[index].send(signal.SIGCONT)

    def is_up(self, index: int) -> bool:
        """Whether a node takes part: it answers, and the cluster counts it as alive. Raises when it has ended."""
        node = self._nodes[index]
        if node.exit_code is not None:
            raise RuntimeError(f"node {index} of the cluster ended with {node.exit_code}:\n{node.log_tail()}")
        own = BrokerClient(f"{LOCAL}:{self._client_ports[index]}")
        try:
            return index + 1 in own.admin().list_topics(timeout=ANSWER_SECONDS).brokers
        except KafkaException:  # not yet listening, or too busy to answer
            return False

    def wait_until_up(self, index: int) -> None:
        """Wait until a node takes part again."""
        deadline = time.monotonic() + START_SECONDS
        while not self.is_up(index):
            if time.monotonic() > deadline:
                raise RuntimeError(
                    f"node {index} of the cluster is not up after {START_SECONDS:g} s:\n{self._nodes[index].log_tail()}"
                )
            time.sleep(0.1)

    # -- who does what ------------------------------------------------------------------------------------------------

    def live_nodes(self) -> set[int]:
        """The nodes that the cluster counts as live brokers."""
        return {number - 1 for number in self.admin().list_topics(timeout=REQUEST_SECONDS).brokers}

    def group_coordinator(self, group: str) -> int:
        """The node that keeps the group's members and offsets."""
        return self._leader("__consumer_offsets", group)

    def transaction_coordinator(self, transactional_id: str) -> int:
        """The node that decides the transactions of this name."""
        return self._leader("__transaction_state", transactional_id)

    def _leader(self, topic: str, name: str) -> int:
        partition = java_hash(name) % STATE_PARTITIONS
        known = self.admin().list_topics(topic, timeout=REQUEST_SECONDS).topics[topic].partitions
        assert partition in known, f"no {topic}[{partition}]: nothing has been coordinated yet"
        return int(known[partition].leader) - 1


def java_hash(text: str) -> int:
    """Java's ``String.hashCode`` without its sign bit, by which Kafka chooses a name's coordinator."""
    value = 0
    for unit in text.encode("utf-16-be")[1::2]:  # names are Latin letters: the upper bytes are 0
        value = (31 * value + unit) & 0xFFFFFFFF
    return value & 0x7FFFFFFF
