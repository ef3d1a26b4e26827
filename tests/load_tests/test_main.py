from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from load_tests import __main__ as program
from load_tests import latency
from tests.load_tests.forest_results import forest_results


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["load_tests", *words])
    return program.main()


def test_one_repetition_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, "--repetitions", "1")

    assert ended.value.code == 2
    assert "--repetitions is 1, but a figure needs at least 2" in capsys.readouterr().err


def test_what_is_measured_stays_when_the_next_part_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    asked: list[object] = []

    def forest(*given: object) -> object:
        asked.append(given)
        return forest_results()

    def service(*_given: object) -> object:
        raise RuntimeError("no broker")

    monkeypatch.setattr(program.forest_run, "measure_forest", forest)
    monkeypatch.setattr(program, "measure_service", service)
    with pytest.raises(RuntimeError, match="no broker"):
        run(monkeypatch, "--quick", "--repetitions", "7", "--json", str(tmp_path / "bench.json"))

    assert asked == [(program.forest_run.QUICK, 7)]
    assert "## The forest" in capsys.readouterr().out
    assert orjson.loads((tmp_path / "bench.json").read_bytes()).keys() == {"machine", "forest"}


def test_only_the_part_that_was_asked_for_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def service(*_given: object) -> object:
        raise AssertionError("not asked for")

    monkeypatch.setattr(program.forest_run, "measure_forest", lambda *_given: forest_results())
    monkeypatch.setattr(program, "measure_service", service)

    assert run(monkeypatch, "--only", "forest") == 0
    assert capsys.readouterr().out.count("## ") == 1


def test_the_latency_takes_the_rate_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[object] = []

    def measured(*given: object) -> list[latency.Latency]:
        asked.append(given)
        return [latency.Latency("at_least_once", 500.0, [1.0, 2.0, 6.0])]

    monkeypatch.setattr(latency, "measure_latency", measured)

    assert run(monkeypatch, "--only", "latency", "--quick", "--rate", "500") == 0
    assert asked == [(latency.QUICK_WORKLOAD, latency.QUICK_SECONDS, 500.0)]
    assert "| at_least_once | 500 | 3 | 2 | 6 | 6 | 6 | p99 under 50 |" in capsys.readouterr().out
