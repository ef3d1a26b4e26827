"""What a key takes: in memory when mature and when young, and saved."""

from __future__ import annotations

from dataclasses import dataclass

from load_tests.forest.series import Series
from load_tests.forest.shapes import MATURE_KEY_BYTES, SAVED_KEY_BYTES, STANDARD, YOUNG_KEY_BYTES
from load_tests.forest.start import measuring_core, start_aws, start_ours

MATURE_KEYS = 20
RESIDENT_KEYS = 100  # enough that what the process itself takes on meanwhile does not count
YOUNG_KEYS = 500
YOUNG_EVENTS = 10


@dataclass(frozen=True)
class BytesRow:
    """Bytes of one key, ours and AWS's where it could be measured. ``target`` is an upper limit for ours."""

    name: str
    ours: int
    peer: int | None
    target: int | None


def measure_bytes(mature: int) -> list[BytesRow]:
    """All rows; ``mature`` is the age of a mature key in events."""
    kept = _in_memory(MATURE_KEYS, mature)
    resident = _resident(RESIDENT_KEYS, mature)
    young = _in_memory(YOUNG_KEYS, YOUNG_EVENTS)
    saved = _saved(mature)
    age = f"{mature:,} events"
    return [
        BytesRow(f"in memory, {age}", kept.ours, kept.with_boxes, MATURE_KEY_BYTES),
        BytesRow(f"in memory, {age}, AWS without boxes", kept.ours, kept.without_boxes, None),
        BytesRow(f"in memory, {age}: growth of the process", resident, None, None),
        BytesRow(f"saved, {age}", saved.ours, saved.with_trees, SAVED_KEY_BYTES),
        BytesRow(f"saved, {age}, AWS without its trees", saved.ours, saved.without_trees, None),
        BytesRow(f"in memory, {YOUNG_EVENTS} events", young.ours, young.with_boxes, YOUNG_KEY_BYTES),
    ]


@dataclass(frozen=True)
class _Kept:
    ours: int
    with_boxes: int
    without_boxes: int


@dataclass(frozen=True)
class _Saved:
    ours: int
    with_trees: int
    without_trees: int


def _in_memory(keys: int, events: int) -> _Kept:
    """Ours as Python's allocators count it, objects included; AWS's as its collected heap shrinks without the keys."""
    core = [measuring_core()]
    records = Series(STANDARD.features, keys).take(events)
    with start_ours(STANDARD, core, keys, keyed=1, traced=1) as ours:
        ours.learn(records)
        traced = int(ours.ask("bytes", "memory"))
    with start_aws(STANDARD, core, keys) as aws:
        aws.learn(records)
        with_boxes = int(aws.ask("heap"))
        aws.ask("boxes", 0.0)
        without_boxes = int(aws.ask("heap"))
        aws.ask("forget")
        rest = int(aws.ask("heap"))
    return _Kept(traced, (with_boxes - rest) // keys, (without_boxes - rest) // keys)


def _resident(keys: int, events: int) -> int:
    """Ours as the operating system counts it: with the gaps that the allocator leaves between blocks."""
    with start_ours(STANDARD, [measuring_core()], keys, keyed=1) as ours:
        ours.learn(Series(STANDARD.features, keys).take(events))
        return int(ours.ask("bytes", "resident"))


def _saved(events: int) -> _Saved:
    core = [measuring_core()]
    records = Series(STANDARD.features).take(events)
    with start_ours(STANDARD, core) as ours:
        ours.learn(records)
        own = int(ours.ask("bytes", "saved"))
    with start_aws(STANDARD, core) as aws:
        aws.learn(records)
        return _Saved(own, int(aws.ask("saved", "trees")), int(aws.ask("saved", "samples")))
