"""Where compiled kernels are kept, so that a start takes a fraction of a second and not twenty.

Numba's own cache is not enough: it looks at one file, while kernels of one file are compiled into those of another; it
refuses a folder it cannot write to, even a full one; and processes that start together, or two versions that share a
folder, may end up with each other's code. Here a kernel is found by all that shapes it, and nowhere else.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile, _CacheLocator

HERE = Path(__file__).parent
FOLDER = "kernels"  # within a folder that other programs use too


@cache
def source_stamp() -> str:
    """A digest of all kernels' sources."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(HERE.glob("*.py")):
        digest.update(path.name.encode("utf-8") + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def cache_folder() -> Path:
    """The folder of these sources' kernels: one for each version, so that two never meet.

    In ``NUMBA_CACHE_DIR`` where that is set; else beside the sources; else, where those are read-only and hold no
    kernels, in the user's cache.
    """
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        return Path(chosen) / FOLDER / source_stamp()
    beside = HERE / "__pycache__" / FOLDER / source_stamp()
    user = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    for folder in (beside, user / "stream-rcf" / FOLDER / source_stamp()):
        if folder.is_dir() or _can_be_made(folder):
            return folder
    return beside


def _can_be_made(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        return False
    return True


class KernelLocator(_CacheLocator):
    """Where one kernel is filed, in numba's words."""

    def __init__(self, function: Callable[..., Any], file: str) -> None:
        self._py_file = file
        self._line = function.__code__.co_firstlineno

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> KernelLocator:
        """Take every function: whether its folder can be written matters only when something is to be saved."""
        return cls(py_func, py_file)

    def get_cache_path(self) -> str:
        """The folder."""
        return str(cache_folder())

    def get_source_stamp(self) -> str:
        """What tells fresh from stale: all kernels' sources, and the file of a kernel that lives elsewhere."""
        file = Path(self._py_file)
        if file.parent == HERE:
            return source_stamp()
        return source_stamp() + hashlib.blake2b(file.read_bytes(), digest_size=16).hexdigest()

    def get_disambiguator(self) -> str:
        """What tells two functions of one name apart."""
        return str(self._line)


class KernelFile(IndexDataCacheFile):
    """A kernel's index and code, which is filed under what it was compiled for: no other code can take its name."""

    def save(self, key: Any, data: Any) -> None:
        """Save one compiled form. Of two processes that save at once, the later index may lack the other's entry."""
        name = hashlib.blake2b(repr(key).encode("utf-8"), digest_size=8).hexdigest()
        data_name = self._data_name_pattern.replace("{number:d}", name)
        self._save_data(data_name, data)
        overloads = self._load_index()
        overloads[key] = data_name
        self._save_index(overloads)


class _KernelImplementation(CompileResultCacheImpl):
    _locator_classes = [KernelLocator]  # noqa: RUF012 -- as numba declares it


class KernelCache(FunctionCache):
    """One kernel's cache. Loads from any folder; a folder that cannot be written costs a warning, not the start."""

    _impl_class = _KernelImplementation

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        numbas = self._cache_file
        self._cache_file = KernelFile(self._cache_path, self._impl.filename_base, numbas._source_stamp)  # noqa: SLF001 -- numba has no public way; a test guards it

    def save_overload(self, sig: Any, data: Any) -> None:
        """Save a compiled form where that is possible."""
        try:
            super().save_overload(sig, data)
        except OSError as error:
            warn_once(str(error))


@cache
def warn_once(error: str) -> None:
    """Say that kernels are compiled anew at every start, and what to do."""
    del error
    warnings.warn(
        f"compiled kernels can't be saved in {cache_folder()}: each start compiles them again, which takes "
        "about a minute. Set NUMBA_CACHE_DIR to a folder that can be written, or run "
        "`python -m stream_rcf.core.warmup` once as a user who can write there",
        RuntimeWarning,
        stacklevel=2,
    )


def are_kernels_compiled() -> bool:
    """Whether the cache holds kernels of this version. A guess: perhaps not all of them, or for another processor."""
    return next(cache_folder().glob("*.nbi"), None) is not None
