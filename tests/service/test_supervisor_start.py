"""``stream-rcf run --workers N`` from the outside: what it refuses, what it holds, what its endpoints say."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import orjson
import pytest

from tests.service.endpoint_support import (
    ask,
    ask_document,
    port_of,
    wait_until,
    wait_until_ready,
    worker_pids,
)
from tests.support.broker import KafkaBroker
from tests.support.service import COMMAND, Service, Topics, make_events, wait_for_outputs

SMALL = {"forest__trees": 5, "forest__sample_size": 16, "forest__shingle_size": 2}
EVENTS = 300


@pytest.fixture
def topics(broker: KafkaBroker) -> Topics:
    return Topics(broker, f"supervised-{uuid4().hex[:8]}", partitions=4)


def refused(environment: Mapping[str, str]) -> tuple[int, str]:
    done = subprocess.run(
        [*COMMAND, "run", "--workers", "2"],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def test_bad_settings_end_with_2_before_any_worker_starts() -> None:
    code, words = refused({"STREAM_RCF_FOREST__TREES": "none"})
    assert code == 2
    assert "forest.trees" in words
    assert "worker started" not in words


def test_a_port_in_use_ends_with_2_before_any_worker_starts() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, words = refused({"STREAM_RCF_HTTP__PORT": str(taken.getsockname()[1])})
    assert code == 2
    assert "http.port" in words
    assert "worker started" not in words


def test_missing_topics_end_with_2_and_are_named_once(topics: Topics, tmp_path: Path) -> None:
    code, words = refused(topics.environment(tmp_path, kafka__scores_topic="no-such-scores"))
    assert code == 2, words
    assert words.count("missing on") == 1
    assert "no-such-scores" in words


def test_an_internal_argument_by_hand_is_refused_in_a_sentence() -> None:
    done = subprocess.run(
        [*COMMAND, "run", "--supervised", "nonsense"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "use --workers" in done.stderr


def test_the_supervisor_loads_neither_the_compiler_nor_the_client() -> None:
    program = (
        "import sys, stream_rcf.cli.run, stream_rcf.service.supervisor_start as start; "
        "print(sorted({'numba', 'numpy', 'confluent_kafka'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_one_address_speaks_for_all_workers(topics: Topics, tmp_path: Path) -> None:
    environment = topics.environment(tmp_path / "checkpoints", workers=2, **SMALL)
    with Service(environment, tmp_path / "log") as service:
        port = port_of(service)
        assert ask(port, "/live")[0] == 200, "young workers are no fault"
        wait_until_ready(port)

        def shares() -> list[str]:
            workers = ask_document(port, "/ready")["workers"]
            assert isinstance(workers, dict)
            return sorted(partition for number in "01" for partition in workers[number].get("partitions", ()))

        # Workers answer one after the other: a partition that moves between the two answers is in both.
        wait_until(lambda: shares() == [f"{topics.events}[{number}]" for number in range(4)])

        topics.broker.produce(topics.events, make_events(EVENTS, 8, 4, seed=1))
        wait_for_outputs(topics, EVENTS, [service])

        def scores() -> float:
            lines = ask(port, "/metrics")[1].decode().splitlines()
            return sum(
                float(line.split()[-1]) for line in lines if line.startswith("stream_rcf_scores_total{")
            )

        wait_until(lambda: scores() == EVENTS)
        logged = service.messages()
        assert {entry["worker"] for entry in logged if entry["message"] == "partition loaded"} == {0, 1}
        assert service.stop() == 0
        assert {entry["worker"] for entry in service.said("stopped", logger="stream_rcf.service.worker")} == {
            0,
            1,
        }


def test_a_worker_that_stands_still_is_not_waited_for(topics: Topics, tmp_path: Path) -> None:
    environment = topics.environment(tmp_path / "checkpoints", workers=2, **SMALL)
    with Service(environment, tmp_path / "log") as service:
        port = port_of(service)
        wait_until_ready(port)
        pid = worker_pids(service)[1]
        os.kill(pid, signal.SIGSTOP)
        status, body = ask(port, "/live")
        assert status == 503
        assert "worker 1: it does not answer" in orjson.loads(body)["reason"]
        assert b'stream_rcf_worker_up{worker="1"} 0.0' in ask(port, "/metrics")[1]
        os.kill(pid, signal.SIGCONT)
        wait_until(lambda: ask(port, "/live")[0] == 200)
        assert service.stop() == 0
