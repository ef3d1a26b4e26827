"""Which pictures are drawn of a stream, and where they go."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stream_rcf.core.parameters import DetectorParameters
from stream_rcf.errors import UsageError
from stream_rcf.files.inputs import STANDARD_INPUT
from stream_rcf.files.picture import MOST_PICTURES, SUFFIXES, draw
from stream_rcf.files.series import SeriesCollector

DEFAULT_STEM = "scores"  # of pictures of standard input


def picture_path(plot: str, sources: Sequence[str]) -> Path:
    """Return the picture's path: ``plot`` itself, or a file in it named after the input where it is a folder.

    A path without a suffix is a folder, which is made. Raises ``UsageError`` for any other suffix.
    """
    path = Path(plot)
    if path.is_dir() or not path.suffix or plot.endswith("/"):
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{plot}: the folder for pictures cannot be made: {error.strerror}") from error
        stem = DEFAULT_STEM if sources[0] == STANDARD_INPUT else Path(sources[0]).stem
        return path / f"{stem}.png"
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{plot}: a picture is named {', '.join(sorted(SUFFIXES))}, not {path.suffix}")
    if not path.parent.is_dir():
        raise UsageError(f"{plot}: there is no folder {path.parent}")
    return path


def draw_pictures(
    collected: SeriesCollector, parameters: DetectorParameters, source: str, path: Path
) -> list[Path]:
    """Draw the stream: one picture for each key, of many keys those that are most anomalous.

    The first goes to ``path``, the others beside it with -2, -3 and so on. Returns the paths written; none
    where the stream had no event that could be scored.
    """
    chosen = collected.most_anomalous(MOST_PICTURES)
    written: list[Path] = []
    for rank, series in enumerate(chosen, start=1):
        title = source
        if collected.keys > 1:
            title += f', key "{series.key}" (number {rank} of {collected.keys} keys by highest grade)'
        target = path if rank == 1 else path.with_stem(f"{path.stem}-{rank}")
        draw(series, parameters.features, parameters, title, target)
        written.append(target)
    return written
