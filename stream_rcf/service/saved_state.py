"""The keys of newly taken partitions, on their way from the checkpoint into memory."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.model import Model
from stream_rcf.errors import CheckpointError, ReloadNeededError
from stream_rcf.observe.metrics import Metrics
from stream_rcf.service.partition import Partition
from stream_rcf.service.patience import read_patiently
from stream_rcf.state.checkpoint_store import CheckpointStore
from stream_rcf.state.key_loader import Arrival, KeyLoader, unpack_saved
from stream_rcf.state.key_table import KeyTable
from stream_rcf.state.manifest import Manifest, PartitionId
from stream_rcf.state.saved_keys import SavedKeys

logger = logging.getLogger(__name__)

ARRIVALS_AT_ONCE = 8  # keys let in between two looks at the clock
SHORT_SHARE = 0.9  # of the memory for keys: beyond, what is loaded ahead goes to the spill


class FirstCheckpointError(ReloadNeededError):
    """The empty checkpoint could not be written: another owner has written one meanwhile."""


class DamagedCheckpointError(CheckpointError):
    """A checkpoint of a partition is not what its manifest promised; an older one may serve.

    ``manifest`` is the one whose index is damaged, ``segment`` the one that is, where only some keys' states are.
    """

    def __init__(
        self, partition: Partition, problem: str, *, manifest: int | None = None, segment: str | None = None
    ) -> None:
        super().__init__(problem)
        self.partition = partition
        self.manifest = manifest
        self.segment = segment


class SavedState:
    """Opens checkpoints, fetches what is needed at once, and lets in what the loader fetched ahead."""

    def __init__(
        self, store: CheckpointStore, model: Model, metrics: Metrics, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._model = model
        self._metrics = metrics
        self._clock = clock
        self._loader = KeyLoader(store, model)
        self._opened: dict[KeyTable, Partition] = {}

    def open(self, partition: Partition, name: PartitionId, manifest: Manifest) -> SavedKeys:
        """Read where the keys of a checkpoint are, and have them come. Raises ``DamagedCheckpointError``."""
        try:
            saved = SavedKeys(self._store.indexes(manifest))
        except CheckpointError as error:
            raise DamagedCheckpointError(partition, str(error), manifest=manifest.number) from None
        if len(saved) != manifest.keys:
            problem = (
                f"{self._store.where(name)}: {len(saved)} keys found, but {manifest.keys} in the manifest"
            )
            raise DamagedCheckpointError(partition, problem, manifest=manifest.number)
        keys = list(saved.newest_first())
        partition.table.lend(keys, lambda wanted: self._fetch(partition, name, saved, wanted))
        self._opened[partition.table] = partition
        self._loader.load(name, partition.table, [saved.frame(key) for key in keys])
        return saved

    def _fetch(
        self, partition: Partition, name: PartitionId, saved: SavedKeys, keys: Sequence[str]
    ) -> list[KeyBlock]:
        """The states of keys that are needed now; waits a while for a store that does not answer."""
        frames = [saved.frame(key) for key in keys]
        found: dict[int, KeyBlock] = {}
        for name_of_segment in dict.fromkeys(frame.segment.segment.name for frame in frames):
            places = [i for i, frame in enumerate(frames) if frame.segment.segment.name == name_of_segment]
            index, rows = frames[places[0]].segment, [frames[i].row for i in places]
            try:
                read = partial(self._store.payloads, name, index, rows)
                payloads = read_patiently(read, self._metrics, self._clock)
                for place, payload in zip(places, payloads, strict=True):
                    found[place] = unpack_saved(self._model, keys[place], payload)
            except CheckpointError as error:
                raise DamagedCheckpointError(partition, str(error), segment=name_of_segment) from None
        return [found[place] for place in range(len(keys))]

    @property
    def has_arrivals(self) -> bool:
        """Whether keys wait to be let in."""
        return self._loader.has_arrivals

    def let_in(self, seconds: float) -> None:
        """Let keys in that were fetched ahead, for about ``seconds``. Raises ``DamagedCheckpointError``."""
        for failure in self._loader.failures():
            partition = self._opened.get(failure.table)
            if partition is not None:
                raise DamagedCheckpointError(partition, failure.problem, segment=failure.segment)
        until = self._clock() + seconds
        while self._loader.has_arrivals:
            for arrival in self._loader.arrivals(ARRIVALS_AT_ONCE):
                is_short = self._is_short(arrival)
                state = arrival.state if is_short or arrival.block is None else arrival.block
                arrival.table.arrive(arrival.key, state)
                self._loader.is_short = is_short
            if self._clock() >= until:
                return

    @staticmethod
    def _is_short(arrival: Arrival) -> bool:
        """Whether letting the key into memory would come too near its bound."""
        memory = arrival.table.memory
        size = 0 if arrival.block is None else arrival.block.bytes
        return memory.limit_bytes is not None and memory.bytes + size > SHORT_SHARE * memory.limit_bytes

    def close_partition(self, partition: Partition) -> None:
        """Nothing of the partition's present table is awaited any more."""
        if self._opened.pop(partition.table, None) is not None:
            self._loader.cancel(partition.table)

    def stop(self) -> None:
        """Load no more; does not wait."""
        self._loader.stop()

    def close(self, deadline_seconds: float) -> None:
        """Stop loading, and wait for the thread that does, unless it waits for a store that does not answer."""
        if not self._loader.close(deadline_seconds):
            logger.warning("the thread that loads keys still waits for the store")
