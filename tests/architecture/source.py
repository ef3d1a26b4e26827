"""The source files as the rules read them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.support.machine import ROOT

PACKAGE = "stream_rcf"
# Made by tools on the spot, never committed.
NOT_OURS = {
    ".git",
    ".venv",
    ".cache",
    ".hypothesis",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    "__pycache__",
    "build",
    "checkpoints",
    "stream_rcf.egg-info",
}


class Breach(NamedTuple):
    """One place that breaks a rule."""

    path: str  # relative to the root
    line: int
    complaint: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.complaint}"


class Source(NamedTuple):
    """One Python file: where it is, its text, its syntax tree and its dotted module name."""

    path: str  # relative to the root
    text: str
    tree: ast.Module
    module: str

    @property
    def package(self) -> str:
        """The package directly below ``stream_rcf``: ``core`` for stream_rcf/core/forest.py."""
        parts = self.module.split(".")
        return parts[1] if len(parts) > 1 else ""


class Import(NamedTuple):
    """A dotted name that a module imports, and the line."""

    name: str
    line: int


def python_sources(*folders: str, root: Path = ROOT) -> list[Source]:
    """Every Python file below the folders, sorted by path; a folder that isn't there yet has none."""
    return [
        _source(path, root)
        for folder in folders
        for path in sorted((root / folder).rglob("*.py"))
        if not NOT_OURS.intersection(path.relative_to(root).parts)
    ]


def all_files(root: Path = ROOT) -> Iterator[Path]:
    """Every file of the tree that is not the product of a tool."""
    for path in sorted(root.iterdir()):
        if path.name in NOT_OURS:
            continue
        if path.is_dir():
            yield from all_files(path)
        else:
            yield path


def imports(source: Source) -> Iterator[Import]:
    """Everything a file imports, also inside functions and for type checkers only.

    ``from a import b`` counts as ``a.b``: whether b is a module or a name in it, it comes from a.
    """
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(source, node)
            yield from (Import(f"{base}.{alias.name}", node.lineno) for alias in node.names)


def report(breaches: Iterable[Breach]) -> str:
    """The breaches as a test prints them: one clickable place a line, nothing when all is well."""
    return "\n".join(str(breach) for breach in breaches)


def _source(path: Path, root: Path) -> Source:
    relative = path.relative_to(root)
    text = path.read_text(encoding="utf-8")
    parts = list(relative.with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    return Source(str(relative), text, ast.parse(text, str(relative)), ".".join(parts))


def _absolute(source: Source, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = source.module.split(".")
    if source.path.endswith("__init__.py"):
        parts.append("")  # a package's own dot is the package itself
    kept = parts[: len(parts) - node.level]
    return ".".join([*kept, node.module] if node.module else kept)
