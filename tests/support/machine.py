"""What the tests need beside Python, and the line that brings it when it is missing."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
KAFKA_JARS = ROOT / ".cache" / "kafka" / "libs"
JAVA_MINIMUM = 17  # what Apache Kafka 4 asks of its brokers


class MissingPartError(RuntimeError):
    """A part of this machine that the tests need is absent; the message says how to bring it."""


def shared_file(relative: str) -> Path:
    """A file of the shared folder beside the repository; fails by name when it is absent."""
    path = SHARED / relative
    if not path.exists():
        raise MissingPartError(f"no {path}: these tests read the folder 'shared' beside the repository")
    return path


def java() -> str:
    """The path of a Java that can run the broker."""
    path = shutil.which("java")
    if path is None:
        raise MissingPartError(
            "no 'java' on the PATH: run `tools/test_parts.sh`, or install Java 17 or newer"
        )
    banner = subprocess.run([path, "-version"], capture_output=True, text=True, check=True).stderr
    version = re.search(r'version "(\d+)', banner)
    if version is None or int(version[1]) < JAVA_MINIMUM:
        raise MissingPartError(
            f"Java {JAVA_MINIMUM} or newer is needed; {path} says: {banner.splitlines()[0]}"
        )
    return path


def kafka_class_path() -> str:
    """The class path of Apache Kafka's jars, as ``java -cp`` takes it."""
    if not list(KAFKA_JARS.glob("kafka_2.13-*.jar")):
        raise MissingPartError(f"no Kafka jars in {KAFKA_JARS}: run `tools/test_parts.sh` (needs Maven)")
    return f"{KAFKA_JARS}/*"
