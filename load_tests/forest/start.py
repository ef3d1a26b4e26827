"""Starts the implementations, each with the machine's best for it."""

from __future__ import annotations

import os
import sys

from load_tests.forest.implementation import Implementation
from load_tests.forest.peer_environment import peer_python
from load_tests.forest.shapes import Shape
from tests.support.aws_forest import java_command

BASE_HEAP_MB = 1024  # enough for a few forests of any shape measured, and their records
KEY_HEAP_MB = 3  # a key with boxes takes 1.2 MB; the rest keeps the collector from running often


def measuring_core() -> int:
    """The core on which both sides run in turn: the last we may use, as the first takes most interrupts."""
    return max(os.sched_getaffinity(0))


def start_ours(shape: Shape, cores: list[int], keys: int = 1, **further: object) -> Implementation:
    """Our forest; ``further`` words as in ``load_tests.forest.ours``."""
    arguments = {**shape.arguments, "keys": keys, **further}
    words = [f"{name}={value}" for name, value in arguments.items()]
    return Implementation("ours", [sys.executable, "-m", "load_tests.forest.ours", *words], cores)


def start_aws(shape: Shape, cores: list[int], keys: int = 1) -> Implementation:
    """AWS's Java forest. The heap never resizes; on one core the serial collector is the quickest."""
    megabytes = BASE_HEAP_MB + KEY_HEAP_MB * keys
    options = (f"-Xms{megabytes}m", f"-Xmx{megabytes}m", "-XX:+UseSerialGC")
    command = java_command("Bench", {**shape.arguments, "keys": keys}, options)
    return Implementation("AWS Java", command, cores)


def start_peer(name: str, shape: Shape, cores: list[int]) -> Implementation:
    """``rrcf`` or ``river``, with one key."""
    words = [f"{word}={value}" for word, value in shape.arguments.items()]
    command = [str(peer_python()), "-m", "load_tests.forest.python_peers", f"peer={name}", *words]
    return Implementation(name, command, cores)
