"""Checkpoints in an S3 server that fails: the stream goes on, the age of the checkpoint says so, and it catches up."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.test_end_to_end import feed
from tests.service.test_run import ask, port_of
from tests.support.broker import KafkaBroker
from tests.support.faulty_http import FaultyProxy, hang, refuse
from tests.support.s3_server import SECRET_KEY, S3Server
from tests.support.service import (
    Service,
    Topics,
    assert_same_as_offline,
    make_events,
    offline_rows,
    wait_for_outputs,
)

EVENTS, KEYS, PARTITIONS = 6000, 60, 3
SMALL = {"forest__trees": 5, "forest__sample_size": 32, "forest__shingle_size": 2}
SET = tuple(f"{name.replace('__', '.')}={value}" for name, value in SMALL.items())
OUTAGE_SECONDS = 6.0  # several intervals of a second
EventList = list[tuple[bytes, bytes, int, int]]


@pytest.fixture(scope="module")
def events() -> EventList:
    return make_events(EVENTS, KEYS, PARTITIONS, seed=30)


@pytest.fixture(scope="module")
def rows(events: EventList, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    values = [value for _, value, _, _ in events]
    return offline_rows(values, tmp_path_factory.mktemp("offline"), *SET)


@pytest.fixture
def storage() -> Iterator[tuple[S3Server, FaultyProxy]]:
    with S3Server() as server, FaultyProxy(server.port) as proxy:
        yield server, proxy


def environment_of(
    topics: Topics, storage: tuple[S3Server, FaultyProxy], word: str, path: Path
) -> dict[str, str]:
    server, proxy = storage
    settings = topics.environment(path, **SMALL)
    settings["STREAM_RCF_CHECKPOINT__URL"] = server.url(word)
    return {**settings, **server.environment(proxy.endpoint)}


def oldest_checkpoint_seconds(service: Service) -> float:
    """The greatest age of a partition's checkpoint, by the metrics."""
    text = ask(port_of(service), "/metrics")[1].decode()
    ages = re.findall(r"^stream_rcf_checkpoint_age_seconds\{.*\} (\S+)$", text, re.MULTILINE)
    return max(float(age) for age in ages)


def wait_for_age(service: Service, below: float, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while oldest_checkpoint_seconds(service) >= below:
        assert time.monotonic() < deadline, f"the checkpoints stay {oldest_checkpoint_seconds(service)} s old"
        time.sleep(0.2)


@pytest.mark.parametrize("fault", [refuse(503), hang], ids=["refuses", "hangs"])
def test_the_stream_goes_on_while_storage_is_down_and_checkpoints_catch_up(
    broker: KafkaBroker,
    events: EventList,
    rows: list[dict[str, str]],
    storage: tuple[S3Server, FaultyProxy],
    tmp_path: Path,
    fault: object,
    request: pytest.FixtureRequest,
) -> None:
    word = f"s3-{request.node.callspec.id}"
    topics = Topics(broker, word, PARTITIONS)
    environment = environment_of(topics, storage, word, tmp_path)
    _, proxy = storage
    with Service(environment, tmp_path / "log") as service:
        service.wait_for("partition loaded")
        half = EVENTS // 2
        feed(topics, events[:half], 4.0).join()
        wait_for_outputs(topics, half, [service])
        wait_for_age(service, below=5.0)
        proxy.plan(fault, times=math.inf)
        feeding = feed(topics, events[half:], OUTAGE_SECONDS)
        wait_for_outputs(topics, EVENTS, [service])  # scores come though nothing can be saved
        feeding.join()
        time.sleep(OUTAGE_SECONDS)
        assert oldest_checkpoint_seconds(service) > OUTAGE_SECONDS - 1.0
        proxy.heal()
        wait_for_age(service, below=5.0)
        service.kill()
    with Service(environment, tmp_path / "log-again") as service:
        service.wait_for("partition loaded")
        assert service.stop() == 0
    assert SECRET_KEY not in (tmp_path / "log").read_text() + (tmp_path / "log-again").read_text()
    assert_same_as_offline(topics, [value for _, value, _, _ in events], rows)


def test_kills_with_checkpoints_in_storage_change_nothing(
    broker: KafkaBroker,
    events: EventList,
    rows: list[dict[str, str]],
    storage: tuple[S3Server, FaultyProxy],
    tmp_path: Path,
) -> None:
    topics = Topics(broker, "s3-kills", PARTITIONS)
    environment = environment_of(topics, storage, "kills", tmp_path)
    feeding = feed(topics, events, 12.0)
    for attempt in range(3):
        with Service(environment, tmp_path / f"log-{attempt}") as service:
            service.wait_for("partition loaded")
            time.sleep(2.0)
            service.kill()
    feeding.join()
    with Service(environment, tmp_path / "log-last") as service:
        service.wait_for("partition loaded")
        wait_for_outputs(topics, EVENTS, [service])
        assert service.stop() == 0
    assert_same_as_offline(topics, [value for _, value, _, _ in events], rows)


def test_storage_that_is_not_there_at_the_start_ends_the_service_with_3(
    broker: KafkaBroker, storage: tuple[S3Server, FaultyProxy], tmp_path: Path
) -> None:
    topics = Topics(broker, "s3-absent", PARTITIONS)
    environment = environment_of(topics, storage, "absent", tmp_path)
    environment["STREAM_RCF_CHECKPOINT__URL"] = "s3://no-such-bucket/checkpoints"
    with Service(environment, tmp_path / "log") as service:
        assert service.process.wait(60) == 3
        text = service.log.read_text()
    assert "no-such-bucket" in text
