"""When many keys go at once, one message: which alerts are published, which are held, and when a digest is told.

A storm begins when ``keys`` different keys have an alert within ``span_ms`` of event time: at that alert a digest is
told, and it and all others are held from then on. It is over when fewer than half as many keys had one within
``span_ms``, so that the few alerts of every day do not keep it going; then a second digest tells what was held.

Everything is a pure function of the events in their order and of the two numbers: not of batches, nor of restarts.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

import orjson

from stream_rcf.errors import CheckpointError
from stream_rcf.pipeline.alert_storm import Alert, Digest, Storm, alert_of, marks_in, rows

MOST_KEYS = 1000  # of a storm's beginning: twice as many alerts are kept in mind and saved
# Alerts kept in mind for each key that a storm needs: half of them may come with times far from the others'.
KEPT_FOR_EACH = 2
# Whose ends are not to be told, since their beginnings were not; 160 kB of a checkpoint.
MOST_UNTOLD = 10_000


class Verdict(NamedTuple):
    """What becomes of an alert."""

    is_held: bool
    opened: Digest | None  # to be told in its place


class AlertDigest:
    """The alerts of one input partition.

    For each of its events in their order ``pass_event``, and for an alert ``take`` then. ``follows_incidents``: whether
    the ends of incidents are told too, but for those of which no alert was published.
    """

    def __init__(self, keys: int, span_ms: int, *, follows_incidents: bool = False) -> None:
        self._keys = keys
        self._span_ms = span_ms
        self._follows_incidents = follows_incidents
        # As many events as keys must show that time has gone on: one with a wrong time is not believed.
        self._step = max(1, span_ms // keys)
        self._followed = (keys + 1) // 2
        self._recent: dict[str, Alert] = {}  # while there is no storm: the latest of each key, by mark
        self._storm: Storm | None = None
        self._untold: dict[str, None] = {}  # incidents

    @property
    def has_storm(self) -> bool:
        """Whether alerts are held now."""
        return self._storm is not None

    def pass_event(self, timestamp: int) -> Digest | None:
        """Let an event go by; the closing digest, if the storm is over with it."""
        storm = self._storm
        if storm is None:
            return None
        storm.move_clock(timestamp, self._step)
        if not storm.is_over(self._span_ms):
            return None
        self._storm = None
        return storm.digest(is_over=True)

    def take(self, alert: Alert, *, opens_incident: bool) -> Verdict:
        """Decide on the alert of the event that went by last; ``opens_incident``: it is its incident's first."""
        if self._storm is not None:
            self._hold(self._storm, alert, opens_incident)
            return Verdict(True, None)
        self._recent.pop(alert.mark, None)
        self._recent[alert.mark] = alert
        if len(self._recent) > KEPT_FOR_EACH * self._keys:
            del self._recent[next(iter(self._recent))]
        together = self._together(alert)
        if len(together) < self._keys:
            self._untold.pop(alert.incident_id, None)
            return Verdict(False, None)
        times = [one.timestamp for one in together]
        self._storm = Storm(alert.alert_id, min(times), max(times))
        for one in together:
            if one is not alert:
                self._storm.add(one, self._followed, is_held=False)
        self._hold(self._storm, alert, opens_incident)
        self._recent = {}
        return Verdict(True, self._storm.digest(is_over=False))

    def _hold(self, storm: Storm, alert: Alert, opens_incident: bool) -> None:
        storm.add(alert, self._followed, is_held=True)
        if opens_incident and self._follows_incidents:
            self._untold[alert.incident_id] = None
            if len(self._untold) > MOST_UNTOLD:
                del self._untold[next(iter(self._untold))]

    def _together(self, alert: Alert) -> list[Alert]:
        """The most of the recent alerts, this one among them, that lie within one span; in the order they came in."""
        near = [one for one in self._recent.values() if abs(one.timestamp - alert.timestamp) <= self._span_ms]
        if len(near) < self._keys:
            return near
        times = sorted(one.timestamp for one in near)
        best, begin = 0, alert.timestamp
        for place, start in enumerate(times):
            if start > alert.timestamp:
                break
            count = bisect_right(times, start + self._span_ms) - place
            if count > best:
                best, begin = count, start
        return [one for one in near if begin <= one.timestamp <= begin + self._span_ms]

    def is_end_told(self, incident_id: str) -> bool:
        """Whether the end of an incident is to be told; to be asked once, when it ends."""
        if incident_id not in self._untold:
            return True
        del self._untold[incident_id]
        return False

    # -- checkpoints --------------------------------------------------------------------------------------------------

    def document(self) -> str:
        """What a checkpoint made now says; nothing where nothing is to be kept in mind."""
        if self._storm is None and not self._recent and not self._untold:
            return ""
        document = {
            "recent": [list(alert) for alert in self._recent.values()],
            "storm": None if self._storm is None else self._storm.document(),
            "untold": "".join(self._untold),
        }
        return orjson.dumps(document).decode("utf-8")

    def restore(self, document: str, where: str) -> None:
        """Go on from what ``document`` gave, perhaps with other numbers of keys and seconds; ``where`` it was found.

        Raises ``CheckpointError`` for anything else.
        """
        if not document:
            return
        try:
            fields = orjson.loads(document)
            recent = [alert_of(row) for row in rows(fields["recent"])[-KEPT_FOR_EACH * self._keys :]]
            storm = fields["storm"]
            restored = None if storm is None else Storm.from_document(storm, self._followed)
            untold = dict.fromkeys(marks_in(fields["untold"]) if self._follows_incidents else [])
        except (TypeError, ValueError, KeyError) as problem:
            raise CheckpointError(
                f"{where} is corrupt: what it says of alerts cannot be read ({problem})"
            ) from problem
        self._recent, self._storm, self._untold = {one.mark: one for one in recent}, restored, untold
