"""The Java side of the comparison: compiled when it changes, and clear about what is missing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.aws_forest import java_command, java_program, run_program
from tests.support.machine import MissingPartError

ECHO = """
package reference;

public final class Echo {
    public static void main(String[] words) throws java.io.IOException {
        System.out.print("%s" + String.join(" ", words) + ":");
        System.in.transferTo(System.out);
    }
}
"""


@pytest.fixture
def echo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The source of a program ``Echo``, alone in a folder and a cache of its own."""
    sources = tmp_path / "java"
    sources.mkdir()
    monkeypatch.setattr(java_program, "SOURCES", sources)
    monkeypatch.setattr(java_program, "CACHE", tmp_path / "cache")
    source = sources / "Echo.java"
    source.write_text(ECHO % "")
    return source


def test_words_and_bytes_reach_a_program(echo: Path) -> None:
    output = run_program("Echo", {"trees": 3, "attributed": [1, 2], "share": 0.5}, b"\x00\xff")

    assert output == b"trees=3 attributed=1,2 share=0.5:\x00\xff"


def test_a_changed_source_is_compiled_anew_and_only_then(echo: Path) -> None:
    classes = java_program.CACHE / "classes"
    java_command("Echo", {})
    java_command("Echo", {})
    assert len(list(classes.iterdir())) == 1

    echo.write_text(ECHO % "changed ")
    assert run_program("Echo", {}) == b"changed :"
    assert len(list(classes.iterdir())) == 2


def test_processes_that_compile_at_once_end_with_one_result(echo: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: java_command("Echo", {}), range(2))

    assert first == second
    assert len(list((java_program.CACHE / "classes").iterdir())) == 1


def test_a_program_that_fails_or_does_not_compile_says_why(echo: Path) -> None:
    with pytest.raises(RuntimeError, match=r"Missing ended with 1:[^$]*ClassNotFoundException"):
        run_program("Missing", {})
    echo.write_text("package reference; class Echo { wrong }")
    with pytest.raises(RuntimeError, match=r"javac ended with 1:[^$]*Echo\.java"):
        run_program("Echo", {})
    assert len(list((java_program.CACHE / "classes").iterdir())) == 1


def test_an_argument_that_lacks_is_named() -> None:
    with pytest.raises(RuntimeError, match="missing: dimensions="):
        run_program("Observation", {"trees": 1})


def test_a_missing_part_is_said_with_what_brings_it(
    echo: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as without_compiler:
        without_compiler.setenv("PATH", str(tmp_path))
        with pytest.raises(MissingPartError, match=r"no 'javac'.*tools/test_parts\.sh"):
            java_command("Echo", {})
    monkeypatch.setattr(java_program, "JARS", tmp_path)
    with pytest.raises(MissingPartError, match=r"randomcutforest-core-4\.3\.0\.jar.*tools/test_parts\.sh"):
        java_command("Echo", {})
