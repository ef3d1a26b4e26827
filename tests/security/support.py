"""What the tests on the secured broker share: the rights that the README lists, and the service that has them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.machine import ROOT
from tests.support.secured_broker import PASSWORD, USER, Grant, SecuredBroker
from tests.support.service import Service, Topics, make_events, wait_for_outputs

SMALL = {"forest__trees": 5, "forest__sample_size": 16, "forest__shingle_size": 2}
EVENTS = 400
KEYS = 5
PARTITIONS = 2
# For a service that is refused to end by itself: some seconds, more on two cores that do much else.
SOON_SECONDS = 90.0
ROW = re.compile(
    r"^\| (topic|group|transactional-id) \| `(kafka\.\w+)`( as a prefix)? \| ([A-Z_]+) \| .* \|$", re.M
)


def rights_of_the_readme(topics: Topics) -> list[Grant]:
    """The README's table, for the topics and the group of a test; without the topics that it does not have."""
    names = {
        "kafka.input_topic": topics.events,
        "kafka.scores_topic": topics.scores,
        "kafka.alerts_topic": topics.alerts,
        "kafka.dead_letter_topic": topics.dead_letters,
        "kafka.group_id": topics.group,
    }
    rows = ROW.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    # Which no test has that asks for the whole table.
    optional = {"kafka.feedback_topic", "kafka.control_topic"}
    return [
        Grant(kind, names[setting], operation, bool(prefix))
        for kind, setting, prefix, operation in rows
        if setting not in optional
    ]


@contextmanager
def granted(broker: SecuredBroker, grants: list[Grant]) -> Iterator[None]:
    """Give rights for the time of the block; those that the block itself takes away are left."""
    broker.grant(*grants)
    try:
        yield
    finally:
        broker.revoke_if_there(*grants)


def secured(topics: Topics, folder: Path, **settings: object) -> dict[str, str]:
    """The environment of a service that comes to the secured broker by SCRAM over TLS, its password in a file."""
    broker = topics.broker
    assert isinstance(broker, SecuredBroker)
    secrets = folder / "secrets"
    secrets.mkdir(exist_ok=True)
    (secrets / "stream_rcf_security__password").write_text(f"{PASSWORD}\n", encoding="utf-8")
    environment = topics.environment(
        folder / "checkpoints",
        **{
            **SMALL,
            "kafka__bootstrap_servers": broker.scram,
            "security__protocol": "sasl_ssl",
            "security__ca_file": broker.authority.ca_file,
            "security__sasl_mechanism": "scram-sha-512",
            "security__username": USER,
            "secrets_dir": secrets,
            **settings,
        },
    )
    return {name: value for name, value in environment.items() if value}


def produce(topics: Topics, count: int = EVENTS, seed: int = 1) -> None:
    """Write events into the input, as somebody who may."""
    topics.broker.produce(topics.events, make_events(count, KEYS, topics.partitions, seed))


def assert_all_scored(topics: Topics, service: Service, count: int = EVENTS) -> None:
    """Every event has its score, and the service ends in order."""
    wait_for_outputs(topics, count, [service])
    assert service.stop() == 0, service.log.read_text()[-3000:]
    assert len(topics.broker.read_all(topics.scores)) == count


def ended(service: Service) -> tuple[int, str]:
    """The exit code of a service that ends by itself, soon, and its last line."""
    code = service.process.wait(SOON_SECONDS)
    return code, service.log.read_text(encoding="utf-8").splitlines()[-1]
