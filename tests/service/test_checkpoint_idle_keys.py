"""The state of idle keys leaves the checkpoints, and the next owner's outputs do not tell."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from stream_rcf.core.reasons import Reason
from stream_rcf.pipeline.events import Event
from stream_rcf.pipeline.score_batch import score_batch
from tests.service.checkpoint_support import Desk
from tests.service.support import PARAMETERS, learn


def test_idle_keys_leave_the_checkpoints_and_say_so_with_their_next_event_after_a_takeover(
    tmp_path: Path,
) -> None:
    retiring = replace(PARAMETERS, retire_after_ms=1000)
    desk = Desk(tmp_path, parameters=retiring)
    partition = desk.new_partition()
    learn(partition.table, [Event("idle", 1000 * i, (float(i % 7),)) for i in range(100)], retiring)
    partition.next_offset = 100
    desk.save_by_interval()
    learn(partition.table, [Event("busy", 10**6, (1.0,))], retiring)
    partition.next_offset = 101
    full = len(desk.read_newest()["idle"])
    desk.save_by_interval()

    left = desk.read_newest()
    assert left.keys() == {"idle", "busy"}
    assert len(left["idle"]) < full / 2
    desk.checkpoints.forget(partition)
    table = desk.take_over(desk.manifests()[0], committed=101).table
    found = score_batch(retiring, [Event("idle", 10**6, (1.0,))], [table])
    assert (found.reason, found.events_seen) == ([Reason.IDLE_KEY_RETIRED], [1])
