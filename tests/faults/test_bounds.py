"""A backlog of large events and a partition that is far ahead of its reader: memory is bounded, and others go on."""

from __future__ import annotations

import time
from pathlib import Path

import orjson

from stream_rcf.state.checkpoint_store import PartitionId, open_store
from tests.support.broker import KafkaBroker
from tests.support.service import START_OF_EVENTS, Service, Topics, wait_for_outputs

MEGABYTE = 2**20
LARGE_BYTES = 400_000
LARGE_EVENTS = 700  # 280 MB
# Prefetch 16 and an answer beyond it 8, two batches of 8, outputs on their way 64, and what the allocators keep of it.
BOUND_BYTES = (16 + 8 + 2 * 8 + 64 + 56) * MEGABYTE
HOT_EVENTS = 400_000  # some twenty seconds of work, of which the others may wait for a small part
PATIENCE_SECONDS = 180.0


def resident_bytes(pid: int, name: str) -> int:
    """``VmRSS``, what the process holds now, or ``VmHWM``, the most it held since the start or the last reset."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return 1024 * int(line.split()[1])
    raise AssertionError(f"/proc/{pid}/status has no {name}")


def test_a_backlog_of_large_events_does_not_grow_the_process(broker: KafkaBroker, tmp_path: Path) -> None:
    """Half of them are refused, so that their bytes go out again as dead letters."""
    topics = Topics(broker, "large", partitions=8)
    padding = "x" * LARGE_BYTES
    for first in range(0, LARGE_EVENTS, 100):
        broker.produce(
            topics.events,
            [
                (
                    f"host-{i % 16}".encode(),
                    orjson.dumps({"value": i if i % 2 else "none", "padding": padding}),
                    i % 8,
                    START_OF_EVENTS + i,
                )
                for i in range(first, first + 100)
            ],
        )
    environment = topics.environment(tmp_path / "checkpoints", forest__trees=4, forest__sample_size=16)
    with Service(environment, tmp_path / "log") as service:
        service.wait_for("starting")
        before = resident_bytes(service.process.pid, "VmRSS")
        Path(f"/proc/{service.process.pid}/clear_refs").write_text(
            "5", encoding="ascii"
        )  # the peak from here
        wait_for_outputs(topics, LARGE_EVENTS, [service])
        most = resident_bytes(service.process.pid, "VmHWM")
        assert service.stop() == 0
    assert most - before < BOUND_BYTES, (
        f"{(most - before) // MEGABYTE} MB more than at the start ({before // MEGABYTE} MB)"
    )


def test_a_hot_key_far_behind_does_not_hold_the_others_commits_and_checkpoints_up(
    broker: KafkaBroker, tmp_path: Path
) -> None:
    topics = Topics(broker, "hot", partitions=3)
    broker.produce(
        topics.events,
        [(b"hot", b'{"value":%d}' % (i % 97), 0, START_OF_EVENTS + i) for i in range(HOT_EVENTS)],
    )
    checkpoints = tmp_path / "checkpoints"
    environment = topics.environment(checkpoints, checkpoint__interval_seconds=0.2, forest__trees=100)
    store = open_store(checkpoints.absolute().as_uri())

    def committed(partition: int) -> int:
        return broker.committed_offsets(topics.group, topics.events).get(partition, 0)

    def saved(partition: int) -> int:
        found = store.manifests(PartitionId(topics.group, topics.events, partition)).manifests
        return max((manifest.offset for manifest in found), default=0)

    with Service(environment, tmp_path / "log") as service:
        service.wait_for("partitions assigned")
        deadline = time.monotonic() + PATIENCE_SECONDS
        for rounds in (1, 2, 3):
            for number in (1, 2):
                broker.produce(
                    topics.events,
                    [(b"calm-%d" % number, b'{"value":1}', number, START_OF_EVENTS + i) for i in range(5)],
                )
            while min(committed(1), committed(2), saved(1), saved(2)) < 5 * rounds:
                assert service.process.poll() is None, service.log.read_text()[-3000:]
                assert time.monotonic() < deadline, f"round {rounds}: {service.log.read_text()[-3000:]}"
                time.sleep(0.02)
            assert committed(0) < HOT_EVENTS, f"round {rounds} had to wait until the hot key was done"
        assert saved(0) > 0, "nor does it go unsaved itself"
        service.kill()
