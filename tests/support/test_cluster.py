"""The three-node cluster does what the fault tests rely on."""

from __future__ import annotations

import time

from tests.support.cluster import NODES, Cluster, java_hash
from tests.support.test_broker import EVENTS

SETTLE_SECONDS = 30.0  # until each node has heard of the others


def wait_until_all_live(cluster: Cluster) -> None:
    deadline = time.monotonic() + SETTLE_SECONDS
    while cluster.live_nodes() != set(range(NODES)):
        assert time.monotonic() < deadline, f"only {cluster.live_nodes()} are known to be live"
        time.sleep(0.1)


def test_a_cluster_keeps_every_record_over_the_loss_of_a_node() -> None:
    with Cluster() as cluster:
        cluster.create_topic("cluster-events", partitions=3)
        wait_until_all_live(cluster)
        cluster.produce("cluster-events", EVENTS[:1500])
        # Two nodes of three still take records: the coordinator's node is as good a victim as any.
        cluster.committed_offsets("cluster-group", "cluster-events")
        victim = cluster.group_coordinator("cluster-group")
        cluster.kill(victim)
        cluster.produce("cluster-events", EVENTS[1500:])
        cluster.spawn(victim)
        cluster.wait_until_up(victim)

        wait_until_all_live(cluster)
        assert len(cluster.read_all("cluster-events")) == len(EVENTS)


def test_names_are_hashed_as_java_does() -> None:
    assert java_hash("") == 0
    assert java_hash("stream-rcf") == 951565448
    assert java_hash("polygenelubricants") == 0  # -2**31 there, of which Kafka keeps the lower 31 bits
