"""Incidents: alerts of one key that lie close together are one thing that happened, with a beginning and an end."""

from __future__ import annotations

from stream_rcf.core.kernel import inlined_kernel
from stream_rcf.core.layout import (
    EVENTS_SEEN,
    INCIDENT_ALERTS,
    INCIDENT_EVENT,
    INCIDENT_STARTED_AT,
    LATEST_ALERT_AT,
    LATEST_ALERT_EVENT,
    Block,
)
from stream_rcf.core.model import Model
from stream_rcf.core.retirement import is_longer_after

# Events without an alert after which an incident is over: as many as an event must be the strangest of to be news.
RESOLVED_AFTER = 50


@inlined_kernel
def follow_incident(block: Block, is_alert: bool, timestamp: int) -> bool:
    """Let the key's incident take the present event in; whether this event ends it, having been quiet for so long.

    An incident is known by the number of its first event, from 1; 0 is none. Its numbers stay until the next begins.
    """
    integers = block.integers
    event = integers[EVENTS_SEEN] + 1
    is_open = integers[INCIDENT_EVENT] > 0 and event - integers[LATEST_ALERT_EVENT] <= RESOLVED_AFTER
    if is_alert:
        if not is_open:
            integers[INCIDENT_EVENT] = event
            integers[INCIDENT_ALERTS] = 0
            integers[INCIDENT_STARTED_AT] = timestamp
        integers[INCIDENT_ALERTS] += 1
        integers[LATEST_ALERT_EVENT] = event
        integers[LATEST_ALERT_AT] = timestamp
        return False
    return is_open and event - integers[LATEST_ALERT_EVENT] == RESOLVED_AFTER


@inlined_kernel
def is_cooling_down(block: Block, model: Model, timestamp: int) -> bool:
    """Whether the event is no further than ``cooldown_ms`` from its key's latest alert, by the events' own times.

    To either side: one alert with a time in the far future does not silence its key until then.
    """
    integers = block.integers
    if model.cooldown_ms == 0 or integers[LATEST_ALERT_EVENT] == 0:
        return False
    latest = integers[LATEST_ALERT_AT]
    return not is_longer_after(max(timestamp, latest), min(timestamp, latest), model.cooldown_ms)
