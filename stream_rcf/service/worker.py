"""The loop: one thread that owns the consumer, the producer and the state. Read this file first.

Each turn loads at most one partition, reads and decodes a batch, lets its kernel run in another thread, publishes the
batch before it meanwhile, commits when it is time, and moves checkpoints a little forward. Nothing is in flight while
state is loaded, saved, rolled back or handed over. Everything else is called from here.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from stream_rcf.core.model import model_of
from stream_rcf.core.parameters import DetectorParameters
from stream_rcf.errors import RegistryUnavailableError, StreamRcfError
from stream_rcf.kafka.client_configuration import max_poll_seconds
from stream_rcf.kafka.dead_letters import DeadLetters, message_limits
from stream_rcf.kafka.failures import DeliveryFailed, Remedy
from stream_rcf.kafka.messages import ClientError, TopicPartition
from stream_rcf.kafka.publisher import new_publisher
from stream_rcf.kafka.publishing import Publisher
from stream_rcf.kafka.source import Source
from stream_rcf.observe.metrics import Metrics
from stream_rcf.service.assignment import Assignment
from stream_rcf.service.backfill import Backfill
from stream_rcf.service.batch import BatchProcessor
from stream_rcf.service.checkpoints import Checkpoints
from stream_rcf.service.feedback import Feedback
from stream_rcf.service.loading import Loading
from stream_rcf.service.partition import Partition, PartitionState
from stream_rcf.service.recovery import RECOVERABLE, Recovery, remedy_and_reason
from stream_rcf.service.registry_wait import RegistryWait
from stream_rcf.service.saved_state import DamagedCheckpointError
from stream_rcf.service.status import report_status
from stream_rcf.settings.derived import state_fingerprint
from stream_rcf.settings.model import Settings
from stream_rcf.state.batch_keys import largest_batch
from stream_rcf.state.checkpoint_store import CheckpointStore
from stream_rcf.state.checkpoint_writer import CheckpointWriter

logger = logging.getLogger(__name__)

IDLE_SECONDS = 0.1  # the longest wait for a message: also how fast a signal is noticed
STATUS_SECONDS = 1.0  # between updates of the gauges that need a walk over all partitions
HANDOVER_SHARE = 0.1  # of max.poll.interval.ms, for the checkpoints of what is revoked; replay does the rest
COPYING_BATCH = 100  # events while each may need a copy of its key first, which takes 0.2 ms in fresh memory
BUSY_COPYING_SECONDS = 0.003  # of a turn with messages, for the keys of a checkpoint under way
IDLE_COPYING_SECONDS = 0.05  # of a turn without


class Worker:
    """One member of the consumer group, from its first read to its orderly end."""

    def __init__(
        self,
        settings: Settings,
        parameters: DetectorParameters,
        store: CheckpointStore,
        transactional_id: str,
        metrics: Metrics,
        should_stop: Callable[[], bool],
        backfill: Backfill | None = None,
    ) -> None:
        self._metrics = metrics
        self._should_stop = should_stop
        self._transactional_id = transactional_id
        self._commit_interval = settings.kafka.commit_interval_ms / 1000
        # How long a commit may still be put off until it waits for no outputs, which holds up those that come.
        self._commit_grace = self._commit_interval if settings.kafka.delivery == "at_least_once" else 0.0
        self._assignment = Assignment(settings, parameters, store, self, metrics, backfill)
        self._batch_size = largest_batch(
            model_of(parameters), self._assignment.memory.limit_bytes, settings.kafka.batch_size
        )
        self._writer = CheckpointWriter(store, spread_seconds=settings.checkpoint.interval_seconds / 3)
        self._checkpoints = Checkpoints(
            store,
            self._writer,
            self._assignment.partition_id,
            parameters,
            state_fingerprint(settings),
            settings.checkpoint.interval_seconds,
            metrics,
        )
        limits = message_limits(settings)
        self._publisher: Publisher = new_publisher(settings, transactional_id, min(limits.values()))
        self._source = Source(settings, self._assignment)
        self._handover_seconds = max_poll_seconds(settings) * HANDOVER_SHARE
        self._assignment.source = self._source
        dead_letters = DeadLetters(settings.kafka.dead_letter_topic, limits[settings.kafka.dead_letter_topic])
        self._batches = BatchProcessor(settings, parameters, self._assignment, dead_letters, metrics)
        self._feedback = Feedback(settings, dead_letters, metrics) if settings.kafka.takes_feedback else None
        self._loading = Loading(self._assignment, self._checkpoints, self._feedback, self._finish_batch)
        self._last_commit = 0.0
        self._next_status = 0.0
        self._pending_remedy: Remedy | None = None  # set by a callback, applied at the next turn
        self._is_mid_batch = False  # the state is ahead of what was published: nothing may be committed
        self._registry_wait = RegistryWait()
        self._recovery = Recovery(transactional_id, should_stop, metrics)

    def run(self) -> None:
        """Work until told to stop. Raises ``StreamRcfError`` when the service cannot go on."""
        try:
            self._source.subscribe()
            while not self._should_stop():
                try:
                    self._turn()
                except RECOVERABLE as failure:
                    self._recover(failure)
        finally:
            self._end()

    def _turn(self) -> None:
        if self._pending_remedy is not None:
            self._roll_back(self._pending_remedy)
        if not self._registry_wait.is_over:
            self._wait_for_registry()
            return
        self._loading.load_one(self._source)
        self._hear_feedback()
        most = COPYING_BATCH if self._assignment.must_copy else self._batch_size
        messages = self._source.read(min(most, self._batch_size), self._patience())
        if self._pending_remedy is not None:
            return  # a callback found what is uncommitted worthless: nothing may be added to it, or committed
        for kept in self._assignment.take_to_resume():
            self._source.resume(kept.topic, kept.number)
        if self._is_commit_due() and self._publisher.is_acknowledged:
            self._commit(is_final=False)
        if messages:
            self._is_mid_batch = True
            self._batches.take(messages, self._publisher)
            self._is_mid_batch = False
        else:
            self._finish_batch()  # nothing waits, so nothing is gained by keeping it in flight
            self._loading.notice_ends(self._source)
        self._commit_if_due()
        self._checkpoints.advance(BUSY_COPYING_SECONDS if messages else IDLE_COPYING_SECONDS)
        self._report()

    def _wait_for_registry(self) -> None:
        """One turn without events: reading serves the group too."""
        self._registry_wait.ask_again()
        if not self._registry_wait.is_over and self._source.read(1, IDLE_SECONDS):
            self._pending_remedy = Remedy.ABORT  # a message slipped past the pause: it must be read again
        self._report()

    def _finish_batch(self) -> None:
        """Publish what is in flight: from here to the next batch, state and outputs have come equally far."""
        self._is_mid_batch = True
        self._batches.finish(self._publisher)
        self._is_mid_batch = False

    def _patience(self) -> float:
        """How long to wait for a message: not at all while there is other work."""
        if (
            self._loading.has_work
            or (self._feedback is not None and self._feedback.is_busy)
            or self._checkpoints.has_work
            or self._batches.is_in_flight
        ):
            return 0.0
        if self._publisher.is_open:
            return max(0.0, min(IDLE_SECONDS, self._last_commit + self._commit_interval - time.monotonic()))
        return IDLE_SECONDS

    def _hear_feedback(self) -> None:
        """Let what people said take effect where the partitions stand, and commit that there and then."""
        if self._feedback is None:
            return
        hearing = self._feedback.read(self._assignment)
        if hearing is None:
            return
        self._finish_batch()
        self._publisher.begin()
        self._feedback.apply(hearing, self._assignment, self._publisher)
        self._commit()

    # -- committing -------------------------------------------------------------------------------------------------

    def _is_commit_due(self, grace: float = 0.0) -> bool:
        return (
            self._publisher.is_open and time.monotonic() - self._last_commit >= self._commit_interval + grace
        )

    def _commit_if_due(self) -> None:
        if self._checkpoints.are_due:
            # A cut is a moment at which everything learned is published and committed.
            self._finish_batch()
            self._commit()
            self._checkpoints.begin_due(self._assignment)
        elif self._is_commit_due(self._commit_grace):
            if not self._batches.is_running:
                self._finish_batch()  # it is ready, so let its readers have it with this commit
            self._commit(is_final=False)

    def _commit(self, *, is_final: bool = True) -> None:
        """Commit what is published. ``is_final``: known to stand when this returns, where delivery allows it later."""
        if not self._publisher.is_open:
            return
        began = time.monotonic()
        moved = [
            (partition, offset, partition.note)
            for partition in self._assignment.in_state(PartitionState.LIVE)
            if (offset := self._batches.published(partition)) != partition.committed
            or partition.note != partition.committed_note
        ]
        offsets = [TopicPartition(one.topic, one.number, offset, note) for one, offset, note in moved]
        if is_final:
            self._publisher.commit(offsets, self._source.consumer)
        else:
            self._publisher.commit_soon(offsets, self._source.consumer)
        for partition, offset, note in moved:
            partition.committed, partition.committed_note = offset, note
        self._last_commit = time.monotonic()
        if not self._publisher.is_open:
            self._recovery.succeeded()
        self._metrics.commit(self._last_commit - began)

    # -- rebalances: called by the assignment, inside read or close -------------------------------------------------

    def commit_before_handover(self) -> bool:
        """Publish and commit what was learned; False when that failed, and then everything uncommitted must go."""
        if self._is_mid_batch or self._pending_remedy is not None:
            return False  # we are here because something failed: the next owner begins at the last commit
        try:
            self._finish_batch()
            self._commit()
        except (DeliveryFailed, ClientError) as failure:
            logger.warning("could not commit before giving partitions up: %s", failure)
            self._pending_remedy = getattr(failure, "remedy", Remedy.NEW_PRODUCER)
            return False
        return True

    def save_before_handover(self, partitions: Sequence[Partition]) -> None:
        """Checkpoint what is about to go, within a budget."""
        if partitions:
            self._checkpoints.save_now(partitions, self._handover_seconds)

    def abandon_uncommitted(self) -> None:
        """Roll back at the next turn: inside a callback the client must not be asked for much."""
        if self._pending_remedy is None:
            self._pending_remedy = Remedy.ABORT

    def forget(self, partition: Partition) -> None:
        """Drop what belongs to a partition that is gone."""
        self._checkpoints.forget(partition)
        self._metrics.forget_partition(partition.topic, partition.number)

    # -- recovery ---------------------------------------------------------------------------------------------------

    def _recover(self, failure: Exception) -> None:
        """Drop what is not committed, and bring every partition back to what is. Tries until the broker is back."""
        if isinstance(failure, DamagedCheckpointError):
            self._assignment.pass_over(failure)
        if isinstance(failure, RegistryUnavailableError):
            self._registry_wait.begin(failure)
            self._pending_remedy = Remedy.ABORT  # the batch was decoded in part: nothing may be committed
            self._recovery.repeat(self._roll_back, Remedy.ABORT)
            return
        remedy, why = remedy_and_reason(failure)
        self._pending_remedy = remedy  # until it has worked nothing may be committed
        self._recovery.run(self._roll_back, remedy, why)

    def _roll_back(self, remedy: Remedy) -> None:
        """Drop what is not committed, here and in every partition."""
        self._pending_remedy = remedy  # until it has worked
        self._batches.drop()
        self._publisher.recover(remedy)
        self._assignment.roll_back_all()
        self._pending_remedy = None
        self._is_mid_batch = False

    # -- the rest ---------------------------------------------------------------------------------------------------

    def _report(self) -> None:
        now = time.monotonic()
        self._metrics.loop_ticked()
        if now >= self._next_status:
            self._next_status = now + STATUS_SECONDS
            report_status(self._metrics, self._assignment, self._source)

    def _end(self) -> None:
        """Leave the group in order: closing revokes, and revoking commits and saves."""
        try:
            self._source.close()
        except (StreamRcfError, ClientError) as failure:
            logger.error("leaving the group was not orderly: %s", failure)
        finally:
            try:
                self._batches.close()
                self._publisher.close()
                if self._feedback is not None:
                    self._feedback.close()
            finally:
                self._checkpoints.close(self._handover_seconds)
                self._assignment.memory.close()
        logger.info("stopped")
