"""The three-node cluster does what the fault tests rely on."""

from __future__ import annotations

from tests.support.cluster import NODES, Cluster, java_hash
from tests.support.test_broker import EVENTS


def test_a_cluster_keeps_every_record_over_the_loss_of_a_node() -> None:
    with Cluster() as cluster:
        cluster.create_topic("cluster-events", partitions=3)
        assert cluster.live_nodes() == set(range(NODES))
        cluster.produce("cluster-events", EVENTS[:1500])
        # Two nodes of three still take records: the coordinator's node is as good a victim as any.
        cluster.committed_offsets("cluster-group", "cluster-events")
        victim = cluster.group_coordinator("cluster-group")
        cluster.kill(victim)
        cluster.produce("cluster-events", EVENTS[1500:])
        cluster.spawn(victim)
        cluster.wait_until_up(victim)

        assert cluster.live_nodes() == set(range(NODES))
        assert len(cluster.read_all("cluster-events")) == len(EVENTS)


def test_names_are_hashed_as_java_does() -> None:
    assert java_hash("") == 0
    assert java_hash("stream-rcf") == 951565448
    assert java_hash("polygenelubricants") == 0  # -2**31 there, of which Kafka keeps the lower 31 bits
