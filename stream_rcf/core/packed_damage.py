"""What may be wrong with a saved key whose checksum is right, as kernels say it and as people read it."""

from __future__ import annotations

ALL_TREES = -1  # nothing: no tree is damaged; from 0 on the number of the first one that is
BAD_RUNS, BAD_VALUES, BAD_END = -2, -3, -4
DAMAGE = {
    BAD_RUNS: "its records are not those of its latest events",
    BAD_VALUES: "it holds a value that is not a finite number",
    BAD_END: "its last part is not what was written",
}


def damage_text(damage: int) -> str:
    """A number other than ``ALL_TREES`` in words."""
    return DAMAGE.get(damage, f"tree {damage} is not a tree over its samples")
