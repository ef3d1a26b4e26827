"""What a Kafka error means for us: three answers, whatever the hundred codes."""

from __future__ import annotations

from enum import Enum

from confluent_kafka import KafkaError, KafkaException

from stream_rcf.errors import StreamRcfError


class Remedy(Enum):
    """What to do about a failed transactional call."""

    ABORT = "abort the transaction and read its input again"
    NEW_PRODUCER = "abandon the producer, begin a new one, and read the input again"


class DeliveryFailed(StreamRcfError):
    """Outputs could not be published or committed. The state of the partitions must be restored before going on."""

    def __init__(self, during: str, error: KafkaError, remedy: Remedy) -> None:
        super().__init__(f"{during} failed: {error.str()} ({error.name()})")
        self.remedy = remedy
        self.code = error.code()


# A producer that failed for good raises from any call; from one that serves delivery reports as a SystemError.
CLIENT_FAILURES = (KafkaException, SystemError)


def kafka_error(failure: BaseException) -> KafkaError:
    """The error within a client exception."""
    if isinstance(failure, SystemError) and failure.__cause__ is not None:
        return kafka_error(failure.__cause__)
    if isinstance(failure, KafkaException) and failure.args and isinstance(failure.args[0], KafkaError):
        return failure.args[0]
    return KafkaError(KafkaError._FAIL, str(failure))  # noqa: SLF001 -- the client publishes its local codes so


def remedy_for(error: KafkaError) -> Remedy:
    """A new producer for fencing and for time-outs, an abort for the rest.

    After a time-out the outcome is unknown and a late commit could land on the next transaction (KAFKA-17754, the
    client speaks the first transaction protocol): a new producer raises the epoch, which fences late packets.
    """
    if error.fatal() or error.code() in {KafkaError._TIMED_OUT, KafkaError._FENCED, KafkaError._STATE}:  # noqa: SLF001
        return Remedy.NEW_PRODUCER
    if error.txn_requires_abort():
        return Remedy.ABORT
    return Remedy.NEW_PRODUCER
