"""Working memory for kernels, made once for each caller."""

from __future__ import annotations

import numpy as np

from stream_rcf.core.arithmetic import log2
from stream_rcf.core.layout import Model
from stream_rcf.core.process import Scratch
from stream_rcf.core.scoring import Walk


def new_scratch(model: Model) -> Scratch:
    """Fresh working memory for forests of this shape; not to be shared between threads."""
    d = model.point_dimensions
    table = np.array([log2(mass + 1.0) for mass in range(model.sample_size + 1)], np.float64)
    trees = model.trees
    walk = Walk(
        np.empty(trees, np.int32),
        np.empty(trees, np.int32),
        np.empty(trees, np.float64),
        np.empty(trees, np.float64),
    )
    return Scratch(
        np.empty(d, np.float32),
        np.empty(d, np.float32),
        np.empty((d, 2), np.float64),
        np.empty((d, 2), np.float64),
        table,
        walk,
    )
