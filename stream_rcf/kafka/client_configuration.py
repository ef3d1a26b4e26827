"""From settings to librdkafka's dictionaries. What exactly-once rests on is set here and cannot be overridden."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException

from stream_rcf.errors import UsageError
from stream_rcf.kafka.client_security import security_options
from stream_rcf.settings.model import Settings

# A joining or leaving member is noticed within one: measured 0.5 s against 3 s at the default.
HEARTBEAT_MS = 500
SESSION_TIMEOUT_MS = 6_000  # a crashed member's partitions move after this; brokers accept no less by default
# A member with a name of its own may restart within this without a rebalance: its start takes some seconds. After a
# crash it takes its own partitions back at once, so that only those of a lost machine wait so long.
STATIC_SESSION_TIMEOUT_MS = 30_000
MAX_POLL_INTERVAL_MS = 300_000  # the longest pause of the loop before the group gives its partitions away
# A dead producer's open transaction holds readers back this long; batches take < 1 s.
TRANSACTION_TIMEOUT_MS = 15_000
QUEUE_KILOBYTES = 16_384  # prefetch of all partitions together; more only hides lag inside the client
# Of one partition: the prefetch is one queue, in which the others' messages wait behind those of one far behind.
QUEUED_MESSAGES = 4_000
# One answer of a broker, by which the prefetch may exceed its bound, and one partition's share of it. Larger messages
# still come, alone.
FETCH_BYTES = 8 * 2**20
PARTITION_FETCH_BYTES = 2**17
FETCH_BACKOFF_MS = 20  # after the prefetch queue was full; the default of 1 s starves a fast loop
# How long outputs wait for more to go with them. Readers see those of a transaction when it ends, and that flushes;
# others they see at once, so there it is no longer than it takes to queue a batch.
LINGER_MS = {"exactly_once": 5, "at_least_once": 1}
PRODUCER_QUEUE_KILOBYTES = 65_536  # outputs not yet acknowledged; a full queue makes the loop wait

# Options that only one kind of client knows; the other would warn about each of them at every start.
CONSUMER_ONLY = (
    "session.",
    "heartbeat.",
    "group.",
    "partition.assignment.",
    "queued.",
    "fetch.",
    "max.poll.",
    "check.crcs",
)
PRODUCER_ONLY = (
    "linger.",
    "batch.",
    "compression.",
    "queue.buffering.",
    "transaction.",
    "message.timeout.",
    "message.send.",
    "delivery.",
    "retries",
    "retry.",
    "sticky.",
    "partitioner",
)

client_logger = logging.getLogger("librdkafka")  # the client's own messages, in our format
Client = TypeVar("Client")
Callback = Callable[..., None]


def new_client(kind: Callable[[dict[str, Any]], Client], configuration: dict[str, Any]) -> Client:
    """Make a client. Raises ``UsageError`` for what librdkafka does not accept: only it knows all its options."""
    try:
        return kind(configuration)
    except (KafkaException, ValueError, TypeError) as failure:
        error = failure.args[0] if failure.args else failure
        what = error.str() if isinstance(error, KafkaError) else str(error)
        raise UsageError(f"kafka.properties, or security: {what}") from None


def client_configuration(
    settings: Settings, without: tuple[str, ...] = (*CONSUMER_ONLY, *PRODUCER_ONLY)
) -> dict[str, Any]:
    """What every client gets: the brokers, who we are, our logger, and the properties not like one of ``without``.

    It holds secrets in clear: for a client, not for a log.
    """
    properties = settings.kafka.properties
    return {
        **{name: value for name, value in properties.items() if not name.startswith(without)},
        **security_options(settings.security),
        "bootstrap.servers": settings.kafka.bootstrap_servers,
        "logger": client_logger,
    }


def consumer_configuration(
    settings: Settings, on_error: Callback, on_commit: Callback | None = None
) -> dict[str, Any]:
    """The consumer: no automatic commits, committed input only, and a loud end when the log was trimmed.

    ``on_commit`` hears the results of commits that nobody waits for.
    """
    configuration = {
        "queued.max.messages.kbytes": QUEUE_KILOBYTES,
        "queued.min.messages": QUEUED_MESSAGES,
        "fetch.max.bytes": FETCH_BYTES,
        "max.partition.fetch.bytes": PARTITION_FETCH_BYTES,
        "fetch.queue.backoff.ms": FETCH_BACKOFF_MS,
        "max.poll.interval.ms": MAX_POLL_INTERVAL_MS,
        **client_configuration(settings, PRODUCER_ONLY),
        "group.id": settings.kafka.group_id,
        "group.protocol": settings.kafka.group_protocol,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "isolation.level": "read_committed",
        "auto.offset.reset": "error",
        "enable.partition.eof": False,
        "error_cb": on_error,
    }
    if on_commit is not None:
        configuration["on_commit"] = on_commit
    name = settings.kafka.group_instance_id
    if name:
        configuration["group.instance.id"] = name
    if settings.kafka.group_protocol == "classic":
        configuration.setdefault("heartbeat.interval.ms", HEARTBEAT_MS)
        configuration.setdefault(
            "session.timeout.ms", STATIC_SESSION_TIMEOUT_MS if name else SESSION_TIMEOUT_MS
        )
        configuration.setdefault("partition.assignment.strategy", "range")
    return configuration


def max_poll_seconds(settings: Settings) -> float:
    """The longest pause of the loop before the group gives its partitions away; of settings that a client accepted."""
    return int(settings.kafka.properties.get("max.poll.interval.ms", MAX_POLL_INTERVAL_MS)) / 1000


def producer_configuration(
    settings: Settings, transactional_id: str | None, on_error: Callback, on_delivery: Callback
) -> dict[str, Any]:
    """The producer: idempotent always, transactional with an id. Delivery reports come for failures only."""
    configuration = {
        "linger.ms": LINGER_MS[settings.kafka.delivery],
        "queue.buffering.max.kbytes": PRODUCER_QUEUE_KILOBYTES,
        "queue.buffering.max.messages": 1_000_000,
        "compression.type": "lz4",
        "partitioner": "murmur2_random",  # Java's: a key lands on the partition other producers expect
        **client_configuration(settings, CONSUMER_ONLY),
        "enable.idempotence": True,
        "delivery.report.only.error": True,
        "on_delivery": on_delivery,
        "error_cb": on_error,
    }
    if transactional_id is not None:
        configuration["transactional.id"] = transactional_id
        configuration.setdefault("transaction.timeout.ms", TRANSACTION_TIMEOUT_MS)
    return configuration
