from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from stream_rcf import __version__
from stream_rcf.cli import main as main_module
from stream_rcf.cli.main import COMMANDS, Command, main
from stream_rcf.errors import CheckpointError, StreamRcfError, UnreachableError, UsageError
from tests.cli.support import run_command


class Planted:
    """A command that ends as the test says; also its own module."""

    def __init__(self, end: BaseException | int) -> None:
        self.end = end

    def add_arguments(self, parser: object) -> None:
        """Take no arguments."""

    def run(self, arguments: object) -> int:
        if isinstance(self.end, BaseException):
            raise self.end
        return self.end


def end_of(end: BaseException | int, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(main_module, "COMMANDS", {"planted": Command("planted", "do as the test says")})
    monkeypatch.setattr(main_module.importlib, "import_module", lambda _: Planted(end))
    return main(["planted", *arguments])


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (0, 0),
        (1, 1),
        (StreamRcfError("it failed"), 1),
        (CheckpointError("it is corrupt"), 1),
        (UsageError("it is wrong"), 2),
        (UnreachableError("it is away"), 3),
        (KeyboardInterrupt(), 130),
    ],
)
def test_how_a_command_ends_is_its_exit_code(
    end: BaseException | int, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert end_of(end, monkeypatch) == code
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors == (f"stream-rcf: {end}\n" if isinstance(end, StreamRcfError) else "")


def test_a_defect_is_a_sentence_and_with_debug_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert end_of(ZeroDivisionError("by nothing"), monkeypatch) == 1
    errors = capsys.readouterr().err
    assert "ZeroDivisionError: by nothing" in errors
    assert "--debug" in errors
    assert "Traceback" not in errors
    assert end_of(ZeroDivisionError("by nothing"), monkeypatch, "--debug") == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["sccore"], ["check-config", "--nonsense"], ["score"]])
def test_wrong_usage_is_said_with_the_right_one(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("stream-rcf: ")
    assert "usage: stream-rcf" in errors


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_a_module_that_keeps_the_convention(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    module = importlib.import_module(COMMANDS[name].module)
    assert callable(module.add_arguments)
    assert callable(module.run)
    with pytest.raises(SystemExit) as end:
        main([name, "--help"])
    assert end.value.code == 0
    assert f"usage: stream-rcf {name}" in capsys.readouterr().out


def test_help_names_every_command_without_loading_any() -> None:
    program = (
        "import sys\n"
        "from stream_rcf.cli.main import main\n"
        "try:\n"
        "    main(['--help'])\n"
        "except SystemExit as end:\n"
        "    assert end.code == 0\n"
        "loaded = {'numba', 'numpy', 'confluent_kafka', 'pydantic', 'matplotlib'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name, command in COMMANDS.items():
        assert name in done.stdout
        assert command.summary.split()[0] in done.stdout


def test_the_version_is_the_packages() -> None:
    done = run_command("--version")
    assert (done.returncode, done.stdout) == (0, f"stream-rcf {__version__}\n".encode())
