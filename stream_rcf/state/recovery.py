"""Where a partition starts: which checkpoint, from which offset to read, from which to publish. Pure, no I/O.

    committed   the group's committed offset: the next event whose output nobody has seen yet
    low, high   the partition's events are those at low <= offset < high
    checkpoint  at offset o: the models after exactly the events before o

A checkpoint serves if it belongs to these settings, is not ahead of the committed offset, and the events
between the two are still there: they are read again, learned silently, and everything from the committed
offset on is published.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from stream_rcf.errors import CheckpointError
from stream_rcf.state.manifest import Manifest

StartFrom = Literal["earliest", "latest"]
OnUnusable = Literal["fail", "fresh"]


@dataclass(frozen=True, slots=True)
class RecoveryPlan:
    """Load ``checkpoint`` (``None``: empty models), read from ``start_offset``, publish ``publish_from`` on.

    ``start_offset <= publish_from``. With no checkpoint the caller writes an empty one at ``start_offset``
    before the first commit. ``warning`` is a sentence for the log about anything that was passed over, lost
    or begun afresh. ``is_first``: nothing of the partition was ever published, so its keys may begin with a backfill.
    """

    checkpoint: Manifest | None
    start_offset: int
    publish_from: int
    warning: str | None
    is_first: bool = False


def plan_recovery(
    *,
    committed: int | None,
    low: int,
    high: int,
    manifests: Sequence[Manifest],
    fingerprint: str,
    start_from: StartFrom,
    on_unusable: OnUnusable,
    problems: Sequence[str] = (),
    backfill: str = "",
) -> RecoveryPlan:
    """Decide where to start.

    ``manifests`` are newest first; ``problems`` are sentences about checkpoints that cannot be read; ``backfill`` is
    the identity of the one that the settings name. When the content of a planned checkpoint turns out to be corrupt,
    call again without it and with that problem.
    Raises ``CheckpointError`` where going on would lose or repeat something and ``on_unusable`` is ``fail``.
    """
    first = low if start_from == "earliest" else high
    if committed is None:
        return _plan_without_commit(
            low=low,
            high=high,
            first=first,
            manifests=manifests,
            fingerprint=fingerprint,
            on_unusable=on_unusable,
            problems=problems,
            backfill=backfill,
        )
    if committed > high:
        # The only case that may publish below the committed offset: those offsets now name other events.
        trouble = (
            f"the committed offset {committed} is beyond the topic's end {high}: the topic was probably"
            f" recreated or lost its tail"
        )
        return _fresh(trouble, first, on_unusable, "choose where the group starts by resetting its offsets")
    if committed < low:
        trouble = (
            f"the topic begins at offset {low}, but only events before {committed} were scored: up to"
            f" {low - committed} events were deleted by the topic's retention before they could be scored"
        )
        return _fresh(
            trouble, low, on_unusable, "lengthen the topic's retention so that it cannot happen again"
        )
    passed_over = list(problems)
    for manifest in manifests:
        obstacle = _obstacle(manifest, committed, low, high, fingerprint)
        if obstacle is None:
            return RecoveryPlan(manifest, manifest.offset, committed, _passed_over(passed_over))
        passed_over.append(obstacle)
    if not passed_over:
        trouble = f"offset {committed} is committed, but there is no checkpoint: the learned models are lost"
    else:
        trouble = f"offset {committed} is committed, but no checkpoint serves: {'; '.join(passed_over)}"
    return _fresh(
        trouble,
        committed,
        on_unusable,
        "bring back what is missing (the folder of checkpoints, or the settings it was made with)",
    )


def _plan_without_commit(
    *,
    low: int,
    high: int,
    first: int,
    manifests: Sequence[Manifest],
    fingerprint: str,
    on_unusable: OnUnusable,
    problems: Sequence[str],
    backfill: str,
) -> RecoveryPlan:
    if not manifests and not problems:
        return RecoveryPlan(None, first, first, None, is_first=True)
    if manifests and not problems and _is_first(manifests[0]) and low <= manifests[0].offset <= high:
        # Ended between the first, empty checkpoint and the first commit: nothing was lost, start there again.
        first_one = manifests[0]
        serves = first_one.fingerprint == fingerprint and first_one.backfill == backfill
        return RecoveryPlan(
            first_one if serves else None, first_one.offset, first_one.offset, None, is_first=True
        )
    if manifests and not problems and _is_first(manifests[0]) and manifests[0].offset < low:
        trouble = (
            f"events from offset {manifests[0].offset} on were waiting for their first score, but the topic now begins"
            f" at {low}: up to {low - manifests[0].offset} were deleted by its retention"
        )
        return _fresh(
            trouble, low, on_unusable, "lengthen the topic's retention so that it cannot happen again"
        )
    found = list(problems) + [
        f"checkpoint {manifest.number} stands at offset {manifest.offset}" for manifest in manifests
    ]
    trouble = (
        f"the group has no committed offset, although it has checkpoints ({'; '.join(found)}):"
        f" its offsets were lost"
    )
    return _fresh(trouble, first, on_unusable, "reset the group's offset to that of a checkpoint")


def _is_first(manifest: Manifest) -> bool:
    return manifest.previous is None and manifest.keys == 0


def _obstacle(manifest: Manifest, committed: int, low: int, high: int, fingerprint: str) -> str | None:
    name = f"checkpoint {manifest.number} at offset {manifest.offset}"
    if manifest.fingerprint != fingerprint:
        return (
            f"{name} was made with other settings of features, keys, forest or detector (fingerprint"
            f" {manifest.fingerprint}, now {fingerprint})"
        )
    if manifest.offset > high:
        return f"{name} is beyond the topic's end {high}, as if the topic had been recreated"
    if manifest.offset > committed:
        return f"{name} is ahead of the committed offset {committed}, as if that had been set back"
    if manifest.offset < low and manifest.offset < committed:
        return (
            f"{name} needs the events from there on again, but the topic now begins at {low}:"
            f" {low - manifest.offset} were deleted by its retention"
        )
    return None


def _passed_over(obstacles: Sequence[str]) -> str | None:
    return f"a newer checkpoint was passed over: {'; '.join(obstacles)}" if obstacles else None


def _fresh(trouble: str, offset: int, on_unusable: OnUnusable, remedy: str) -> RecoveryPlan:
    if on_unusable == "fail":
        raise CheckpointError(
            f"{trouble}. Either {remedy}, or set checkpoint.on_unusable=fresh to begin with empty models"
            f" at offset {offset}"
        )
    return RecoveryPlan(None, offset, offset, f"{trouble}. Beginning with empty models at offset {offset}")
