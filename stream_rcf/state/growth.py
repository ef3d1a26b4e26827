"""A topic that gained partitions: keys now come elsewhere than before, and their models must not begin from nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from stream_rcf.errors import CheckpointError
from stream_rcf.state.checkpoint_store import CheckpointStore
from stream_rcf.state.manifest import Manifest, PartitionId


def check_growth(
    store: CheckpointStore,
    partition: PartitionId,
    manifests: Sequence[Manifest],
    topic_partitions: int,
    on_unusable: Literal["fail", "fresh"],
) -> str | None:
    """Compare the topic's partitions with those when the checkpoints were made; a sentence for the log, or ``None``.

    ``manifests`` are the partition's own, newest first; one without any asks its siblings'. Raises ``CheckpointError``
    with the way out where the number differs and ``on_unusable`` is ``fail``.
    """
    known = manifests[0].topic_partitions if manifests else _of_siblings(store, partition)
    if known in (0, topic_partitions):
        return None
    trouble = (
        f"{partition}: the topic has {topic_partitions} partitions, but had {known} when its models were saved."
        f" Producers now send keys to other partitions than before, where nothing is known of them"
    )
    if on_unusable == "fail":
        raise CheckpointError(
            f"{trouble}. Stop every copy and run `stream-rcf checkpoint repartition`, which takes the models of all"
            f" keys to their new partitions; or set checkpoint.on_unusable=fresh to let keys that moved begin anew"
        )
    return f"{trouble}. Keys that moved begin with empty models"


def _of_siblings(store: CheckpointStore, partition: PartitionId) -> int:
    for sibling in store.partitions_of(partition.group, partition.topic):
        if sibling != partition:
            found = store.manifests(sibling).manifests
            if found:
                return found[0].topic_partitions
    return 0
