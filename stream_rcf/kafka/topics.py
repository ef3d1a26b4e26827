"""Topics: whether they are there, and making those that settings name."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import NamedTuple

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin._metadata import ClusterMetadata
from confluent_kafka.cimpl import NewTopic

from stream_rcf.errors import StreamRcfError, UsageError
from stream_rcf.kafka.failures import kafka_error
from stream_rcf.kafka.first_contact import ask_brokers
from stream_rcf.kafka.notice_topics import notice_topics
from stream_rcf.kafka.rights import denial, is_denial, needed_on_topics, require_topic_rights
from stream_rcf.settings.model import Settings

logger = logging.getLogger(__name__)

METADATA_TIMEOUT = 15.0  # s: for a broker to answer at start-up
CREATE_TIMEOUT = 30.0  # s
WEEK_MS = 7 * 24 * 3600 * 1000
MONTH_MS = 30 * 24 * 3600 * 1000
DEAD_LETTER_BYTES = 2 * 1024 * 1024  # dead letters may be the largest input and its headers


class TopicPlan(NamedTuple):
    """A topic as ``topics create`` makes it."""

    name: str
    partitions: int
    configuration: dict[str, str]


def topic_plans(settings: Settings, partitions: int) -> list[TopicPlan]:
    """The topics that settings name, inputs first. A pattern cannot be created and is left out.

    Scores and alerts are kept, not compacted: every one counts. Alerts and dead letters are few and kept for longer.
    """
    kafka = settings.kafka
    plans = [
        TopicPlan(kafka.scores_topic, partitions, {"retention.ms": str(WEEK_MS), "cleanup.policy": "delete"}),
        TopicPlan(
            kafka.alerts_topic, partitions, {"retention.ms": str(MONTH_MS), "cleanup.policy": "delete"}
        ),
        TopicPlan(
            kafka.dead_letter_topic,
            partitions,
            {
                "retention.ms": str(MONTH_MS),
                "cleanup.policy": "delete",
                "max.message.bytes": str(DEAD_LETTER_BYTES),
            },
        ),
    ]
    # One partition, so that what is said has an order; and for good, since effects are worked out from all of it.
    for name in filter(None, notice_topics(settings)):
        plans.append(
            TopicPlan(name, 1, {"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete"})
        )
    if not kafka.input_topic.startswith("^"):
        plans.insert(0, TopicPlan(kafka.input_topic, partitions, {"retention.ms": str(WEEK_MS)}))
    return plans


def existing_topics(settings: Settings) -> dict[str, int]:
    """Topic to number of partitions, of those that we may see. Raises ``UnreachableError`` when no broker answers."""
    return _existing(ask_brokers(settings, METADATA_TIMEOUT)[1])


def _existing(known: ClusterMetadata) -> dict[str, int]:
    return {name: len(topic.partitions) for name, topic in known.topics.items() if topic.error is None}


def create_topics(settings: Settings, partitions: int, replication: int) -> list[tuple[str, bool]]:
    """Create what is missing; (topic, whether it was created now) for each. Existing topics are left as they are."""
    client, known = ask_brokers(settings, METADATA_TIMEOUT)
    were_there = set(_existing(known))
    plans = topic_plans(settings, partitions)
    missing = [
        NewTopic(plan.name, plan.partitions, replication, config=plan.configuration)
        for plan in plans
        if plan.name not in were_there
    ]
    if missing:
        for name, future in client.create_topics(missing, request_timeout=CREATE_TIMEOUT).items():
            try:
                future.result()
            except KafkaException as failure:
                error = kafka_error(failure)
                if is_denial(error):
                    raise denial(error, settings, f"CREATE on topic {name}") from None
                if error.code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise StreamRcfError(f"topic {name} could not be created: {error.str()}") from None
                were_there.add(name)  # one that we may not see, or somebody was faster
    return [(plan.name, plan.name not in were_there) for plan in plans]


def require_topics(settings: Settings) -> None:
    """Raise ``UsageError`` naming the missing topics: a typing error must not look like an empty stream.

    Raises ``AccessDenied`` naming the rights on topics that are missing, ``UnreachableError`` when no broker answers.
    """
    client, known = ask_brokers(settings, METADATA_TIMEOUT)
    existing = _existing(known)
    _require_one_partition(settings, existing)
    pattern = settings.kafka.input_topic
    inputs = [name for name in existing if re.match(pattern, name)] if pattern.startswith("^") else [pattern]
    if not inputs:
        logger.warning("no topic matches kafka.input_topic %s yet; waiting for one", pattern)
    needed = dict.fromkeys(inputs, "READ") | needed_on_topics(settings)
    missing = {name for name in needed if name not in existing}
    if known.controller_id in known.brokers:  # the embedded broker has none, and knows of no rights
        missing = require_topic_rights(client, settings, needed)
    if missing:
        named = [name for name in needed if name in missing]
        raise UsageError(
            f"missing on {settings.kafka.bootstrap_servers}: {', '.join(named)}. "
            "Create them with `stream-rcf topics create`, or correct the kafka.*_topic settings"
        )


def _require_one_partition(settings: Settings, existing: Mapping[str, int]) -> None:
    for field, name in zip(("feedback_topic", "control_topic"), notice_topics(settings), strict=True):
        if existing.get(name, 1) != 1:
            raise UsageError(
                f"kafka.{field}: topic {name} has {existing[name]} partitions, but must have one, in which everything "
                "has its order. Name another topic, and let `stream-rcf topics create` make it"
            )
