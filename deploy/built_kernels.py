"""Where numba finds the kernels that the image's build compiled: also where nothing can be written.

numba's own locators pass over a directory they cannot write to, and then refuse to work. An image names this
one by ``NUMBA_CACHE_LOCATOR_CLASSES``; the kernels themselves are in ``NUMBA_CACHE_DIR``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from numba.core.caching import UserProvidedCacheLocator


class BuiltKernels(UserProvidedCacheLocator):
    """Reads from ``NUMBA_CACHE_DIR`` whether or not it is writable."""

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> BuiltKernels:
        """Take every function; numba's version asks first whether the directory can be written."""
        return cls(py_func, py_file)

    def ensure_cache_path(self) -> None:
        """Make the directory before a newly compiled kernel is saved; in a finished image that is an error.

        Raises ``RuntimeError``: compiling at every start would be slow and silent.
        """
        try:
            super().ensure_cache_path()  # type: ignore[no-untyped-call]  # numba has no types
        except OSError as error:
            raise RuntimeError(
                f"this image has no compiled kernel for {os.path.basename(self._py_file)} as it is asked for here "
                f"(NUMBA_CPU_NAME={os.environ.get('NUMBA_CPU_NAME', '')}) and can't save one: {error}. Leave the "
                "NUMBA_ variables as the image sets them, or build with --build-arg KERNEL_PROCESSOR=..."
            ) from error
