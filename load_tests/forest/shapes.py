"""The shapes of forest that are measured, and the rows of the table with their targets."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Shape:
    """What a forest's cost hangs on. ``features`` are the numbers of one record; a point is a whole shingle."""

    trees: int = 50
    sample_size: int = 256
    features: int = 1
    shingle_size: int = 8

    @property
    def point_dimensions(self) -> int:
        """Coordinates of a point."""
        return self.features * self.shingle_size

    @property
    def arguments(self) -> dict[str, int]:
        """The words that every program takes."""
        return {
            "trees": self.trees,
            "sample_size": self.sample_size,
            "dimensions": self.features,
            "shingle_size": self.shingle_size,
        }

    def __str__(self) -> str:
        return f"{self.trees} x {self.sample_size}, {self.features}, {self.shingle_size}"


@dataclass(frozen=True)
class Row:
    """A row of the table. ``target`` is the ratio asked for, ours to AWS's; ``None`` for a row that has none."""

    shape: Shape
    target: float | None
    keys: int = 1
    bounding_boxes: bool = True  # whether AWS keeps them

    @property
    def name(self) -> str:
        """As the table shows it."""
        keys = f"{self.keys:,} keys in turn, " if self.keys > 1 else ""
        return f"{keys}{self.shape}{'' if self.bounding_boxes else ', AWS without boxes'}"


STANDARD = Shape()
ONE_KEY_ROWS = (
    Row(STANDARD, 4.5),
    Row(Shape(features=4), 5.5),
    Row(Shape(trees=100, shingle_size=1), 4.5),
    Row(Shape(sample_size=512), 5.0),
)


def many_key_rows(keys: int) -> tuple[Row, Row]:
    """The standard forest for each of many keys, beside AWS with and without bounding boxes."""
    with_boxes = Row(STANDARD, 8.0, keys)
    return with_boxes, replace(with_boxes, target=None, bounding_boxes=False)


# Upper limits in bytes for one key with the standard forest.
MATURE_KEY_BYTES = 300_000
SAVED_KEY_BYTES = 90_000
YOUNG_KEY_BYTES = 12_000
