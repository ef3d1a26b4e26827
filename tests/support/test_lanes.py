from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.lanes import COMPUTING, WAITING, WHOLE, place
from tests.support.machine import ROOT

# Another tree may not import ours by name, which is its own as well.
CONFTEST = f"""
import os, pathlib, runpy
Lanes = runpy.run_path({str(ROOT / "tests" / "support" / "lanes.py")!r})["Lanes"]

def pytest_xdist_make_scheduler(config, log):
    return Lanes(config, log)

def pytest_runtest_logreport(report):
    if report.when == "call" and not hasattr(report, "node"):  # in the process that ran it
        with (pathlib.Path(__file__).parent / os.environ["PYTEST_XDIST_WORKER"]).open("a") as log:
            log.write(report.nodeid + "\\n")
"""
LEAVES_TIME_TO_THE_OTHER = "import time\n\ndef test_one():\n    time.sleep(1)\n\ndef test_two():\n    pass\n"


def test_every_folder_of_the_list_is_there() -> None:
    for folder in (*WAITING, *COMPUTING, *WHOLE):
        assert list((ROOT / "tests" / folder).glob("test_*.py")), folder


def test_files_stand_between_waiting_and_computing() -> None:
    files = ["tests/core/test_a.py", "tests/settings/test_a.py", "tests/test_a.py", "tests/faults/test_a.py"]

    assert sorted(files, key=place) == [
        "tests/faults/test_a.py",
        "tests/settings/test_a.py",
        "tests/test_a.py",
        "tests/core/test_a.py",
    ]


def test_one_process_computes_while_another_waits_and_files_stay_whole(tmp_path: Path) -> None:
    files = [f"tests/{folder}/test_{name}.py" for folder in ("faults", "settings", "parity") for name in "ab"]
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(LEAVES_TIME_TO_THE_OTHER)
    (tmp_path / "tests" / "conftest.py").write_text(CONFTEST)

    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")
    }  # of a run within a run
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", "--import-mode", "importlib"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    ran = {name: (tmp_path / "tests" / name).read_text().split() for name in ("gw0", "gw1")}
    assert ran["gw0"][0].startswith("tests/parity/test_a.py")
    assert ran["gw1"][0].startswith("tests/faults/test_a.py")
    assert any(
        test.startswith("tests/parity/test_b.py") for test in ran["gw0"]
    )  # of the same folder, which is whole
    of_each = [{test.split("::")[0] for test in tests} for tests in ran.values()]
    assert not of_each[0] & of_each[1]
    assert of_each[0] | of_each[1] == set(files)
    assert sum(map(len, ran.values())) == 2 * len(files)
