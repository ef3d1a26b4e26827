"""What a measured program is told, a line at a time, and answers, a line each: the Python side of both ends.

``load R``   R records of every key follow, little-endian float32, the keys in turn
``learn``    learn what is loaded, each key's records after one another
``turn``     score and learn what is loaded, the keys in turn; the answer is seconds
Further lines are the program's own. The first line it says is ``ready``; it ends with its input.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence

import numpy as np

READY = "ready"
RECORD_TYPE = np.dtype("<f4")
Handler = Callable[[Sequence[str]], object]


def program_arguments() -> dict[str, str]:
    """The words ``name=value`` of the command line."""
    return dict(word.split("=", 1) for word in sys.argv[1:])


def read_records(rounds: int, keys: int, features: int) -> np.ndarray:
    """The records that follow a ``load``: (rounds, keys, features) float32. Raises ``EOFError`` when they break off."""
    wanted = rounds * keys * features * RECORD_TYPE.itemsize
    data = sys.stdin.buffer.read(wanted)
    if len(data) != wanted:
        raise EOFError(f"{len(data)} bytes of records, not {wanted}")
    return np.frombuffer(data, RECORD_TYPE).reshape(rounds, keys, features)


def serve(handlers: Mapping[str, Handler]) -> None:
    """Answer every line with what its first word's handler returns, given the other words, to the input's end."""
    print(READY, flush=True)
    for line in iter(sys.stdin.buffer.readline, b""):
        word, *rest = line.decode("ascii").split()
        print(handlers[word](rest), flush=True)
