"""The Java programs beside this file: compiled when their sources change, run with words and bytes."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.machine import JAVA_MINIMUM, ROOT, MissingPartError, java

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "src" / "main" / "java"
JAR_SUMS = HERE / "jars.sha256"
CACHE = ROOT / ".cache" / "aws_forest"
JARS = CACHE / "libs"
PACKAGE = "reference"
# The serial collector leaves the other core to the tests; what a program keeps is a few MB per forest.
JVM_OPTIONS = ("-Xmx1g", "-XX:+UseSerialGC")


def java_command(
    program: str, arguments: Mapping[str, object], options: Sequence[str] = JVM_OPTIONS
) -> list[str]:
    """The command that runs ``program``, a class of ``reference`` with a ``main``, compiled if need be.

    ``arguments`` become words ``name=value``, a sequence of numbers joined by commas. ``options`` are the virtual
    machine's. Raises ``MissingPartError``, which says what brings it, without Java, its compiler or AWS's jars.
    """
    class_path = f"{_compiled_classes()}{os.pathsep}{_library_jars()}/*"
    words = [f"{name}={_word(value)}" for name, value in arguments.items()]
    return [java(), *options, "-cp", class_path, f"{PACKAGE}.{program}", *words]


def run_program(program: str, arguments: Mapping[str, object], standard_input: bytes = b"") -> bytes:
    """Run ``program`` to its end and return its standard output; raises ``RuntimeError`` with what it said."""
    done = subprocess.run(
        java_command(program, arguments), input=standard_input, capture_output=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{program} ended with {done.returncode}:\n{done.stderr.decode(errors='replace')}")
    return done.stdout


def _word(value: object) -> str:
    return ",".join(str(item) for item in value) if isinstance(value, list | tuple) else str(value)


def _library_jars() -> Path:
    """The folder of AWS's jars, all of them there."""
    names = [line.split()[1] for line in JAR_SUMS.read_text(encoding="utf-8").splitlines()]
    missing = [name for name in names if not (JARS / name).is_file()]
    if missing:
        raise MissingPartError(f"no {', '.join(missing)} in {JARS}: run `tools/test_parts.sh` (needs Maven)")
    return JARS


def _compiler() -> str:
    path = shutil.which("javac")
    if path is None:
        raise MissingPartError(
            f"no 'javac' on the PATH: run `tools/test_parts.sh`, or install a JDK {JAVA_MINIMUM} or newer"
        )
    return path


def _compiled_classes() -> Path:
    """The folder of the classes compiled from the present sources and jars."""
    sources = sorted(SOURCES.rglob("*.java"))
    digest = hashlib.sha256(JAR_SUMS.read_bytes())
    for source in sources:
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    classes = CACHE / "classes" / digest.hexdigest()[:16]
    if not classes.is_dir():
        _compile(sources, classes)
    return classes


def _compile(sources: Sequence[Path], classes: Path) -> None:
    jars = os.pathsep.join(str(jar) for jar in sorted(_library_jars().glob("*.jar")))
    classes.parent.mkdir(parents=True, exist_ok=True)
    # Under another name first: a second process must never see half of the classes.
    unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=classes.parent))
    command = [_compiler(), "--release", str(JAVA_MINIMUM), "-Xlint:all", "-d", str(unfinished), "-cp", jars]
    try:
        done = subprocess.run(
            [*command, *(str(source) for source in sources)], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"javac ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        unfinished.rename(classes)
    except OSError:
        if not classes.is_dir():  # else another process was faster, from the same sources
            raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
