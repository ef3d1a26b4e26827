"""What the tests of the checkpoint writer share: asking as the loop does, writing one checkpoint."""

from __future__ import annotations

import time

from stream_rcf.state.checkpoint_writer import CheckpointOutcome, CheckpointWriter
from stream_rcf.state.manifest import Manifest, PartitionId
from stream_rcf.state.saved_keys import SavedKeys
from tests.state.support import FINGERPRINT, PARTITION, PlainSnapshot

PATIENCE_SECONDS = 20.0  # far more than a write takes; reached only by a hang


def outcomes(writer: CheckpointWriter, count: int = 1) -> list[CheckpointOutcome]:
    """Ask as the loop does until so many checkpoints have ended."""
    found: list[CheckpointOutcome] = []
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while len(found) < count:
        found += writer.finished()
        assert time.monotonic() < give_up_at, "the checkpoint writer hangs"
        time.sleep(0.002)
    return found


def adopt_new(writer: CheckpointWriter, partition: PartitionId = PARTITION) -> SavedKeys:
    """Take up a partition that has no checkpoint yet."""
    saved = SavedKeys()
    writer.adopt(partition, None, 0, saved)
    return saved


def begin(writer: CheckpointWriter, states: dict[str, bytes], offset: int, partition=PARTITION) -> None:
    writer.begin(partition, offset=offset, fingerprint=FINGERPRINT, changed=states.keys())
    for key, payload in states.items():
        writer.append(partition, key, PlainSnapshot(payload))


def write(writer: CheckpointWriter, states: dict[str, bytes], offset: int, partition=PARTITION) -> None:
    begin(writer, states, offset, partition)
    writer.finish(partition)


def stands(writer: CheckpointWriter, states: dict[str, bytes], offset: int) -> Manifest:
    write(writer, states, offset)
    (outcome,) = outcomes(writer)
    assert outcome.error is None
    assert outcome.manifest is not None
    return outcome.manifest


def fails(writer: CheckpointWriter, states: dict[str, bytes], offset: int) -> CheckpointOutcome:
    write(writer, states, offset)
    (outcome,) = outcomes(writer)
    assert outcome.manifest is None
    assert outcome.error is not None
    return outcome
