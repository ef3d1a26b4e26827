"""Checkpoints over real files, with a clock that stands still until the test moves it, and a store that can be held."""

from __future__ import annotations

import time
from pathlib import Path

from stream_rcf.core.parameters import DetectorParameters
from stream_rcf.service.checkpoints import Checkpoints
from stream_rcf.service.feedback_note import Positions
from stream_rcf.service.partition import Partition, Standing
from stream_rcf.state.checkpoint_store import CheckpointStore
from stream_rcf.state.checkpoint_writer import CheckpointWriter
from stream_rcf.state.folder_objects import FolderObjects
from stream_rcf.state.key_memory import KeyMemory
from stream_rcf.state.manifest import Manifest
from stream_rcf.state.objects import StoreUnreachableError
from stream_rcf.state.recovery import RecoveryPlan
from stream_rcf.state.saved_keys import SavedKeys
from tests.service.assignment_support import EVENTS, FINGERPRINT, name_of
from tests.service.support import PARAMETERS, learn, new_metrics
from tests.state.support import read_back
from tests.support.memory_objects import Gate, WatchedObjects

INTERVAL = 30.0  # s
PATIENCE_SECONDS = 20.0  # far more than a write takes; reached only by a hang


class Clock:
    """Seconds as the test says; ``step`` of them pass with each look."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.step = 0.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now


class HeldStore(CheckpointStore):
    """A folder whose next ``failures`` writes fail, and whose writes wait while ``gate`` is closed."""

    def __init__(self, root: Path) -> None:
        self.watched = WatchedObjects(FolderObjects(root))
        super().__init__(self.watched)
        self.failures = 0
        self.gate = Gate("create")
        self.watched.before = self._before

    def _before(self, method: str, name: str) -> None:
        self.gate(method, name)
        if method == "create" and self.failures:
            self.failures -= 1
            raise StoreUnreachableError("no space left on device")


class Desk:
    """The checkpoints of one process."""

    def __init__(
        self, root: Path, memory: KeyMemory | None = None, parameters: DetectorParameters = PARAMETERS
    ) -> None:
        self.parameters = parameters
        self.clock = Clock()
        self.memory = memory
        self.store = HeldStore(root)
        self.writer = CheckpointWriter(self.store)
        self.metrics = new_metrics()
        self.checkpoints = Checkpoints(
            self.store,
            self.writer,
            lambda partition: name_of(partition.number),
            parameters,
            FINGERPRINT,
            INTERVAL,
            self.metrics,
            self.clock,
        )
        self.partition = Partition("events", 0, parameters, self.memory)

    def new_partition(self, number: int = 0, start: int = 0) -> Partition:
        """A partition of a new group, live from ``start`` on."""
        self.partition = Partition("events", number, self.parameters, self.memory)
        newest = self.store.manifests(name_of(number)).newest_number
        self.partition.load(RecoveryPlan(None, start, start, None), None, newest)
        self.checkpoints.load(self.partition)
        self.partition.loaded()
        return self.partition

    def take_over(self, manifest: Manifest, committed: int) -> Partition:
        """A partition that an earlier owner left at ``manifest``."""
        self.partition = Partition("events", manifest.partition.partition, self.parameters, self.memory)
        plan = RecoveryPlan(manifest, manifest.offset, committed, None)
        self.partition.load(plan, committed, self.store.manifests(manifest.partition).newest_number)
        self.checkpoints.load(self.partition)
        self.partition.loaded()
        return self.partition

    def feed(self, partition: Partition, until: int) -> None:
        """Learn the events before offset ``until``."""
        learn(partition.table, EVENTS[partition.next_offset : until])
        partition.next_offset = until

    def hold_writer(self) -> None:
        """Have the writer's thread wait at another partition's checkpoint until the gate is opened."""
        other = name_of(99)
        self.store.gate.close()
        self.writer.adopt(other, None, 0, SavedKeys())
        self.writer.begin(other, offset=0, fingerprint=FINGERPRINT, changed=())
        self.writer.finish(other)
        assert self.store.gate.reached.wait(PATIENCE_SECONDS)

    def begin_due(self) -> None:
        self.checkpoints.begin_due([self.partition])

    def settle(self) -> None:
        """Turn as the loop does until nothing is on its way."""
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while True:
            self.checkpoints.advance()
            if not self.checkpoints._open:
                return
            assert time.monotonic() < give_up_at, "a checkpoint never ended"
            time.sleep(0.001)

    def save_by_interval(self) -> None:
        self.clock.now += INTERVAL
        self.begin_due()
        self.settle()

    def has_ended(self, offset: int) -> bool:
        """Whether the checkpoint at ``offset`` stands and has been noted."""
        return self.checkpoints._saved.get(name_of(0)) == Standing(offset, Positions())

    def manifests(self, number: int = 0) -> list[Manifest]:
        found = self.store.manifests(name_of(number))
        assert found.problems == []
        return found.manifests

    def read_newest(self, number: int = 0) -> dict[str, bytes]:
        manifest = self.manifests(number)[0]
        return read_back(self.store, manifest)

    def failures_counted(self) -> float | None:
        return self.metrics.registry.get_sample_value("stream_rcf_checkpoint_failures_total")
