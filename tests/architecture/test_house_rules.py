"""What no file of ours does: skip a test, leave a note for later, silence a checker without a reason."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.planted import plant
from tests.architecture.source import Breach, Source, python_sources, report

# In two halves each, so that this file does not break its own rule.
_LATER = r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b"
_UNTYPED = "type: " + r"ignore(?!\[[\w, -]+\]\s*(#|--|-)\s*\S)"
_UNLINTED = "no" + r"qa(?!: [A-Z]+[0-9]+)"
ANYWHERE = {
    _LATER: "a note for later: do it, or file an issue",
    _UNTYPED: "a silenced type checker names the code and says why",
    _UNLINTED: "a silenced linter names the rule",
}
IN_TESTS = {
    r"pytest\.(mark\.)?(skip|skipif|xfail|import" + r"orskip)\b": "no test is skipped for a missing part",
    r"unittest\.skip": "no test is skipped for a missing part",
}


def phrase_breaches(sources: list[Source], phrases: dict[str, str]) -> Iterator[Breach]:
    """Every line that holds one of the phrases."""
    for source in sources:
        for number, line in enumerate(source.text.splitlines(), 1):
            for phrase, complaint in phrases.items():
                if re.search(phrase, line):
                    yield Breach(source.path, number, complaint)


def docstring_breaches(sources: list[Source]) -> Iterator[Breach]:
    """Every public module, class and function without a docstring."""
    for source in sources:
        if ast.get_docstring(source.tree) is None and source.text.strip():
            yield Breach(source.path, 1, "a module says in a docstring what it is for")
        yield from _undocumented(source, source.tree.body)


def _undocumented(source: Source, body: list[ast.stmt]) -> Iterator[Breach]:
    for node in body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.name.startswith("_") or any(_says_override(decorator) for decorator in node.decorator_list):
            continue
        if ast.get_docstring(node) is None:
            yield Breach(source.path, node.lineno, f"{node.name} is public and has no docstring")
        if isinstance(node, ast.ClassDef):
            yield from _undocumented(source, node.body)


def _says_override(decorator: ast.expr) -> bool:
    """Documented elsewhere: by the method it overrides, its property or its other overloads."""
    name = decorator.attr if isinstance(decorator, ast.Attribute) else getattr(decorator, "id", "")
    return name in {"override", "overload", "setter"}


def test_no_note_for_later_and_no_checker_silenced_without_a_reason() -> None:
    assert report(phrase_breaches(python_sources("stream_rcf", "tests", "load_tests"), ANYWHERE)) == ""


def test_no_test_is_skipped() -> None:
    assert report(phrase_breaches(python_sources("tests", "load_tests"), IN_TESTS)) == ""


def test_what_is_public_is_documented() -> None:
    assert report(docstring_breaches(python_sources("stream_rcf"))) == ""


def test_planted_phrases_are_seen(tmp_path: Path) -> None:
    ignore, quiet = "type: " + "ignore", "no" + "qa"
    text = f"""
        x = 1  # TO{"DO"}: later
        x = y  # {ignore}
        x = y  # {ignore}[attr-defined]
        x = y  # {ignore}[attr-defined] -- the library names it at run time
        x = y  # {quiet}
        x = y  # {quiet}: SLF001
        pytest.mark.{"skip"}
        pytest.import{"orskip"}("pyarrow")
    """
    sources = python_sources("tests", root=plant(tmp_path, {"tests/test_planted.py": text}))

    assert [breach.line for breach in phrase_breaches(sources, ANYWHERE)] == [2, 3, 4, 6]
    assert [breach.line for breach in phrase_breaches(sources, IN_TESTS)] == [8, 9]


def test_a_missing_docstring_is_seen(tmp_path: Path) -> None:
    text = '''
        """A module."""
        def documented():
            """Says what."""
        def bare(): ...
        def _private(): ...
        class Thing:
            """A thing."""
            def method(self): ...
            @override
            def known(self): ...
            def _inner(self): ...
    '''
    sources = python_sources(
        "stream_rcf", root=plant(tmp_path, {"stream_rcf/core/a.py": text, "stream_rcf/core/b.py": "x = 1\n"})
    )

    assert [str(breach) for breach in docstring_breaches(sources)] == [
        "stream_rcf/core/a.py:5: bare is public and has no docstring",
        "stream_rcf/core/a.py:9: method is public and has no docstring",
        "stream_rcf/core/b.py:1: a module says in a docstring what it is for",
    ]
