"""Which of librdkafka's options ``kafka.properties`` may hold, and which of them are secret.

What exactly-once delivery, order within a key or the group's bookkeeping rest on is refused by name: such an
option would not fail, it would quietly lose or repeat events.
"""

from __future__ import annotations

from collections.abc import Mapping

_OFFSETS = "offsets are committed with the outputs they belong to, never by the client on its own"
_ACKNOWLEDGED = (
    "an output counts only when all in-sync replicas have it; use kafka.delivery to choose the guarantee"
)
_IDEMPOTENT = "outputs are always written idempotently, in order and once per attempt"
_SERVICE = "the service decides this itself"

REFUSED: Mapping[str, str] = {
    "bootstrap.servers": "use kafka.bootstrap_servers",
    "metadata.broker.list": "use kafka.bootstrap_servers",
    "group.id": "use kafka.group_id",
    "group.instance.id": "use kafka.group_instance_id",
    "group.protocol": "use kafka.group_protocol",
    "group.protocol.type": "members of the group must be consumers",
    "transactional.id": "use kafka.transactional_id",
    "auto.offset.reset": "use kafka.start_from; a trimmed input is reported, never skipped over in silence",
    "isolation.level": "only committed input may be scored: an aborted event must not teach the model",
    "enable.auto.commit": _OFFSETS,
    "auto.commit.enable": _OFFSETS,
    "auto.commit.interval.ms": f"{_OFFSETS}; use kafka.commit_interval_ms",
    "enable.auto.offset.store": _OFFSETS,
    "offset.store.method": _OFFSETS,
    "offset.store.path": _OFFSETS,
    "offset.store.sync.interval.ms": _OFFSETS,
    "acks": _ACKNOWLEDGED,
    "request.required.acks": _ACKNOWLEDGED,
    "enable.idempotence": _IDEMPOTENT,
    "enable.gapless.guarantee": _IDEMPOTENT,
    "max.in.flight": _IDEMPOTENT,
    "max.in.flight.requests.per.connection": _IDEMPOTENT,
    "retries": _IDEMPOTENT,
    "message.send.max.retries": _IDEMPOTENT,
    "queuing.strategy": "a key's scores must be written in order",
    "partition.assignment.strategy": (
        "the service hands partitions over by range; kafka.group_protocol = consumer has another"
    ),
    "enable.partition.eof": _SERVICE,
    "delivery.report.only.error": _SERVICE,
    "produce.offset.report": _SERVICE,
    "statistics.interval.ms": "the service publishes its own metrics on /metrics",
    "enabled_events": _SERVICE,
    "log.queue": "the client's messages go to the service's log",
    "opaque": "it is for programs in C",
    "test.mock.num.brokers": "it replaces Kafka by a broker that keeps nothing; use stream-rcf demo",
    "test.mock.broker.rtt": "it is for tests of the client; use stream-rcf demo",
}
_REFUSED_ENDINGS = {
    "_cb": "callbacks cannot be given as text",
    "on_delivery": "callbacks cannot be given as text",
    "on_commit": "callbacks cannot be given as text",
    "logger": "use logging.level and logging.format",
    "default_topic_conf": "topic options stand beside the others",
}
_REFUSED_BEGINNINGS = {"default.topic.config": "topic options stand beside the others"}
# Any other partitioner spreads a key's records over partitions, where readers see them out of order.
ORDERLY_PARTITIONERS = frozenset(
    {"consistent", "consistent_random", "murmur2", "murmur2_random", "fnv1a", "fnv1a_random"}
)

_SECRET_PARTS = ("password", "secret", "token", "oauthbearer.config", "jaas", "private", "passphrase")
MASK = "********"


def refusals(properties: Mapping[str, str]) -> list[str]:
    """Return a sentence's end for each option that may not be set, in the order given."""
    found: list[str] = []
    for name, value in properties.items():
        reason = _why_refused(name.lower())
        if reason is not None:
            found.append(f"must not hold {name}: {reason}")
        elif name.lower() == "partitioner" and value not in ORDERLY_PARTITIONERS:
            allowed = " or ".join(sorted(ORDERLY_PARTITIONERS))
            found.append(
                f"must not set partitioner to {value}: a key's records must stay in order; use {allowed}"
            )
    return found


def is_secret(name: str) -> bool:
    """Tell whether the option's value must not be printed."""
    lowered = name.lower()
    if lowered.endswith(".location") or lowered == "ssl.ca.pem":  # a path, and public certificates
        return False
    return lowered.endswith(".pem") or any(part in lowered for part in _SECRET_PARTS)


def masked(properties: Mapping[str, str]) -> dict[str, str]:
    """Return the properties as they may be printed."""
    return {name: MASK if is_secret(name) else value for name, value in properties.items()}


def _why_refused(name: str) -> str | None:
    if name in REFUSED:
        return REFUSED[name]
    for ending, reason in _REFUSED_ENDINGS.items():
        if name.endswith(ending):
            return reason
    for beginning, reason in _REFUSED_BEGINNINGS.items():
        if name.startswith(beginning):
            return reason
    return None
