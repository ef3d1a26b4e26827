"""The supervisor's conduct, seen from outside, with workers that do as they are told."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.service.endpoint_support import (
    ask,
    ask_document,
    port_of,
    runs,
    wait_until,
    wait_until_ready,
    worker_pids,
)
from tests.support.service import Service

PATIENCE = 20.0  # far beyond what an orderly end takes here


def start(
    folder: Path, count: int, scripts: Mapping[int, str] | None = None, patience: float = PATIENCE
) -> Service:
    for number, script in (scripts or {}).items():
        (folder / str(number)).write_text(script, encoding="utf-8")
    program = "tests.service.fake_service"
    command = [sys.executable, "-m", program, str(folder), str(count), str(patience)]
    return Service({}, folder / "log", command)


def test_the_first_one_compiles_the_kernels_and_the_others_wait_for_it(tmp_path: Path) -> None:
    with start(tmp_path, 3, {0: "1 run"}) as service:
        service.wait_for("worker started", times=4)
        assert [entry["worker"] for entry in service.said("worker started")] == [0, 0, 1, 2]
        wait_until_ready(port_of(service))
        assert service.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_all_of_the_group_ends_every_worker_in_order(
    tmp_path: Path, number: signal.Signals
) -> None:
    with start(tmp_path, 2) as service:
        wait_until_ready(port_of(service))
        pids = worker_pids(service)
        os.killpg(service.process.pid, number)
        assert service.process.wait(PATIENCE) == 0
        assert [entry["exit_code"] for entry in service.said("worker ended")] == [0, 0]
        assert not any(runs(pid) for pid in pids.values())


def test_a_worker_that_dies_is_started_again_and_the_log_says_why(tmp_path: Path) -> None:
    with start(tmp_path, 2) as service:
        port = port_of(service)
        wait_until_ready(port)
        before = worker_pids(service)
        os.kill(before[1], signal.SIGKILL)
        service.wait_for("worker 1 was ended by SIGKILL", worker=1, exit_code=-9)
        service.wait_for("worker started", times=2, worker=1)
        wait_until_ready(port)
        after = worker_pids(service)
        assert after[0] == before[0]
        assert after[1] != before[1]
        assert b'stream_rcf_worker_restarts_total{worker="1"} 1.0' in ask(port, "/metrics")[1]
        assert service.stop() == 0


def test_while_one_is_dead_the_endpoints_say_so(tmp_path: Path) -> None:
    with start(tmp_path, 2, {1: "run 1 run"}) as service:
        port = port_of(service)
        wait_until_ready(port)
        os.kill(worker_pids(service)[1], signal.SIGKILL)
        wait_until(lambda: ask(port, "/live")[0] == 503)
        wait_until(lambda: b'stream_rcf_worker_up{worker="1"} 0.0' in ask(port, "/metrics")[1])
        assert b'stream_rcf_events_total{worker="0"}' in ask(port, "/metrics")[1]
        assert ask(port, "/ready")[0] == 503
        wait_until_ready(port)
        assert ask(port, "/live")[0] == 200
        assert service.stop() == 0


def test_wrong_settings_end_the_service_at_once_and_the_others_in_order(tmp_path: Path) -> None:
    with start(tmp_path, 2, {1: "2"}) as service:
        assert service.process.wait(PATIENCE) == 2
        (last,) = service.said("is not started again")
        assert "worker 1 ended with exit code 2: its settings" in str(last["message"])
        assert service.said("worker ended", worker=0, exit_code=0)


def test_a_worker_that_keeps_dying_ends_the_service_with_its_code(tmp_path: Path) -> None:
    with start(tmp_path, 2, {1: "3"}) as service:
        assert service.process.wait(60) == 3
        assert len(service.said("worker started", worker=1)) == 5
        assert len(service.said("starting it again", worker=1)) == 4
        assert service.said("worker ended", worker=0, exit_code=0)


def test_a_worker_that_does_not_end_is_killed_and_the_exit_code_tells(tmp_path: Path) -> None:
    with start(tmp_path, 2, {1: "deaf"}, patience=1.0) as service:
        wait_until_ready(port_of(service))
        pids = worker_pids(service)
        assert service.stop(PATIENCE) == 1
        assert service.said("worker 1 did not end within 1 s")
        assert not any(runs(pid) for pid in pids.values())


def test_a_second_signal_ends_all_at_once(tmp_path: Path) -> None:
    with start(tmp_path, 2, {0: "deaf", 1: "deaf"}) as service:
        wait_until_ready(port_of(service))
        pids = worker_pids(service)
        service.process.send_signal(signal.SIGTERM)
        service.wait_for("ending every worker in order")
        assert service.stop(PATIENCE) == -signal.SIGTERM
        wait_until(lambda: not any(runs(pid) for pid in pids.values()))


def test_a_supervisor_s_death_ends_the_workers(tmp_path: Path) -> None:
    with start(tmp_path, 2, {1: "deaf"}) as service:  # deaf to the signal: the socket tells it too
        wait_until_ready(port_of(service))
        pids = worker_pids(service)
        service.kill()
        wait_until(lambda: not any(runs(pid) for pid in pids.values()))


def test_a_rolling_restart_waits_for_each_to_be_ready(tmp_path: Path) -> None:
    with start(tmp_path, 3, {0: "run unready"}) as service:
        port = port_of(service)
        wait_until_ready(port)
        before = worker_pids(service)
        service.process.send_signal(signal.SIGHUP)
        service.wait_for("worker started", times=2, worker=0)
        wait_until(lambda: ask(port, "/live")[0] == 200)
        workers = ask_document(port, "/ready")["workers"]
        assert isinstance(workers, dict)
        assert [workers[number]["ready"] for number in "012"] == [False, True, True]
        assert len(service.said("worker started")) == 4, "the others stay until it is ready"
        (tmp_path / "ready").touch()
        service.wait_for("rolling restart done")
        after = worker_pids(service)
        assert all(after[number] != before[number] for number in range(3))
        events = [
            (entry["worker"], str(entry["message"]).split()[1])
            for entry in service.messages()
            if str(entry["message"]).startswith(("worker started", "worker ended"))
        ]
        assert events[3:] == [(number, what) for number in range(3) for what in ("ended", "started")]
        assert service.stop() == 0


def test_a_signal_in_the_middle_of_a_rolling_restart_ends_it(tmp_path: Path) -> None:
    with start(tmp_path, 2, {0: "run unready"}) as service:
        wait_until_ready(port_of(service))
        service.process.send_signal(signal.SIGHUP)
        service.wait_for("worker started", times=2, worker=0)
        assert service.stop() == 0
        assert not service.said("rolling restart done")


def test_a_closed_terminal_ends_it_in_order(tmp_path: Path) -> None:
    """It sends SIGHUP too, but nobody would want a service that goes on behind a terminal that is gone."""
    near, far = os.openpty()
    take_terminal = "import os, sys, fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)"
    program = [sys.executable, "-m", "tests.service.fake_service", str(tmp_path), "2", str(PATIENCE)]
    with Service(
        {},
        tmp_path / "log",
        [sys.executable, "-c", f"{take_terminal}; os.execv(sys.argv[1], sys.argv[1:])", *program],
        stdin=far,
    ) as service:
        os.close(far)
        wait_until_ready(port_of(service))
        os.close(near)
        assert service.process.wait(PATIENCE) == 0
        assert not service.said("rolling restart")


def test_a_service_under_nohup_ignores_the_hang_up(tmp_path: Path) -> None:
    program = [sys.executable, "-m", "tests.service.fake_service", str(tmp_path), "2", str(PATIENCE)]
    with Service({}, tmp_path / "log", ["nohup", *program]) as service:
        wait_until_ready(port_of(service))
        service.process.send_signal(signal.SIGHUP)
        assert service.stop() == 0
        assert not service.said("rolling restart")
