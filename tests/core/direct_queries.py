"""Kernels for questions about one tree, which the product only answers for all trees together."""

from __future__ import annotations

import numpy as np

from stream_rcf.core.displacement import tree_codisp, tree_displacement
from stream_rcf.core.kernel import kernel
from stream_rcf.core.layout import open_block
from stream_rcf.core.model import Model
from stream_rcf.core.scratch import Scratch


@kernel
def displacements(
    address: int, model: Model, tree: int, point: np.ndarray, scratch: Scratch
) -> tuple[float, float]:
    """Displacement and CoDisp of ``point`` (8 * chunks,) float32 in one tree."""
    block = open_block(address, model)
    displacement = tree_displacement(block, model, tree, point.ctypes.data, scratch)
    return displacement, tree_codisp(block, model, tree, point.ctypes.data, scratch)
