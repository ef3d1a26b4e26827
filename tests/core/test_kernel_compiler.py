"""A kernel that Python calls is emitted once with all its steps; a step on its own costs nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.kernel_compiler import Kernel, KernelLibrary, StepLibrary

NESTED = """
from stream_rcf.core.kernel import kernel

@kernel
def lowest(x):
    return x + 1

@kernel
def middle(x):
    return lowest(x) * 2

@kernel
def outer(x):
    return middle(x) + lowest(x)

print(outer(3), len(lowest._step.overloads), sum(outer.stats.cache_hits.values()))
"""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))


def libraries_of(dispatcher: Any) -> list[object]:
    return [compiled.library for compiled in dispatcher.overloads.values()]


def test_steps_have_no_machine_code_and_the_kernel_has_theirs() -> None:
    @kernel
    def lowest(x):
        return x + 1

    @inlined_kernel
    def middle(x):
        return lowest(x) * 2

    @kernel
    def outer(x):
        return middle(x) + lowest(x)

    assert outer(3) == 12
    assert [type(library) for library in libraries_of(outer)] == [KernelLibrary]
    for step in (lowest, middle):
        assert isinstance(step, Kernel)
        assert libraries_of(step) == []
        assert [type(library) for library in libraries_of(step._step)] == [StepLibrary]


@pytest.mark.parametrize("first", ["lowest", "outer"])
def test_a_step_can_be_called_from_python_too_before_its_callers_or_after(first: str) -> None:
    @kernel
    def lowest(x, y):
        return x - y

    @kernel
    def outer(x, y):
        return lowest(y, x)

    calls = {"lowest": (lowest, -2.5), "outer": (outer, 2.5)}
    for name in [first, *(calls.keys() - {first})]:
        function, expected = calls[name]
        assert function(1.5, 4.0) == expected


def test_a_step_is_compiled_for_each_of_its_types() -> None:
    @kernel
    def halved(x):
        return x / 2

    @kernel
    def outer(x, values):
        return halved(x) + halved(values[0]) + halved(np.float32(3))

    assert outer(3, np.ones(1)) == 1.5 + 0.5 + 1.5
    assert len(halved._step.overloads) == 3


def test_kernels_that_share_steps_do_not_disturb_each_other() -> None:
    @kernel
    def shared(values, i):
        values[i] += 1.0

    @kernel
    def first(values):
        shared(values, 0)
        shared(values, 1)

    @kernel
    def second(values):
        first(values)
        shared(values, 0)

    values = np.zeros(2)
    first(values)
    second(values)
    assert values.tolist() == [3.0, 2.0]


def test_a_step_s_error_reaches_python() -> None:
    @kernel
    def refuse(x):
        if x < 0:
            raise ValueError("below 0")
        return x

    @kernel
    def outer(x):
        return refuse(x) + 1

    assert outer(1) == 2
    with pytest.raises(ValueError, match="below 0"):
        outer(-1)


def test_a_second_process_compiles_no_step(tmp_path: Path) -> None:
    program = tmp_path / "nested.py"
    program.write_text(NESTED, encoding="utf-8")
    outputs = [
        subprocess.run([sys.executable, str(program)], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert outputs == ["12 1 0\n", "12 0 1\n"]


def test_numba_can_be_told_to_leave_functions_as_they_are(tmp_path: Path) -> None:
    program = tmp_path / "nested.py"
    program.write_text(NESTED.replace("print(", "print(type(outer).__name__) #"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(program)],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "function\n"
