"""The loop: one thread that owns the consumer, the producer and the state. Read this file first.

Each turn loads at most one partition, reads a batch, scores and publishes it, commits when it is time, and moves
checkpoints a little forward. Everything else is called from here.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from stream_rcf.core.parameters import DetectorParameters
from stream_rcf.errors import RegistryUnavailableError, StreamRcfError, UnreachableError
from stream_rcf.kafka.client_configuration import MAX_POLL_INTERVAL_MS
from stream_rcf.kafka.dead_letters import DeadLetters, message_limits
from stream_rcf.kafka.failures import DeliveryFailed, Remedy
from stream_rcf.kafka.messages import ClientError
from stream_rcf.kafka.publisher import Publisher, new_publisher
from stream_rcf.kafka.source import OffsetsTrimmed, Source, describe
from stream_rcf.observe.metrics import Metrics
from stream_rcf.service.assignment import Assignment, kafka_position
from stream_rcf.service.batch import BatchProcessor
from stream_rcf.service.checkpoints import Checkpoints, DamagedCheckpointError, FirstCheckpointError
from stream_rcf.service.partition import Partition, PartitionState
from stream_rcf.service.status import MemoryAlarm, report_status
from stream_rcf.settings.model import Settings, state_fingerprint
from stream_rcf.state.checkpoint_store import CheckpointStore
from stream_rcf.state.checkpoint_writer import CheckpointWriter

logger = logging.getLogger(__name__)

IDLE_SECONDS = 0.1  # the longest wait for a message: also how fast a signal is noticed
STATUS_SECONDS = 1.0  # between updates of the gauges that need a walk over all partitions
# For the checkpoints of revoked partitions; replay serves where it does not suffice.
HANDOVER_SECONDS = MAX_POLL_INTERVAL_MS / 1000 / 10
RETRY_SECONDS = (0.5, 1.0, 2.0, 5.0)  # waits between attempts to recover; the last one repeats
RECOVERY_SECONDS = 240.0  # of failing attempts before giving up; the group would evict us soon after
MOST_RECOVERIES = (
    8  # in a row without one successful commit: somebody fences us each time, or it will never work
)
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
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._should_stop = should_stop
        self._transactional_id = transactional_id
        self._commit_interval = settings.kafka.commit_interval_ms / 1000
        self._assignment = Assignment(settings, parameters, store, self, metrics)
        self._writer = CheckpointWriter(store)
        self._checkpoints = Checkpoints(
            store,
            self._writer,
            self._assignment.partition_id,
            state_fingerprint(settings),
            settings.checkpoint.interval_seconds,
            metrics,
        )
        limits = message_limits(settings)
        self._publisher: Publisher = new_publisher(settings, transactional_id, min(limits.values()))
        self._source = Source(settings, self._assignment)
        self._assignment.source = self._source
        dead_letters = DeadLetters(settings.kafka.dead_letter_topic, limits[settings.kafka.dead_letter_topic])
        self._batches = BatchProcessor(settings, parameters, self._assignment, dead_letters, metrics)
        self._last_commit = 0.0
        self._next_status = 0.0
        self._memory_alarm = MemoryAlarm(settings.memory_limit_bytes_per_worker)
        self._pending_remedy: Remedy | None = None  # set by a callback, applied at the next turn
        self._is_mid_batch = False  # the state is ahead of what was published: nothing may be committed
        self._recoveries = 0
        self._unanswered: RegistryUnavailableError | None = None  # a schema that events need
        self._next_question = 0.0
        self._questions = 0

    def run(self) -> None:
        """Work until told to stop. Raises ``StreamRcfError`` when the service cannot go on."""
        try:
            self._source.subscribe()
            logger.info("joining the group", extra={"context": {"group": self._settings.kafka.group_id}})
            while not self._should_stop():
                try:
                    self._turn()
                except DeliveryFailed as failure:
                    self._recover(failure.remedy, str(failure))
                except OffsetsTrimmed as trimmed:
                    self._recover(Remedy.ABORT, f"the input was trimmed under us: {trimmed}")
                except DamagedCheckpointError as damage:
                    self._assignment.pass_over(damage.partition, str(damage))
                    self._recover(Remedy.ABORT, str(damage))
                except FirstCheckpointError as failure:
                    self._recover(Remedy.ABORT, str(failure))
                except ClientError as failure:
                    self._recover(Remedy.ABORT, describe(failure))
                except RegistryUnavailableError as failure:
                    self._hold_for(failure)
        finally:
            self._end()

    def _turn(self) -> None:
        if self._pending_remedy is not None:
            self._roll_back(self._pending_remedy)
        if self._unanswered is not None:
            self._ask_again(self._unanswered)
            return
        self._load_one()
        messages = self._source.read(self._settings.kafka.batch_size, self._patience())
        if self._pending_remedy is not None:
            return  # a callback found what is uncommitted worthless: nothing may be added to it, or committed
        for kept in self._assignment.take_to_resume():
            self._source.resume(kept.topic, kept.number)
        if messages:
            self._is_mid_batch = True
            self._batches.process(messages, self._publisher)
            self._is_mid_batch = False
        elif self._assignment.in_state(PartitionState.REPLAYING):
            self._notice_ends()
        self._commit_if_due()
        self._checkpoints.advance(BUSY_COPYING_SECONDS if messages else IDLE_COPYING_SECONDS)
        self._report()

    def _patience(self) -> float:
        """How long to wait for a message: not at all while there is other work."""
        if self._assignment.in_state(PartitionState.LOADING) or self._checkpoints.has_work:
            return 0.0
        if self._publisher.is_open:
            return max(0.0, min(IDLE_SECONDS, self._last_commit + self._commit_interval - time.monotonic()))
        return IDLE_SECONDS

    def _load_one(self) -> None:
        """Load one partition per turn, so that those already live are not kept waiting by all of them."""
        for partition in self._assignment.in_state(PartitionState.LOADING)[:1]:
            self._checkpoints.load(partition)
            partition.loaded()
            self._source.resume(partition.topic, partition.number)

    def _notice_ends(self) -> None:
        """A partition whose last offsets hold no events (transaction markers) still ends its replay."""
        for partition in self._assignment.in_state(PartitionState.REPLAYING):
            position = self._source.position(partition.topic, partition.number)
            if position is not None and position >= partition.publish_from:
                partition.next_offset = max(partition.next_offset, partition.publish_from)
                partition.caught_up()

    # -- committing -------------------------------------------------------------------------------------------------

    def _commit_if_due(self) -> None:
        now = time.monotonic()
        if self._publisher.is_open and now - self._last_commit >= self._commit_interval:
            self._commit()
        if not self._publisher.is_open:
            self._checkpoints.begin_due(self._assignment)

    def _commit(self) -> None:
        if not self._publisher.is_open:
            return
        began = time.monotonic()
        moved = [p for p in self._assignment.in_state(PartitionState.LIVE) if p.next_offset != p.committed]
        self._publisher.commit([kafka_position(partition) for partition in moved], self._source.consumer)
        for partition in moved:
            partition.committed = partition.next_offset
        self._last_commit = time.monotonic()
        self._recoveries = 0
        self._metrics.commit(self._last_commit - began)

    # -- rebalances: called by the assignment, inside read or close -------------------------------------------------

    def commit_before_handover(self) -> bool:
        """Commit what was published; False when that failed, and then everything uncommitted must go."""
        if self._is_mid_batch or self._pending_remedy is not None:
            return False  # we are here because something failed: the next owner begins at the last commit
        try:
            self._commit()
        except (DeliveryFailed, ClientError) as failure:
            logger.warning("could not commit before giving partitions up: %s", failure)
            self._pending_remedy = getattr(failure, "remedy", Remedy.NEW_PRODUCER)
            return False
        return True

    def save_before_handover(self, partitions: Sequence[Partition]) -> None:
        """Checkpoint what is about to go, within a budget."""
        if partitions:
            self._checkpoints.save_now(partitions, HANDOVER_SECONDS)

    def abandon_uncommitted(self) -> None:
        """Roll back at the next turn: inside a callback the client must not be asked for much."""
        if self._pending_remedy is None:
            self._pending_remedy = Remedy.ABORT

    def forget(self, partition: Partition) -> None:
        """Drop what belongs to a partition that is gone."""
        self._checkpoints.forget(partition)
        self._metrics.forget_partition(partition.topic, partition.number)

    # -- recovery ---------------------------------------------------------------------------------------------------

    def _recover(self, remedy: Remedy, why: str) -> None:
        """Drop what is not committed, and bring every partition back to what is. Tries until the broker is back."""
        self._pending_remedy = remedy  # until it has worked nothing may be committed
        logger.warning("recovering: %s", why, extra={"context": {"remedy": remedy.value}})
        self._recoveries += 1
        if self._recoveries > MOST_RECOVERIES:
            raise StreamRcfError(
                f"{why}. That was failure {self._recoveries} without a commit between. If the error speaks of fencing, "
                f"another process uses the transactional id {self._transactional_id!r}"
            )
        time.sleep(RETRY_SECONDS[0] * (self._recoveries - 1))  # a lasting failure must not become a busy loop
        self._roll_back_patiently(remedy)

    def _roll_back_patiently(self, remedy: Remedy) -> None:
        """Roll back, and try until the broker lets us."""
        deadline = time.monotonic() + RECOVERY_SECONDS
        attempt = 0
        while not self._should_stop():
            self._metrics.loop_ticked()
            try:
                self._roll_back(remedy)
                return
            except (DeliveryFailed, ClientError) as failure:
                if time.monotonic() > deadline:
                    raise UnreachableError(
                        f"Kafka did not come back within {RECOVERY_SECONDS:.0f} s: {failure}"
                    ) from None
                wait = RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)]
                logger.warning("recovery failed, trying again in %s s: %s", wait, failure)
                time.sleep(wait)
                attempt += 1
                remedy = Remedy.NEW_PRODUCER

    def _hold_for(self, failure: RegistryUnavailableError) -> None:
        """Go back to what is committed, and read nothing until the schema registry answers."""
        logger.warning("waiting for the schema registry: %s", failure)
        self._unanswered = failure
        self._next_question, self._questions = 0.0, 0
        self._pending_remedy = Remedy.ABORT  # the batch was decoded in part: nothing may be committed
        self._roll_back_patiently(Remedy.ABORT)

    def _ask_again(self, unanswered: RegistryUnavailableError) -> None:
        """One turn of waiting: the member stays in its group, since reading serves the group too."""
        if time.monotonic() >= self._next_question:
            try:
                unanswered.ask_again()
            except RegistryUnavailableError as failure:
                wait = RETRY_SECONDS[min(self._questions, len(RETRY_SECONDS) - 1)]
                self._questions += 1
                self._next_question = time.monotonic() + wait
                logger.warning(
                    "still waiting for the schema registry, asking again in %s s: %s", wait, failure
                )
            else:
                logger.info("the schema registry answers again")
                self._unanswered = None
                return
        if self._source.read(1, IDLE_SECONDS):
            self._pending_remedy = Remedy.ABORT  # it slipped past the pause: it must be read again
        self._report()

    def _roll_back(self, remedy: Remedy) -> None:
        """Drop what is not committed, here and in every partition."""
        self._pending_remedy = remedy  # until it has worked
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
            self._memory_alarm.check(report_status(self._metrics, self._assignment, self._source))

    def _end(self) -> None:
        """Leave the group in order: closing revokes, and revoking commits and saves."""
        try:
            self._source.close()
        except (StreamRcfError, ClientError) as failure:
            logger.error("leaving the group was not orderly: %s", failure)
        finally:
            try:
                self._publisher.close()
            finally:
                self._checkpoints.close(HANDOVER_SECONDS)
        logger.info("stopped")
