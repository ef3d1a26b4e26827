"""Kernels are compiled one way, and do only arithmetic that is the same on every processor."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.planted import plant
from tests.architecture.source import Breach, Source, imports, python_sources, report

CORE = "stream_rcf/core"
DECORATOR_MODULE = "stream_rcf.core.kernel"  # the one place that calls numba's compiler
COMPILERS = {"jit", "njit", "vectorize", "guvectorize", "cfunc", "stencil", "compiled_kernel"}
FLAGS = {"nogil", "fastmath", "error_model"}
# Of these the C library's last bit differs from one processor to another; core/arithmetic.py has its own.
LIBRARY_FUNCTIONS = {"log", "log2", "log10", "log1p", "exp", "exp2", "expm1", "pow", "power", "float_power"}
LIBRARY_FUNCTIONS |= {"sin", "cos", "tan", "sinh", "cosh", "tanh", "arctan", "gamma", "lgamma", "erf", "cbrt"}
# Sums whose order numpy chooses by the width of the processor's registers.
REORDERED_SUMS = {"sum", "mean", "std", "var", "dot", "matmul", "inner", "einsum", "nansum"}
PROGRAMS = {"stream_rcf.core.warmup"}  # makes up its own events
MATHEMATICS = {"np", "numpy", "math", "cmath"}


def compiler_breaches(sources: list[Source]) -> Iterator[Breach]:
    """Every use of numba's compilers that hides a flag, or is not in the one shared decorator."""
    for source in sources:
        for node in ast.walk(source.tree):
            if not (isinstance(node, ast.Attribute | ast.Name) and _last_name(node) in COMPILERS):
                continue
            call = _call_of(source.tree, node)
            named = {keyword.arg for keyword in call.keywords} if call else set()
            if missing := sorted(FLAGS - named):
                complaint = f"{_last_name(node)} must name {', '.join(missing)}"
                yield Breach(source.path, node.lineno, complaint)
            if source.module != DECORATOR_MODULE:
                yield Breach(source.path, node.lineno, f"use the decorator of {DECORATOR_MODULE}")


def arithmetic_breaches(sources: list[Source]) -> Iterator[Breach]:
    """Every call of a function whose last bit depends on the machine."""
    for source in sources:
        if source.module in PROGRAMS:
            continue
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.Attribute):
                continue
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            if owner in MATHEMATICS and node.attr in LIBRARY_FUNCTIONS | REORDERED_SUMS:
                complaint = f"{owner}.{node.attr} may differ in the last bit between machines"
                yield Breach(source.path, node.lineno, complaint)
        for name, line in imports(source):
            module, _, function = name.rpartition(".")
            if module in MATHEMATICS and function in LIBRARY_FUNCTIONS | REORDERED_SUMS:
                yield Breach(source.path, line, f"{name} may differ in the last bit between machines")


def _last_name(node: ast.Attribute | ast.Name) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id


def _call_of(tree: ast.Module, function: ast.expr) -> ast.Call | None:
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return next((call for call in calls if call.func is function), None)


def test_kernels_are_compiled_by_the_one_decorator_with_every_flag_named() -> None:
    assert report(compiler_breaches(python_sources("stream_rcf"))) == ""


def test_the_decorator_is_where_this_rule_thinks() -> None:
    (decorator,) = [source for source in python_sources(CORE) if source.module == DECORATOR_MODULE]
    used = [node.id for node in ast.walk(decorator.tree) if isinstance(node, ast.Name)]
    kernels = [source for source in python_sources(CORE) if "@kernel\n" in source.text]

    assert "compiled_kernel" in used
    assert len(kernels) > 10


def test_the_core_calls_nothing_whose_last_bit_depends_on_the_machine() -> None:
    assert report(arithmetic_breaches(python_sources(CORE))) == ""


def test_a_bare_decorator_and_a_missing_flag_are_seen(tmp_path: Path) -> None:
    bare = "from numba import njit\n@njit\ndef f(x):\n    return x\n"
    partial = "import numba\n@numba.njit(error_model='numpy', nogil=True)\ndef f(x):\n    return x\n"
    plant(tmp_path, {"stream_rcf/core/bare.py": bare, "stream_rcf/core/kernel.py": partial})

    found = [str(breach) for breach in compiler_breaches(python_sources(CORE, root=tmp_path))]

    assert found == [
        "stream_rcf/core/bare.py:2: njit must name error_model, fastmath, nogil",
        "stream_rcf/core/bare.py:2: use the decorator of stream_rcf.core.kernel",
        "stream_rcf/core/kernel.py:2: njit must name fastmath",
    ]


def test_the_library_s_logarithm_is_seen(tmp_path: Path) -> None:
    text = (
        "import numpy as np\nfrom math import exp\ndef f(x):\n    return np.log(x) + np.sqrt(x) + np.sum(x)\n"
    )
    plant(tmp_path, {"stream_rcf/core/score.py": text})

    found = {str(breach) for breach in arithmetic_breaches(python_sources(CORE, root=tmp_path))}

    assert found == {
        "stream_rcf/core/score.py:2: math.exp may differ in the last bit between machines",
        "stream_rcf/core/score.py:4: np.log may differ in the last bit between machines",
        "stream_rcf/core/score.py:4: np.sum may differ in the last bit between machines",
    }
