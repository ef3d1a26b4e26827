"""Outputs and offsets, together: in one Kafka transaction, or flushed before the offsets are committed."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from stream_rcf.errors import StreamRcfError
from stream_rcf.kafka.bounded_call import call_within
from stream_rcf.kafka.client_configuration import new_client, producer_configuration
from stream_rcf.kafka.failures import CLIENT_FAILURES, DeliveryFailed, Remedy, kafka_error, remedy_for
from stream_rcf.kafka.publishing import Headers, Publisher
from stream_rcf.kafka.rights import denial, is_denial
from stream_rcf.settings.model import Settings

logger = logging.getLogger(__name__)

CALL_TIMEOUT = 30.0  # s: for a transactional call; longer than a broker restart, shorter than our patience
BATCH_BYTES = 1_000_000  # librdkafka's default for the outputs that it sends at once
QUEUE_FULL_WAIT = 0.05  # s: between attempts while the producer's queue is full
CALL_GRACE = 5.0  # s: beyond its own time-out, before a call is taken to hang
ABANDON_TIMEOUT = 5.0  # s: an abandoned producer may try to abort; the broker does it anyway


class _ClientPublisher:
    """What both ways of delivery share: the client, its queue, and its failures."""

    transactional_id: str | None = None

    def __init__(self, settings: Settings, batch_bytes: int = BATCH_BYTES) -> None:
        self._settings = settings
        self._batch_bytes = batch_bytes
        self._failure: KafkaError | None = None
        self._refusing_topic = ""  # of the failure, where it is about an output
        self._open = False
        self._producer = self._new_producer()

    @property
    def is_open(self) -> bool:
        return self._open

    @property
    def is_acknowledged(self) -> bool:
        return False

    def _new_producer(self) -> Producer:
        self._failure = None
        self._refusing_topic = ""
        self._open = False
        configuration = producer_configuration(
            self._settings, self.transactional_id, self._on_error, self._on_delivery
        )
        return new_client(Producer, {"batch.size": self._batch_bytes, **configuration})

    def _failed(self, during: str, error: KafkaError, remedy: Remedy) -> StreamRcfError:
        """What to raise: ``DeliveryFailed``, or ``AccessDenied``."""
        if not is_denial(error):
            return DeliveryFailed(during, error, remedy)
        topic = self._refusing_topic  # a transaction's own call does not tell it
        right = f"WRITE on topic {topic}" if topic else ""
        return denial(error, self._settings, right, self.transactional_id or "")

    def _on_error(self, error: KafkaError) -> None:
        logger.warning("Kafka producer: %s", error.str(), extra={"context": {"error": error.name()}})

    def _on_delivery(self, error: KafkaError | None, message: Message) -> None:
        """Only failures are reported; the first one says why the rest failed."""
        if error is not None and self._failure is None and error.code() not in _PURGED:
            self._failure = error
            self._refusing_topic = message.topic() or ""

    def publish(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Headers | None = None
    ) -> None:
        """Queue one output; a full queue makes the caller wait while the client sends."""
        deadline: float | None = None
        while True:
            try:
                if headers is None:
                    self._producer.produce(topic, value, key)
                else:
                    self._producer.produce(topic, value, key, headers=headers)
                return
            except BufferError:
                deadline = deadline or time.monotonic() + CALL_TIMEOUT
                if time.monotonic() > deadline:
                    full = KafkaError(KafkaError._QUEUE_FULL)  # noqa: SLF001
                    raise self._failed("publishing", full, Remedy.NEW_PRODUCER) from None
                self._serve(QUEUE_FULL_WAIT)
            except KafkaException as failure:
                error = kafka_error(failure)
                raise self._failed("publishing", error, remedy_for(error)) from None

    def _serve(self, seconds: float) -> None:
        """Let the client send and report."""
        try:
            self._producer.poll(seconds)
        except CLIENT_FAILURES as failure:
            raise self._failed("publishing", kafka_error(failure), Remedy.NEW_PRODUCER) from None

    def _flush(self) -> None:
        """Wait until every output is acknowledged."""
        try:
            remaining = self._producer.flush(CALL_TIMEOUT)
        except CLIENT_FAILURES as failure:
            raise self._failed("publishing", kafka_error(failure), Remedy.NEW_PRODUCER) from None
        if self._failure is not None:
            raise self._failed("publishing", self._failure, remedy_for(self._failure))
        if remaining:
            late = KafkaError(KafkaError._TIMED_OUT, f"{remaining} outputs unacknowledged")  # noqa: SLF001
            raise self._failed("publishing", late, Remedy.NEW_PRODUCER)


_PURGED = {KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT}  # noqa: SLF001 -- ours, from an abort


class TransactionalPublisher(_ClientPublisher):
    """Exactly once: outputs and offsets in one transaction, fenced by the consumer group's generation."""

    def __init__(self, settings: Settings, transactional_id: str, batch_bytes: int = BATCH_BYTES) -> None:
        self.transactional_id = transactional_id
        super().__init__(settings, batch_bytes)
        self._initialise()

    def _initialise(self) -> None:
        """Register the id: the broker aborts what a dead predecessor left open, and fences it."""
        try:
            self._producer.init_transactions(CALL_TIMEOUT)
        except KafkaException as failure:
            error = kafka_error(failure)
            raise self._failed("initialising transactions", error, Remedy.NEW_PRODUCER) from None

    def begin(self) -> None:
        """Begin the transaction unless one is open."""
        if self._open:
            return
        try:
            self._producer.begin_transaction()
        except KafkaException as failure:
            error = kafka_error(failure)
            raise self._failed("beginning a transaction", error, remedy_for(error)) from None
        self._open = True

    def commit(self, offsets: Sequence[TopicPartition], consumer: Consumer) -> None:
        """Commit the open transaction with the next ``offsets`` of the partitions that this member owns."""
        if not self._open:
            return
        if not offsets:
            # The broker would not check an empty list against the group, and so not notice that we were put out of it.
            gone = KafkaError(KafkaError._STATE, "the partitions of these outputs are gone")  # noqa: SLF001
            raise self._failed("committing a transaction", gone, Remedy.ABORT)
        self._flush()  # first: the coordinator is still busy right after a commit, and would make us back off 100 ms
        producer, metadata = self._producer, consumer.consumer_group_metadata()
        try:
            # It takes a time-out, and ignores it while the group's coordinator is out of reach (librdkafka #5456).
            call_within(
                CALL_TIMEOUT + CALL_GRACE,
                lambda: producer.send_offsets_to_transaction(list(offsets), metadata, CALL_TIMEOUT),
            )
            producer.commit_transaction(CALL_TIMEOUT)
        except KafkaException as failure:
            error = kafka_error(failure)
            raise self._failed("committing a transaction", error, remedy_for(error)) from None
        self._open = False

    def commit_soon(self, offsets: Sequence[TopicPartition], consumer: Consumer) -> None:
        """Commit: a transaction is over only when it is confirmed."""
        self.commit(offsets, consumer)

    def recover(self, remedy: Remedy) -> None:
        """Abort, or begin again with a new producer; either way nothing uncommitted stays visible."""
        if remedy is Remedy.ABORT:
            if not self._open:
                return
            try:
                self._producer.abort_transaction(CALL_TIMEOUT)
                self._failure = None
                self._open = False
                return
            except KafkaException as failure:
                logger.warning(
                    "aborting a transaction failed: %s; beginning a new producer", kafka_error(failure).str()
                )
        _abandon(self._producer)
        self._producer = self._new_producer()
        self._initialise()

    def close(self) -> None:
        """Abort what is open."""
        if self._open:
            try:
                self._producer.abort_transaction(ABANDON_TIMEOUT)
            except KafkaException as failure:
                logger.warning("aborting at the end failed: %s; the broker will", kafka_error(failure).str())
        _abandon(self._producer)


