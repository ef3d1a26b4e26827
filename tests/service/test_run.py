"""``stream-rcf run`` as a process: its exit codes, its endpoints, and its end."""

from __future__ import annotations

import gc
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import uuid4

import orjson
import pytest

from stream_rcf.service.run import spare_the_collector
from tests.service.endpoint_support import ask, port_of, wait_until_ready
from tests.support.broker import KafkaBroker
from tests.support.service import COMMAND, START_OF_EVENTS, Service, Topics, make_events, wait_for_outputs

REFUSAL_SECONDS = 60.0  # from start to exit, kernels compiled before; 15 on a machine with nothing else to do
END_SECONDS = 15.0  # from SIGTERM to exit: a commit, a checkpoint and leaving the group
EVENTS = 300
SMALL = {"forest__trees": 5, "forest__sample_size": 16, "forest__shingle_size": 2}


def refused(environment: Mapping[str, str]) -> tuple[int, str]:
    """Exit code and last words of a service that must not start."""
    done = subprocess.run(
        [*COMMAND, "run"],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


@pytest.fixture
def topics(broker: KafkaBroker) -> Topics:
    return Topics(broker, f"run-{uuid4().hex[:8]}", partitions=2)


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that is bound and does not listen: nobody else gets it, and nobody answers there."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def test_an_unreachable_broker_ends_with_3_soon(closed_port: int) -> None:
    began = time.monotonic()
    code, words = refused(
        {
            "STREAM_RCF_KAFKA__BOOTSTRAP_SERVERS": f"127.0.0.1:{closed_port}",
            "STREAM_RCF_HTTP__PORT": "0",
        }
    )
    assert code == 3, words
    assert f"127.0.0.1:{closed_port}" in words
    assert "kafka.bootstrap_servers" in words
    assert time.monotonic() - began < REFUSAL_SECONDS


def test_missing_topics_end_with_2_and_are_named(topics: Topics, tmp_path: Path) -> None:
    environment = topics.environment(
        tmp_path, kafka__scores_topic="no-such-scores", kafka__alerts_topic="no-such-alerts"
    )
    code, words = refused(environment)
    assert code == 2, words
    assert "no-such-scores, no-such-alerts" in words
    assert topics.events not in words
    assert "stream-rcf topics create" in words


def test_a_port_in_use_ends_with_2(topics: Topics, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, words = refused(topics.environment(tmp_path, http__port=port))
    assert code == 2, words
    assert str(port) in words
    assert "http.port" in words


def test_bad_settings_end_with_2_all_named_at_once() -> None:
    code, words = refused(
        {
            "STREAM_RCF_FOREST__TREES": "none",
            "STREAM_RCF_KAFKA__DELIVERY": "at_most_once",
            "STREAM_RCF_HTTP__PORT": "-1",
        }
    )
    assert code == 2, words
    for name in ("forest.trees", "kafka.delivery", "http.port"):
        assert name in words


@pytest.mark.parametrize(
    ("name", "value"),
    [("no.such.option", "1"), ("batch.size", "many"), ("fetch.min.bytes", "many")],
    ids=["for all", "for the producer", "for the consumer"],
)
def test_options_that_the_client_refuses_end_with_2_and_are_named(
    topics: Topics, tmp_path: Path, name: str, value: str
) -> None:
    properties = orjson.dumps({name: value}).decode()
    code, words = refused(topics.environment(tmp_path, kafka__properties=properties))
    assert code == 2, words
    assert name in words


@pytest.mark.parametrize("url", ["ftp://somewhere/checkpoints", "s3://"])
def test_a_place_for_checkpoints_that_cannot_be_ends_with_2(topics: Topics, tmp_path: Path, url: str) -> None:
    code, words = refused(topics.environment(tmp_path, checkpoint__url=url))
    assert code == 2, words
    assert url in words


def test_a_folder_of_checkpoints_that_cannot_be_made_ends_the_service(topics: Topics, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder should be")
    code, words = refused(topics.environment(blocked / "checkpoints", **SMALL))
    assert code in {1, 3}, words
    assert "blocked" in words
    assert "which is a defect" not in words


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(topics: Topics, tmp_path: Path, number: signal.Signals) -> None:
    topics.broker.produce(topics.events, make_events(EVENTS, 5, 2, seed=1))
    environment = topics.environment(tmp_path / "checkpoints", checkpoint__interval_seconds=3600, **SMALL)
    with Service(environment, tmp_path / "log") as service:
        wait_for_outputs(topics, EVENTS, [service])
        began = time.monotonic()
        service.process.send_signal(number)
        assert service.process.wait(60) == 0
        assert time.monotonic() - began < END_SECONDS
        assert service.messages()[-1]["message"] == "stopped"
    committed = topics.broker.committed_offsets(topics.group, topics.events)
    assert sum(committed.values()) == EVENTS, "it left with everything committed"
    with Service(environment, tmp_path / "log-again") as service:
        service.wait_for("partition loaded")
        wait_until_ready(port_of(service))
        loaded = [entry for entry in service.messages() if entry.get("message") == "partition loaded"]
        assert all('"replay":0' in orjson.dumps(entry).decode() for entry in loaded), (
            "and with everything saved"
        )
        assert service.stop() == 0


def test_a_signal_while_nothing_happens_ends_it_too(topics: Topics, tmp_path: Path) -> None:
    with Service(topics.environment(tmp_path / "checkpoints", **SMALL), tmp_path / "log") as service:
        service.wait_for("partition loaded")
        began = time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - began < END_SECONDS


def test_a_signal_before_the_group_was_joined_ends_it_too(topics: Topics, tmp_path: Path) -> None:
    with Service(topics.environment(tmp_path / "checkpoints", **SMALL), tmp_path / "log") as service:
        service.wait_for("waiting for a share of the partitions")
        assert service.stop() == 0


def test_the_endpoints_answer_while_it_runs(topics: Topics, tmp_path: Path) -> None:
    with Service(topics.environment(tmp_path / "checkpoints", **SMALL), tmp_path / "log") as service:
        port = port_of(service)
        status, body = ask(port, "/live")
        assert status == 200, body
        status, body = ask(port, "/ready")
        assert status in {200, 503}
        if status == 503:
            assert orjson.loads(body)["reason"], "a person wants to know why"
        wait_until_ready(port)
        states = orjson.loads(ask(port, "/ready")[1])["partitions"]
        assert states == {f"{topics.events}[0]": "live", f"{topics.events}[1]": "live"}

        topics.broker.produce(topics.events, make_events(EVENTS, 5, 2, seed=1))
        topics.broker.produce(topics.events, [(b"k", b"{not json", 0, START_OF_EVENTS)])
        wait_for_outputs(topics, EVENTS + 1, [service])
        deadline = time.monotonic() + 30
        while b"stream_rcf_keys_in_memory 5.0" not in ask(port, "/metrics")[1]:
            assert time.monotonic() < deadline, ask(port, "/metrics")[1].decode()
            time.sleep(0.1)
        metrics = ask(port, "/metrics")[1].decode()
        for line in (
            f"stream_rcf_events_total {EVENTS + 1}.0",
            f"stream_rcf_scores_total {EVENTS}.0",
            'stream_rcf_dead_letters_total{error="invalid_json"} 1.0',
            'stream_rcf_partitions{state="live"} 2.0',
        ):
            assert line in metrics
        assert ask(port, "/elsewhere")[0] == 404
        assert service.stop() == 0
    with pytest.raises(OSError, match="refused"):
        ask(port, "/live")


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_members_that_share_the_work_are_both_ready(topics: Topics, tmp_path: Path, protocol: str) -> None:
    environment = topics.environment(tmp_path / "checkpoints", kafka__group_protocol=protocol, **SMALL)
    with (
        Service(environment, tmp_path / "log-first") as first,
        Service(environment, tmp_path / "log-second") as second,
    ):
        ports = [port_of(service) for service in (first, second)]
        deadline = time.monotonic() + 90
        while True:
            answers = [ask(port, "/ready") for port in ports]
            shares = [len(orjson.loads(body)["partitions"]) for _, body in answers]
            if [status for status, _ in answers] == [200, 200] and shares == [1, 1]:
                break
            assert time.monotonic() < deadline, answers
            time.sleep(0.1)
        assert second.stop() == 0
        deadline = time.monotonic() + 90
        while True:
            status, body = ask(ports[0], "/ready")
            if status == 200 and len(orjson.loads(body)["partitions"]) == 2:
                break
            assert time.monotonic() < deadline, body
            time.sleep(0.1)
        assert first.stop() == 0


def test_the_collector_looks_less_often_and_not_at_what_stays() -> None:
    thresholds = gc.get_threshold()
    try:
        spare_the_collector()
        assert gc.get_freeze_count() > 0
        assert gc.get_threshold()[0] == 50_000
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)
