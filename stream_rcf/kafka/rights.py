"""Kafka's refusals in a person's words: which right is missing, on what.

The rights that the service needs are in the README, section Security. Those on topics are asked for at the start; the
broker tells of the others only by refusing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclOperation

from stream_rcf.errors import StreamRcfError
from stream_rcf.kafka.client_configuration import client_configuration, new_client
from stream_rcf.kafka.failures import kafka_error
from stream_rcf.settings.model import Settings

logger = logging.getLogger(__name__)

DESCRIBE_TIMEOUT = 10.0  # s
WHERE_LISTED = "The README lists all rights that are needed, under Security"
DENIALS = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
}


class AccessDenied(StreamRcfError):
    """Kafka knows us and forbids something that the service cannot do without. Trying again is of no use.

    ``missing`` are the rights, where they are known one by one.
    """

    def __init__(self, sentence: str, missing: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.missing = list(missing)


def is_denial(error: KafkaError) -> bool:
    """Tell whether the broker's authoriser said no."""
    return error.code() in DENIALS


def denial(
    error: KafkaError, settings: Settings, topic_right: str = "", transactional_id: str = ""
) -> AccessDenied:
    """Return what to raise for a denial.

    ``topic_right`` is what was tried should a topic be the reason, such as ``WRITE on topic scores``. Empty where the
    client does not tell: then the broker is asked.
    """
    missing = {
        KafkaError.TOPIC_AUTHORIZATION_FAILED: topic_right,
        KafkaError.GROUP_AUTHORIZATION_FAILED: f"READ on group {settings.kafka.group_id}",
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: f"WRITE on transactional id {transactional_id}",
        KafkaError.CLUSTER_AUTHORIZATION_FAILED: "IDEMPOTENT_WRITE on the cluster",
    }[error.code()]
    return AccessDenied(f"{_refused(settings, [missing] if missing else _ask(settings))} ({error.str()})")


def _ask(settings: Settings) -> list[str]:
    """The rights on topics that are missing now, or all that may be."""
    needed = needed_on_topics(settings)
    try:
        require_topic_rights(new_client(AdminClient, client_configuration(settings)), settings, needed)
    except AccessDenied as found:
        return found.missing
    except StreamRcfError as failure:
        logger.info("the broker does not say which right is missing: %s", failure)
    return [f"one of {', '.join(f'{right} on topic {topic}' for topic, right in needed.items())}"]


def needed_on_topics(settings: Settings) -> dict[str, str]:
    """READ or WRITE by topic; without the inputs where they are given as a pattern."""
    kafka = settings.kafka
    outputs = (kafka.scores_topic, kafka.alerts_topic, kafka.dead_letter_topic)
    inputs = [] if kafka.input_topic.startswith("^") else [kafka.input_topic]
    inputs += filter(None, (kafka.feedback_topic, kafka.control_topic))
    return dict.fromkeys(inputs, "READ") | dict.fromkeys(outputs, "WRITE")


@contextmanager
def reading_is_allowed(settings: Settings) -> Iterator[None]:
    """Turn a client exception of the block into ``AccessDenied`` where it is a denial; any other goes through."""
    try:
        yield
    except KafkaException as failure:
        error = kafka_error(failure)
        if is_denial(error):
            raise denial(error, settings, input_right(settings)) from None
        raise


def input_right(settings: Settings) -> str:
    """The right that reading needs."""
    return f"READ on topic {settings.kafka.input_topic}"


def require_topic_rights(client: AdminClient, settings: Settings, needed: Mapping[str, str]) -> set[str]:
    """Ask the broker what we may do with these topics; return those that do not exist.

    ``needed`` is READ or WRITE by topic. Raises ``AccessDenied`` that names every missing right at once. A broker
    without an authoriser allows everything.
    """
    answers = client.describe_topics(
        TopicCollection(sorted(needed)), include_authorized_operations=True, request_timeout=DESCRIBE_TIMEOUT
    )
    absent: set[str] = set()
    missing: list[str] = []
    for topic, answer in answers.items():
        try:
            operations = answer.result().authorized_operations
        except KafkaException as failure:
            error = kafka_error(failure)
            if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                absent.add(topic)
            elif error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
                missing.append(f"{needed[topic]} on topic {topic}")  # it may as well not exist
            else:
                raise StreamRcfError(f"topic {topic} could not be described: {error.str()}") from None
        else:
            if operations is not None and AclOperation[needed[topic]] not in operations:
                missing.append(f"{needed[topic]} on topic {topic}")
    if missing:
        raise AccessDenied(_refused(settings, sorted(missing)), sorted(missing))
    return absent


def _refused(settings: Settings, missing: list[str]) -> str:
    user = settings.security.username or settings.kafka.properties.get("sasl.username", "")
    who = f"the user {user}" if user else "us"
    verb = "is" if len(missing) == 1 else "are"
    return (
        f"Kafka at {settings.kafka.bootstrap_servers} denies {who} access: {', '.join(missing)} {verb} missing. "
        + WHERE_LISTED
    )
