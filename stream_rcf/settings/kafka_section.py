"""The settings about Kafka: where, as whom, which topics, and with what guarantee."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from stream_rcf.settings.base import Section, WholeNumber
from stream_rcf.settings.kafka_properties import refusals

TOPIC_NAME = re.compile(r"[a-zA-Z0-9._-]{1,249}")  # Kafka's own rule
BROKER = re.compile(r"(?:\w+://)?(?:\[[0-9a-fA-F:.]+\]|[^\s,:/\[\]]+)(?::[0-9]{1,5})?")
TOPIC_FIELDS = (
    "input_topic",
    "scores_topic",
    "alerts_topic",
    "dead_letter_topic",
    "feedback_topic",
    "control_topic",
)
MAX_COMMIT_INTERVAL_MS = 5_000  # a transaction lives about this long, and the broker ends one after 15 s
MAX_INSTANCE_ID = 240  # characters; Kafka allows 249, and a worker adds its number
MAX_BATCH_SIZE = 100_000  # events; a batch is held in memory and must be scored well within a transaction


class KafkaSettings(Section):
    """The cluster, the consumer group and the topics."""

    bootstrap_servers: str = Field(
        default="localhost:9092", description="brokers to ask first: host:port, several by commas"
    )
    group_id: str = Field(
        default="stream-rcf", min_length=1, max_length=249, description="the consumer group to share work in"
    )
    group_protocol: Literal["classic", "consumer"] = Field(
        default="classic",
        description="how the group shares partitions: classic, or consumer (KIP-848, Kafka 4)",
    )
    group_instance_id: str = Field(
        default="",
        max_length=MAX_INSTANCE_ID,
        description="this process's own name in the group, for static membership: it may restart without a "
        "rebalance; workers add -0, -1 and so on; empty: the group gives it one",
    )
    delivery: Literal["exactly_once", "at_least_once"] = Field(
        default="exactly_once",
        description="outputs and offsets in one transaction, or outputs that may repeat after a crash",
    )
    transactional_id: str = Field(
        default="",
        max_length=249,
        description="name of the producer's transactions, unique to a process; empty: derived",
    )
    input_topic: str = Field(
        default="events", description="the topic to read; one that begins with ^ is a pattern of names"
    )
    scores_topic: str = Field(default="scores", description="the topic for a score of each event")
    alerts_topic: str = Field(default="alerts", description="the topic for the anomalies among them")
    dead_letter_topic: str = Field(
        default="dead-letters", description="the topic for events that cannot be scored"
    )
    feedback_topic: str = Field(
        default="",
        description="the topic on which people say which alerts were none and what was missed; empty: none",
    )
    control_topic: str = Field(
        default="", description="the topic on which maintenance is announced; empty: none"
    )
    start_from: Literal["earliest", "latest"] = Field(
        default="earliest", description="where a group without committed offsets begins"
    )
    commit_interval_ms: WholeNumber = Field(
        default=100,
        ge=1,
        le=MAX_COMMIT_INTERVAL_MS,
        description="time between commits, after which readers see the outputs",
    )
    batch_size: WholeNumber = Field(
        default=1000, ge=1, le=MAX_BATCH_SIZE, description="most events scored at once"
    )
    properties: dict[str, str] = Field(
        default_factory=dict,
        repr=False,
        description="further librdkafka options, such as security.protocol; secrets are never printed",
        json_schema_extra={"allowed": "a map from librdkafka's option names to values", "secret": True},
    )

    @property
    def takes_feedback(self) -> bool:
        """Whether a topic is named on which people tell the service something."""
        return bool(self.feedback_topic or self.control_topic)

    @field_validator("bootstrap_servers")
    @classmethod
    def _check_brokers(cls, servers: str) -> str:
        for server in servers.split(","):
            if BROKER.fullmatch(server.strip()) is None:
                raise ValueError("must be brokers as host:port, separated by commas")
        return servers

    @field_validator("group_id", "transactional_id")
    @classmethod
    def _check_name(cls, name: str) -> str:
        if not (
            name.isascii() and name.isprintable()
        ):  # the client refuses to commit for any other, after the start
            raise ValueError("must be printable ASCII characters")
        return name

    @field_validator("group_instance_id")
    @classmethod
    def _check_instance_id(cls, name: str) -> str:
        if name and (name in {".", ".."} or TOPIC_NAME.fullmatch(name) is None):
            raise ValueError("must be letters, digits, dots, underscores and hyphens, or empty")
        return name

    @field_validator("input_topic")
    @classmethod
    def _check_input(cls, topic: str) -> str:
        if not topic.startswith("^"):
            return _check_topic(topic)
        if topic == "^":
            raise ValueError("must be a topic, or a pattern with something after its ^")
        try:
            re.compile(topic)
        except re.error as error:
            raise ValueError(
                f"must be a topic or a regular expression, and this one is not: {error}"
            ) from error
        return topic

    @field_validator("feedback_topic", "control_topic")
    @classmethod
    def _check_notices(cls, topic: str, info: ValidationInfo) -> str:
        return cls._check_output(topic, info) if topic else topic

    @field_validator("scores_topic", "alerts_topic", "dead_letter_topic")
    @classmethod
    def _check_output(cls, topic: str, info: ValidationInfo) -> str:
        _check_topic(topic)
        for name in TOPIC_FIELDS:
            other = info.data.get(name)  # absent where that one is already refused, or comes later
            if other == topic:
                raise ValueError(f"must differ from kafka.{name}")
            if (
                name == "input_topic"
                and other is not None
                and other.startswith("^")
                and re.search(other, topic)
            ):
                raise ValueError(
                    f"must not match the pattern of kafka.input_topic ({other}), or it would be read back"
                )
        return topic

    @field_validator("properties", mode="before")
    @classmethod
    def _flatten_properties(cls, properties: object) -> object:
        return _flat(properties) if isinstance(properties, Mapping) else properties

    @field_validator("properties")
    @classmethod
    def _check_properties(cls, properties: dict[str, str]) -> dict[str, str]:
        problems = refusals(properties)
        if problems:
            raise ValueError("\n".join(problems))
        return properties


def _check_topic(topic: str) -> str:
    if topic in {".", ".."} or TOPIC_NAME.fullmatch(topic) is None:
        raise ValueError("must be a topic's name: 1 to 249 letters, digits, dots, underscores and hyphens")
    return topic


def _flat(table: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Turn TOML's reading of ``linger.ms = 5``, a table in a table, back into the option it means."""
    options: dict[str, object] = {}
    for name, value in table.items():
        if isinstance(value, Mapping):
            options |= _flat(value, f"{prefix}{name}.")
        elif isinstance(value, bool):
            options[prefix + name] = "true" if value else "false"
        elif isinstance(value, int | float):
            options[prefix + name] = str(value)
        else:
            options[prefix + name] = value
    return options
