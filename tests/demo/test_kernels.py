from __future__ import annotations

from pathlib import Path

import pytest

from stream_rcf.demo.kernels import are_kernels_compiled


def test_compiled_kernels_are_found_where_numba_keeps_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert not are_kernels_compiled()

    (tmp_path / "core_1").mkdir()
    (tmp_path / "core_1" / "process.process_batch-131.nbi").touch()
    assert are_kernels_compiled()
