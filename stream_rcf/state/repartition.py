"""Takes models along when a topic has gained partitions: each key's state is copied to where its events now come.

A key's old partition keeps its copy too, for events of it that still wait there: nothing known begins anew. Feedback
and maintenance are known to every partition, for all keys; a new one begins with what the first of the others has
heard, and hears the rest. A storm of alerts stays with the partition that it is in, and ends there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from stream_rcf.errors import CheckpointError
from stream_rcf.state.checkpoint_build import CheckpointBuild, Heading
from stream_rcf.state.checkpoint_store import CheckpointStore
from stream_rcf.state.manifest import Manifest, PartitionId
from stream_rcf.state.partitioners import PARTITIONERS, partitioners_of
from stream_rcf.state.saved_keys import Frame, SavedKeys
from stream_rcf.state.segments import SegmentIndex


class Moved(NamedTuple):
    """What was done for one partition."""

    partition: PartitionId
    arrived: int  # keys that came from other partitions
    keys: int  # that its new checkpoint holds
    offset: int  # at which it stands


class _Home(NamedTuple):
    """A partition as it was before."""

    manifest: Manifest
    newest_number: int
    saved: SavedKeys


def repartition(
    store: CheckpointStore,
    group: str,
    topic: str,
    *,
    topic_partitions: int,
    committed: Mapping[int, int | None],
    first_offsets: Mapping[int, int],
    fingerprint: str,
    partitioner: str | None = None,
    accept_gap: bool = False,
) -> list[Moved]:
    """Write a checkpoint for every partition of the topic, which now has ``topic_partitions``.

    ``committed`` are the group's offsets by partition; ``first_offsets`` those at which new partitions begin.
    ``partitioner`` is the producers'; ``None`` finds it out from where the keys are. ``accept_gap``: also where a
    checkpoint is older than what is committed. No process of the group may run.
    Raises ``CheckpointError``, having changed nothing, where a key's new partition or its latest state cannot be known.
    """
    homes = {
        number: home
        for number in range(topic_partitions)
        if (
            home := _home(
                store, PartitionId(group, topic, number), committed.get(number), fingerprint, accept_gap
            )
        )
    }
    if not homes:
        raise CheckpointError(
            f"no checkpoint of topic {topic} as group {group} reads it is in {store.objects.root}"
        )
    before = max(home.manifest.topic_partitions for home in homes.values())
    if before == topic_partitions:
        raise CheckpointError(
            f"topic {topic} has {topic_partitions} partitions, as when its models were saved: nothing is to be done"
        )
    place = PARTITIONERS[_partitioner(homes, before, partitioner)]
    arriving: dict[int, dict[str, tuple[int, Frame]]] = {number: {} for number in range(topic_partitions)}
    for number, home in homes.items():
        for key in home.saved.newest_first():
            target = place(key.encode(), topic_partitions)
            if target != number and (target not in homes or key not in homes[target].saved):
                arriving[target][key] = (number, home.saved.frame(key))
    return [
        _write(
            store,
            PartitionId(group, topic, number),
            homes,
            arriving[number],
            topic_partitions,
            fingerprint,
            offset,
        )
        for number in range(topic_partitions)
        for offset in [homes[number].manifest.offset if number in homes else first_offsets[number]]
    ]


def _home(
    store: CheckpointStore, partition: PartitionId, committed: int | None, fingerprint: str, accept_gap: bool
) -> _Home | None:
    found = store.manifests(partition)
    if not found.manifests:
        return None
    manifest = found.manifests[0]
    if manifest.fingerprint != fingerprint:
        raise CheckpointError(
            f"{partition}: its newest checkpoint was made with other settings of features, keys, forest or detector"
        )
    if committed is not None and manifest.offset != committed and not accept_gap:
        raise CheckpointError(
            f"{partition}: offset {committed} is committed, but its newest checkpoint stands at {manifest.offset}, as"
            f" after a crash. --accept-gap takes the models as they were there: they miss the events between"
        )
    return _Home(manifest, found.newest_number, SavedKeys(store.indexes(manifest)))


def _partitioner(homes: Mapping[int, _Home], before: int, named: str | None) -> str:
    placed = [(key, number) for number, home in homes.items() for key in home.saved.newest_first()]
    fitting = partitioners_of(placed, before)
    if named is not None:
        if named not in fitting:
            raise CheckpointError(
                f"partitioner {named} does not explain on which of {before} partitions the {len(placed)} keys are"
            )
        return named
    if len(fitting) != 1:
        how = "more than one partitioner explains" if fitting else "no known partitioner explains"
        raise CheckpointError(
            f"{how} on which of {before} partitions the {len(placed)} keys are: name the producers' by --partitioner"
            f" ({' or '.join(PARTITIONERS)}), or set checkpoint.on_unusable=fresh and run the service"
        )
    return fitting[0]


def _backfill(homes: Mapping[int, _Home]) -> str:
    """That of a new partition: keys that had no event yet may come there as well as to those that were there before."""
    found = {home.manifest.backfill for home in homes.values()} - {""}
    if len(found) > 1:
        raise CheckpointError(
            "partitions of the topic go on from different backfills, so nobody knows what keys without an event begin"
            " with: run the service once with checkpoint.backfill_url= and checkpoint.on_unusable=fresh to let go of"
            " them"
        )
    return found.pop() if found else ""


def _write(
    store: CheckpointStore,
    partition: PartitionId,
    homes: Mapping[int, _Home],
    arriving: Mapping[str, tuple[int, Frame]],
    topic_partitions: int,
    fingerprint: str,
    offset: int,
) -> Moved:
    home = homes.get(partition.partition)
    saved = SavedKeys() if home is None else home.saved
    continuation = saved.continuation(arriving.keys())
    heading = Heading(
        partition,
        fingerprint,
        1 if home is None else home.newest_number + 1,
        offset,
        None if home is None else home.manifest.number,
        continuation.keys,
        topic_partitions,
        _backfill(homes) if home is None else home.manifest.backfill,
        (next(iter(homes.values())) if home is None else home).manifest.feedback,
        "" if home is None else home.manifest.alert_digest,
    )
    build = CheckpointBuild(store, heading, continuation.kept)
    for index, rows in continuation.carried:
        build.carry(index, rows)
    by_segment: dict[tuple[int, str], tuple[SegmentIndex, list[int]]] = {}
    for source, frame in arriving.values():
        by_segment.setdefault((source, frame.segment.segment.name), (frame.segment, []))[1].append(frame.row)
    for (source, _), (index, moved) in by_segment.items():
        build.carry(index, moved, homes[source].manifest.partition)
    manifest, _ = build.finish()
    return Moved(partition, len(arriving), manifest.keys, offset)
