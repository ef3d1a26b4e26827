"""AWS's random cut forest (Java, 4.3.0), run as a program of its own: the reference that ours is held against."""

from __future__ import annotations

from tests.support.aws_forest.java_program import java_command, run_program

__all__ = ["java_command", "run_program"]
