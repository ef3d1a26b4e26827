"""What goes to the alerts topic for a batch: alerts and ends of incidents as they are, or digests in their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stream_rcf.pipeline.encode_digest import counted_alert, digest_key, digest_record, incident_of
from stream_rcf.pipeline.score_batch import ScoredBatch
from stream_rcf.service.batch_content import Batch


class AlertRecords(NamedTuple):
    """Records in the order of their events."""

    records: list[tuple[bytes, bytes]]  # the Kafka message key, and the value
    alerts: int  # of one key each, among the records
    held: int  # alerts that are not among them


def alert_records(
    batch: Batch,
    scored: ScoredBatch,
    features: Sequence[str],
    alerts: Mapping[int, bytes],
    resolved: Mapping[int, bytes],
) -> AlertRecords:
    """What is to be published, once for each batch in the order in which they were scored.

    ``alerts`` and ``resolved``: the records by index of their event. With ``batch.digests`` each event moves the state
    of its partition on, those learned silently too.
    """
    if not _is_anything_new(batch, scored):
        told = sorted({**alerts, **resolved}.items())
        records = [(batch.events[index].key.encode(), record) for index, record in told]
        return AlertRecords(records, len(alerts), 0)
    return _digested(batch, scored, features, alerts, resolved)


def _is_anything_new(batch: Batch, scored: ScoredBatch) -> bool:
    """Whether the batch is of interest to the digests of its partitions, which is seldom."""
    if not batch.digests:
        return False
    return (
        bool(scored.resolved)
        or max(scored.grade, default=0.0) > 0.0
        or any(one.has_storm for one in set(batch.digests))
    )


def _digested(
    batch: Batch,
    scored: ScoredBatch,
    features: Sequence[str],
    alerts: Mapping[int, bytes],
    resolved: Mapping[int, bytes],
) -> AlertRecords:
    records: list[tuple[bytes, bytes]] = []
    held = 0
    ends = set(scored.resolved)
    columns = zip(batch.events, batch.digests, batch.positions, batch.sources, strict=True)
    for index, (event, digest, position, source) in enumerate(columns):
        told = [digest.pass_event(event.timestamp)]
        own: bytes | None = None
        if scored.grade[index] > 0.0:
            alert = counted_alert(event, position, features, scored, index)
            verdict = digest.take(alert, opens_incident=scored.incident_alerts[index] == 1)
            told.append(verdict.opened)
            own = None if verdict.is_held else alerts.get(index)
            held += verdict.is_held and source is not None
        elif index in ends and digest.is_end_told(incident_of(event, scored, index)):
            own = resolved.get(index)
        if source is None:
            continue
        for one in told:
            if one is not None:
                records.append((digest_key(position), digest_record(one, event.timestamp, position)))
        if own is not None:
            records.append((event.key.encode(), own))
    return AlertRecords(records, len(alerts) - held, held)
