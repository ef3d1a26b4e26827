"""Judges the outputs of a disturbed run by those of an undisturbed one. Pure: records in, sentences out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import orjson

from load_tests.chaos.offline import Expected, ExpectedRecord, Place
from tests.support.broker_client import Record

MOST_SENTENCES = 20  # of one kind of output: the first ones say what is wrong


class Outputs(NamedTuple):
    """What a ``read_committed`` reader finds in the three topics, each by partition and offset."""

    scores: Sequence[Record]
    alerts: Sequence[Record]
    dead_letters: Sequence[Record]


class Verdict(NamedTuple):
    """``verified``: events whose every output is right; ``problems``: one sentence each, none when all are."""

    verified: int
    problems: list[str]


def verify(outputs: Outputs, expected: Expected) -> Verdict:
    """Every expected record once, with the same key and bytes, in order within its key; and no other record."""
    scores = _Judge("scores", expected.scores)
    alerts = _Judge("alerts", expected.alerts)
    dead_letters = _Judge("dead-letters", expected.dead_letters)
    for judge, records in ((scores, outputs.scores), (alerts, outputs.alerts)):
        for record in records:
            judge.look_at(record, _source_in_value(record))
    for record in outputs.dead_letters:
        place = _source_in_headers(record)
        dead_letters.look_at(record, place)
        if place in expected.rejections:
            headers = dict(record.headers)
            said, wanted = (headers.get("error"), headers.get("reason")), expected.rejections[place]
            if said != (wanted.error.encode(), wanted.reason.encode()):
                dead_letters.complain(place, f"says {said!r}, not {tuple(wanted)!r}")
    judges = (scores, alerts, dead_letters)
    for judge in judges:
        judge.finish()
    faulty = {place for judge in judges for place in judge.faulty}
    verified = len((expected.scores.keys() | expected.dead_letters.keys()) - faulty)
    return Verdict(verified, [sentence for judge in judges for sentence in judge.sentences()])


def verify_offsets(committed: Mapping[int, int], ends: Mapping[int, int]) -> list[str]:
    """At the end the group must have committed each partition to its end."""
    return [
        f"input partition {partition}: the group committed {committed.get(partition)}, the topic ends at {end}"
        for partition, end in sorted(ends.items())
        if committed.get(partition) != end
    ]


class _Judge:
    """One topic's records, looked at one after the other in the order of partition and offset."""

    def __init__(self, topic: str, expected: Mapping[Place, ExpectedRecord]) -> None:
        self._topic = topic
        self._expected = expected
        self._seen: set[Place] = set()
        self._last: dict[bytes, tuple[int, int]] = {}  # by key: partition of the output, offset of the event
        self._complaints: list[str] = []
        self.faulty: set[Place] = set()

    def look_at(self, record: Record, place: Place | None) -> None:
        """Hold one record against what is expected at ``place``, where its event lies."""
        found = f"{self._topic}[{record.partition}] offset {record.offset}"
        if place is None:
            self._complaints.append(f"{found}: does not say of which event it is: {record.value!r}")
            return
        wanted = self._expected.get(place)
        if wanted is None:
            self.complain(place, f"has a record that must not be ({found}): {record.value!r}")
            return
        if place in self._seen:
            self.complain(place, f"was published twice, the second time as {found}")
        self._seen.add(place)
        if record.value != wanted.value or record.key != wanted.key:
            self.complain(
                place,
                f"differs ({found}): key {record.key!r} value {record.value!r}\n"
                f"    undisturbed: key {wanted.key!r} value {wanted.value!r}",
            )
        before = self._last.get(wanted.key)
        if before is not None and before[0] != record.partition:
            self.complain(place, f"is in partition {record.partition}, its key was in {before[0]} before")
        elif before is not None and before[1] > place[1]:
            self.complain(place, f"comes after the event at offset {before[1]} of the same key ({found})")
        self._last[wanted.key] = (record.partition, place[1])

    def finish(self) -> None:
        """No more records will come."""
        for place in sorted(self._expected.keys() - self._seen):
            self.complain(place, "is lost: it was never published")

    def complain(self, place: Place, what: str) -> None:
        """Note a problem with the output of the event at ``place``."""
        self.faulty.add(place)
        self._complaints.append(f"{self._topic}: the event at {place[0]}:{place[1]} {what}")

    def sentences(self) -> Iterable[str]:
        """The first problems, and how many more there are."""
        yield from self._complaints[:MOST_SENTENCES]
        if len(self._complaints) > MOST_SENTENCES:
            yield f"{self._topic}: and {len(self._complaints) - MOST_SENTENCES} more"


def _source_in_value(record: Record) -> Place | None:
    try:
        source = orjson.loads(record.value or b"")["source"]
        return source["partition"], source["offset"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None


def _source_in_headers(record: Record) -> Place | None:
    headers = dict(record.headers)
    try:
        return int(headers["source_partition"] or b""), int(headers["source_offset"] or b"")
    except (KeyError, ValueError):
        return None
