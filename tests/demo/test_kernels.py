from __future__ import annotations

from pathlib import Path

import pytest

from stream_rcf.core.kernel_cache import cache_folder
from stream_rcf.demo.kernels import are_kernels_compiled


def test_compiled_kernels_are_found_where_they_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert not are_kernels_compiled()

    cache_folder().mkdir(parents=True)
    (cache_folder() / "process.process_batch-131.nbi").touch()
    assert are_kernels_compiled()
