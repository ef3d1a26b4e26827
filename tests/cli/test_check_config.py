from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

from tests.cli.support import run_command


def test_the_effective_settings_are_printed_with_their_sources(tmp_path: Path) -> None:
    (tmp_path / "service.toml").write_text(
        '[kafka]\ngroup_id = "mine"\nproperties = {sasl.password = "hunter2"}\n'
    )
    environment = {"STREAM_RCF_CONFIG": "service.toml", "STREAM_RCF_FOREST__TREES": "7"}
    done = run_command("check-config", "--set", "workers=2", folder=tmp_path, environment=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode()
    assert 'group_id = "mine"  # file service.toml' in text
    assert "trees = 7  # environment STREAM_RCF_FOREST__TREES" in text
    assert "workers = 2  # --set" in text
    assert "seed = 0  # default" in text
    assert "hunter2" not in text
    assert tomllib.loads(text)["kafka"]["properties"] == {"sasl.password": "********"}


def test_every_error_is_printed_at_once_with_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "service.toml").write_text("[kafka]\nproperties = {acks = 1}\n")
    done = run_command(
        "check-config",
        "--config",
        "service.toml",
        "--set",
        "forest.trees=0",
        folder=tmp_path,
        environment={"STREAM_RCF_FOREST__SEDE": "1", "STREAM_RCF_TEST_BOOTSTRAP": "left:1"},
    )
    assert (done.returncode, done.stdout) == (2, b"")
    lines = done.stderr.decode().splitlines()
    assert lines[0] == "stream-rcf: 3 errors in the settings:"
    assert "did you mean STREAM_RCF_FOREST__SEED?" in lines[1]
    assert "kafka.properties must not hold acks" in lines[2]
    assert "forest.trees is '0' (--set), but must be a whole number between 1 and 1000" in lines[3]


def test_the_settings_do_not_wait_for_the_compiler(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from stream_rcf.cli.main import main\n"
        "assert main(['check-config', '--set', 'output.format=kinesis']) == 0\n"
        "assert 'numba' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "trees = 100  # default of output.format kinesis" in done.stdout
