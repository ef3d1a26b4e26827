"""How kernels become machine code: those that Python calls whole, the steps within them never on their own.

Numba makes each function ready for Python: two wrappers, a whole optimisation and machine code, for each of hundreds
of steps that only other kernels call, and again for whatever calls them. Here a step ends where its instructions are
known; a kernel that Python does call gathers its steps, and theirs, and is optimised and emitted once. That takes two
fifths of the time, for the same code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba.core import config
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.registry import CPUDispatcher

from stream_rcf.core.kernel_cache import KernelCache

Function = TypeVar("Function", bound=Callable[..., Any])

# Numba has no public way to any of this; tests/core/test_kernel_compiler.py tells when a version works otherwise.


class StepLibrary(JITCodeLibrary):
    """The instructions of one step."""

    @property
    def steps(self) -> list[JITCodeLibrary]:
        """What it calls."""
        return list(self._linking_libraries)

    def finalize(self) -> None:
        """Leave the work to the kernel that Python calls."""
        self._finalized = True


class KernelLibrary(JITCodeLibrary):
    """The machine code of one kernel, with all its steps."""

    def finalize(self) -> None:
        """Gather the steps and theirs, then optimise and emit as numba does."""
        gathered: dict[JITCodeLibrary, None] = {}
        waiting = list(reversed(self._linking_libraries))
        while waiting:
            library = waiting.pop()
            if library not in gathered:
                gathered[library] = None
                if isinstance(library, StepLibrary):
                    waiting.extend(reversed(library.steps))
        self._linking_libraries = list(gathered)
        super().finalize()


class StepCompiler(Compiler):
    """Compiles a kernel for other kernels."""

    def compile_extra(self, func: Callable[..., Any]) -> Any:
        """Compile without the half that only Python needs."""
        state = self.state
        state.library = StepLibrary(state.targetctx.codegen(), func.__qualname__)
        state.flags.no_compile = True
        state.flags.no_cpython_wrapper = True
        state.flags.no_cfunc_wrapper = True
        compiled = super().compile_extra(func)
        compiled = compiled._replace(
            entry_point=object()
        )  # there is none: something unique by which callers find it
        state.targetctx.insert_user_function(compiled.entry_point, compiled.fndesc, [compiled.library])
        return compiled


class KernelCompiler(Compiler):
    """Compiles a kernel for Python."""

    def compile_extra(self, func: Callable[..., Any]) -> Any:
        """Compile, with the wrapper that Python calls and none for C."""
        state = self.state
        state.library = KernelLibrary(state.targetctx.codegen(), func.__qualname__)
        state.library.enable_object_caching()
        state.flags.no_cfunc_wrapper = True
        return super().compile_extra(func)


class Step(CPUDispatcher):
    """A kernel as other kernels see it."""

    def __init__(self, py_func: Callable[..., Any], locals: Any, targetoptions: Any) -> None:  # noqa: A002 -- numba's
        super().__init__(py_func, locals, targetoptions, StepCompiler)

    def add_overload(self, cres: Any) -> None:
        """Keep a compiled form for other kernels; there is nothing that Python could call."""
        self.overloads[tuple(cres.signature.args)] = cres


class Kernel(CPUDispatcher):
    """A kernel as Python sees it: cached on disk."""

    def __init__(self, py_func: Callable[..., Any], locals: Any, targetoptions: Any) -> None:  # noqa: A002 -- numba's
        super().__init__(py_func, locals, targetoptions, KernelCompiler)
        self._cache = KernelCache(py_func)
        self._step = Step(py_func, locals, targetoptions)

    @property
    def _numba_type_(self) -> Any:
        return self._step._numba_type_


def compiled_kernel(function: Function, **options: Any) -> Function:
    """Return the kernel of ``function``; ``options`` are those of ``numba.njit``."""
    if cast("Any", config).DISABLE_JIT:  # for a debugger, or to measure what tests cover
        return function
    return cast("Function", Kernel(function, {}, {"nopython": True, "boundscheck": None, **options}))
