"""Fetches the keys of newly taken partitions in the background, those used last first, while the stream goes on.

A partition is live as soon as the index of its checkpoint is read: a key whose event comes before the loader gets to it
is fetched at once, by the loop itself.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.model import Model
from stream_rcf.core.packing import unpack
from stream_rcf.errors import CheckpointError
from stream_rcf.state.checkpoint_store import CheckpointStore
from stream_rcf.state.key_table import KeyTable
from stream_rcf.state.manifest import PartitionId
from stream_rcf.state.objects import ObjectMissingError, StoreUnreachableError
from stream_rcf.state.saved_keys import Frame

logger = logging.getLogger(__name__)

FETCH_BYTES = 4 * 2**20  # of packed keys in one request
WAITING_BYTES = 64 * 2**20  # of loaded keys that wait for the loop; then the loader waits for it
RETRY_SECONDS = 2.0  # between attempts while the store does not answer


class Arrival(NamedTuple):
    """A key that was fetched. ``block`` is ``None`` where memory is short: ``state`` may go to the spill as it is."""

    table: KeyTable
    key: str
    state: bytes
    block: KeyBlock | None


class LoadFailure(NamedTuple):
    """A segment of a partition's checkpoint turned out not to be what was written."""

    table: KeyTable
    segment: str
    problem: str


class _Load(NamedTuple):
    partition: PartitionId
    table: KeyTable
    frames: list[Frame]


class KeyLoader:
    """One thread for all partitions. What is public is for the loop's thread.

    ``is_short`` says whether memory has no room for more keys; it is asked from the thread.
    """

    def __init__(self, store: CheckpointStore, model: Model) -> None:
        self._store = store
        self._model = model
        self.is_short = False
        self._loads: deque[_Load] = deque()
        self._cancelled: set[KeyTable] = set()
        self._arrivals: deque[Arrival] = deque()
        self._waiting_bytes = 0
        self._failures: deque[LoadFailure] = deque()
        self._is_over = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="key-loader", daemon=True)
        self._thread.start()

    def load(self, partition: PartitionId, table: KeyTable, frames: Iterable[Frame]) -> None:
        """Fetch these keys of a table, in this order, after those asked for before."""
        with self._changed:
            self._cancelled.discard(table)
            self._loads.append(_Load(partition, table, list(frames)))
            self._changed.notify()

    def cancel(self, table: KeyTable) -> None:
        """Nobody waits for this table's keys any more."""
        with self._changed:
            if any(load.table is table for load in self._loads):
                self._cancelled.add(table)
            kept = [arrival for arrival in self._arrivals if arrival.table is not table]
            self._waiting_bytes = sum(_size(arrival) for arrival in kept)
            self._arrivals = deque(kept)
            self._changed.notify()

    @property
    def has_arrivals(self) -> bool:
        """Whether keys have come that nobody has taken yet."""
        return bool(self._arrivals)

    def arrivals(self, most: int) -> list[Arrival]:
        """Keys that have come, at most ``most``."""
        with self._changed:
            taken = [self._arrivals.popleft() for _ in range(min(most, len(self._arrivals)))]
            self._waiting_bytes -= sum(_size(arrival) for arrival in taken)
            self._changed.notify()
        return taken

    def failures(self) -> list[LoadFailure]:
        """Checkpoints that turned out not to be what was written, since the last call."""
        with self._changed:
            found = list(self._failures)
            self._failures.clear()
        return found

    def stop(self) -> None:
        """Let the thread end; does not wait."""
        with self._changed:
            self._is_over = True
            self._changed.notify()

    def close(self, deadline_seconds: float) -> bool:
        """End the thread; false where it still waits for the store at the deadline."""
        self.stop()
        self._thread.join(deadline_seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_over or self._loads)
                if self._is_over:
                    return
                load = self._loads[0]
            try:
                self._fetch(load)
            except Exception:  # the thread must outlive it: each key is then loaded when it is needed
                logger.exception("unexpected error while loading keys ahead")
            with self._changed:
                self._loads.popleft()
                self._cancelled.discard(load.table)

    def _fetch(self, load: _Load) -> None:
        for frames in _requests(load.frames):
            index = frames[0].segment
            payloads = self._payloads(load, frames)
            if payloads is None:
                return
            for frame, payload in zip(frames, payloads, strict=True):
                try:
                    block = (
                        None if self.is_short else unpack_saved(self._model, index.keys[frame.row], payload)
                    )
                except CheckpointError as error:
                    self._fail(load, frame, error)
                    return
                if not self._hand_over(Arrival(load.table, index.keys[frame.row], payload, block)):
                    return

    def _hand_over(self, arrival: Arrival) -> bool:
        """Give the loop a key as soon as it has room; false where nobody waits for it any more."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._waiting_bytes < WAITING_BYTES or self._is_void(arrival.table)
            )
            if self._is_void(arrival.table):
                return False
            self._arrivals.append(arrival)
            self._waiting_bytes += _size(arrival)
            return True

    def _fail(self, load: _Load, frame: Frame, error: CheckpointError) -> None:
        with self._changed:
            if not self._is_void(load.table):
                self._failures.append(LoadFailure(load.table, frame.segment.segment.name, str(error)))

    def _payloads(self, load: _Load, frames: list[Frame]) -> list[bytes] | None:
        while True:
            try:
                return self._store.payloads(
                    load.partition, frames[0].segment, [frame.row for frame in frames]
                )
            except StoreUnreachableError as error:
                logger.warning("keys cannot be loaded ahead, trying again in %g s: %s", RETRY_SECONDS, error)
                with self._changed:
                    if self._changed.wait_for(lambda: self._is_void(load.table), RETRY_SECONDS):
                        return None
            except ObjectMissingError as error:
                # Rewritten elsewhere meanwhile, or gone for good: the loop looks where each key is when it needs it.
                logger.info("keys are not loaded ahead: %s", error)
                return None
            except CheckpointError as error:
                self._fail(load, frames[0], error)
                return None

    def _is_void(self, table: KeyTable) -> bool:
        return self._is_over or table in self._cancelled


def unpack_saved(model: Model, key: str, payload: bytes) -> KeyBlock:
    """The block of a saved key. ``CheckpointError`` names it where these bytes are no state of this model."""
    try:
        return unpack(model, payload)
    except CheckpointError as error:
        raise CheckpointError(f"key {key[:40]!r}: {error}") from None


def _size(arrival: Arrival) -> int:
    return len(arrival.state) + (0 if arrival.block is None else arrival.block.bytes)


def _requests(frames: list[Frame]) -> Iterator[list[Frame]]:
    """The frames in order, cut where the segment changes or a request grows too large."""
    request: list[Frame] = []
    size = 0
    for frame in frames:
        if request and (frame.segment is not request[0].segment or size >= FETCH_BYTES):
            yield request
            request, size = [], 0
        request.append(frame)
        size += frame.bytes
    if request:
        yield request