class FlushingPublisher(_ClientPublisher):
    """At least once: after a crash some outputs come again, byte for byte the same and with the same source offset."""

    def __init__(self, settings: Settings, batch_bytes: int = BATCH_BYTES) -> None:
        self._offered: dict[tuple[str, int], TopicPartition] = {}  # committed in passing, not known to stand
        super().__init__(settings, batch_bytes)

    @property
    def is_open(self) -> bool:
        """Whether anything may be uncommitted, what was committed in passing included."""
        return self._open or bool(self._offered)

    @property
    def is_acknowledged(self) -> bool:
        """Whether every output has arrived; one that failed has not, and ``commit_soon`` raises what it failed of."""
        self._serve(0.0)  # what failed is still counted as waiting until it is reported
        return len(self._producer) == 0 and self._failure is None

    def begin(self) -> None:
        """Note that offsets are about to move."""
        self._open = True

    def commit(self, offsets: Sequence[TopicPartition], consumer: Consumer) -> None:
        """Flush the outputs, then commit the offsets, those committed in passing once more."""
        if not self.is_open:
            return
        self._flush()
        final = {**self._offered, **{(entry.topic, entry.partition): entry for entry in offsets}}
        try:
            results = consumer.commit(offsets=list(final.values()), asynchronous=False) if final else ()
        except KafkaException as failure:
            raise self._failed("committing offsets", kafka_error(failure), Remedy.ABORT) from None
        for result in results or ():
            if result.error is not None:
                raise self._failed("committing offsets", result.error, Remedy.ABORT)
        self._offered = {}
        self._open = False

    def commit_soon(self, offsets: Sequence[TopicPartition], consumer: Consumer) -> None:
        """Flush the outputs, and send the offsets off; the next ``commit`` repeats them and shows what became of them.

        So a coordinator that hangs does not hold the outputs up: a commit that waits takes no time-out.
        """
        if not self._open:
            return
        self._flush()
        if offsets:
            try:
                consumer.commit(offsets=list(offsets), asynchronous=True)
            except KafkaException as failure:
                raise self._failed("committing offsets", kafka_error(failure), Remedy.ABORT) from None
            self._offered.update(((entry.topic, entry.partition), entry) for entry in offsets)
        self._open = False

    def recover(self, remedy: Remedy) -> None:
        """A new client after a failure; what was sent stays sent, and will come again the same."""
        if remedy is Remedy.NEW_PRODUCER:
            _abandon(self._producer)
            self._producer = self._new_producer()
        self._failure = None
        self._offered = {}
        self._open = False

    def close(self) -> None:
        """Let the client go; what is not committed will be published again by whoever reads it next."""
        _abandon(self._producer)


def _abandon(producer: Producer) -> None:
    """Drop what the client still holds, so that nothing is sent behind our back."""
    try:
        producer.purge(in_queue=True, in_flight=True, blocking=False)
        producer.flush(0)
    except CLIENT_FAILURES as failure:  # a producer that failed for good says so at every call
        logger.info("the abandoned producer says once more: %s", kafka_error(failure).str())


def new_publisher(settings: Settings, transactional_id: str, batch_bytes: int = BATCH_BYTES) -> Publisher:
    """The publisher for ``kafka.delivery``; a batch of outputs must fit the smallest limit of their topics."""
    if settings.kafka.delivery == "exactly_once":
        return TransactionalPublisher(settings, transactional_id, batch_bytes)
    return FlushingPublisher(settings, batch_bytes)
