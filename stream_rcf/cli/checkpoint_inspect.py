"""``stream-rcf checkpoint inspect URL``: what a store of checkpoints or saved states holds, checksums verified."""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

import orjson

from stream_rcf.cli.backfill_inspect import BackfillInspection, inspect_backfill
from stream_rcf.errors import CheckpointError
from stream_rcf.state.backfill_store import BackfillStore
from stream_rcf.state.checkpoint_store import CheckpointStore, open_store
from stream_rcf.state.manifest import Manifest, PartitionId


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``stream-rcf checkpoint inspect``."""
    parser.add_argument(
        "url", metavar="URL", help="as in checkpoint.url or --save-state, such as file:./checkpoints"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")


def run(arguments: argparse.Namespace) -> int:
    """Print the inspection; 1 if anything in it is corrupt.

    Raises ``UsageError`` for a URL that names no store, ``UnreachableError`` where the store cannot be read.
    """
    store = open_store(arguments.url)
    inspections = [_inspect(store, partition) for partition in store.partitions()]
    backfill = inspect_backfill(BackfillStore(store.objects))
    now = time.time()
    if arguments.json:
        document = _document(arguments.url, inspections, backfill, now)
        print(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
    else:
        lines = [] if backfill is None else backfill.lines()
        if inspections or not lines:
            lines.append(_table(arguments.url, inspections, now))
        print("\n".join(lines))
    return 1 if _is_corrupt(inspections, backfill) else 0


def _is_corrupt(inspections: list[_Inspection], backfill: BackfillInspection | None) -> bool:
    has_problem = backfill is not None and backfill.problem is not None
    return has_problem or any(inspection.problems for inspection in inspections)


@dataclass(slots=True)
class _Inspection:
    """One partition: its checkpoints that could be listed, newest first, and all that is wrong."""

    partition: PartitionId
    manifests: list[Manifest] = field(default_factory=list)
    corrupt: set[int] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)


def _inspect(store: CheckpointStore, partition: PartitionId) -> _Inspection:
    listing = store.manifests(partition)
    inspection = _Inspection(partition, problems=list(listing.problems))
    for manifest in listing.manifests:
        try:
            store.verify(manifest)
        except CheckpointError as error:
            if manifest not in store.manifests(partition).manifests:
                continue  # a running service wrote newer ones meanwhile and removed it
            inspection.corrupt.add(manifest.number)
            inspection.problems.append(str(error))
        inspection.manifests.append(manifest)
    return inspection


def _document(
    url: str, inspections: list[_Inspection], backfill: BackfillInspection | None, now: float
) -> dict[str, object]:
    return {
        "url": url,
        "corrupt": _is_corrupt(inspections, backfill),
        "saved_state": None if backfill is None else backfill.facts(),
        "partitions": [
            {
                **inspection.partition._asdict(),
                "problems": inspection.problems,
                "checkpoints": [
                    {
                        "number": manifest.number,
                        "previous": manifest.previous,
                        "offset": manifest.offset,
                        "keys": manifest.keys,
                        "frames": manifest.frames,
                        "segments": len(manifest.segments),
                        "bytes": manifest.bytes,
                        "fingerprint": manifest.fingerprint,
                        "backfill": manifest.backfill or None,
                        "feedback": orjson.loads(manifest.feedback) if manifest.feedback else None,
                        "alert_digest": orjson.loads(manifest.alert_digest)
                        if manifest.alert_digest
                        else None,
                        "created_at": manifest.created_at,
                        "age_seconds": round(_age_seconds(manifest, now), 3),
                        "verified": manifest.number not in inspection.corrupt,
                    }
                    for manifest in inspection.manifests
                ],
            }
            for inspection in inspections
        ],
    }


_HEADINGS = (
    "group",
    "topic",
    "partition",
    "checkpoint",
    "offset",
    "keys",
    "bytes",
    "fingerprint",
    "created",
    "age",
    "checksums",
)
_TO_THE_RIGHT = {"partition", "checkpoint", "offset", "keys", "bytes", "age"}


def _table(url: str, inspections: list[_Inspection], now: float) -> str:
    if not inspections:
        return f"{url} holds no checkpoints"
    rows = [_HEADINGS]
    for inspection in inspections:
        group, topic, number = inspection.partition
        for manifest in inspection.manifests:
            rows.append(
                (
                    _printable(group),
                    _printable(topic),
                    str(number),
                    str(manifest.number),
                    str(manifest.offset),
                    str(manifest.keys),
                    str(manifest.bytes),
                    manifest.fingerprint,
                    datetime.fromtimestamp(manifest.created_at // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                    _duration(_age_seconds(manifest, now)),
                    "CORRUPT" if manifest.number in inspection.corrupt else "verified",
                )
            )
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = ["  ".join(_cells(row, widths)).rstrip() for row in rows]
    problems = [f"corrupt: {problem}" for inspection in inspections for problem in inspection.problems]
    checkpoints = sum(len(inspection.manifests) for inspection in inspections)
    lines.append(f"partitions: {len(inspections)}, checkpoints: {checkpoints}, problems: {len(problems)}")
    return "\n".join(lines + problems)


def _cells(row: tuple[str, ...], widths: list[int]) -> list[str]:
    return [
        cell.rjust(width) if heading in _TO_THE_RIGHT else cell.ljust(width)
        for heading, cell, width in zip(_HEADINGS, row, widths, strict=True)
    ]


def _age_seconds(manifest: Manifest, now: float) -> float:
    return now - manifest.created_at / 1000


def _duration(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _printable(name: str) -> str:
    return name.encode("unicode_escape").decode("ascii") if not name.isprintable() else name
