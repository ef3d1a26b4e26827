"""The models that keys begin with where a history was learned before: ``checkpoint.backfill_url``.

A key takes its model from here with its first event; from then on it is in the service's own checkpoints, and the
backfill is not asked for it again. Which backfill it was is in every checkpoint of the partition.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.model import Model, model_of
from stream_rcf.core.parameters import DetectorParameters
from stream_rcf.errors import CheckpointError
from stream_rcf.observe.metrics import Metrics
from stream_rcf.service.patience import read_patiently
from stream_rcf.state.backfill_document import BackfillDocument
from stream_rcf.state.backfill_store import BackfillStore, open_backfills, require_keys
from stream_rcf.state.key_loader import unpack_saved
from stream_rcf.state.key_memory import KEY_BYTES
from stream_rcf.state.model_settings import differing_settings, model_settings
from stream_rcf.state.saved_keys import SavedKeys

logger = logging.getLogger(__name__)

_WAY_OUT = (
    "Bring it back as it was; or set checkpoint.backfill_url to nothing, and after a crash also"
    " checkpoint.on_unusable=fresh: keys without an event so far then begin with empty models"
)


class Backfill:
    """The ``Origin`` of all tables of a process. For the thread that owns them.

    Raises ``CheckpointError`` where its indexes are not what was written.
    """

    def __init__(
        self,
        store: BackfillStore,
        document: BackfillDocument,
        model: Model,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.identity = document.identity
        self._store = store
        self._created_at = document.created_at
        self._model = model
        self._metrics = metrics
        self._clock = clock
        self._saved = SavedKeys(store.indexes(document))
        require_keys(document, len(self._saved))

    def __len__(self) -> int:
        return len(self._saved)

    def __contains__(self, key: str) -> bool:
        return key in self._saved

    @property
    def memory_bytes(self) -> int:
        """What knowing all its keys takes."""
        return KEY_BYTES * len(self._saved)

    def blocks(self, keys: Sequence[str]) -> dict[str, KeyBlock]:
        """The models of those of these keys that it has; waits a while for a store that does not answer.

        Raises ``CheckpointError`` with the way out where one is gone or damaged.
        """
        found: dict[str, KeyBlock] = {}
        for rows in self._by_segment(keys):
            frames = [self._saved.frame(key) for key in rows]
            read = partial(self._store.payloads, frames[0].segment, [frame.row for frame in frames])
            try:
                payloads = read_patiently(read, self._metrics, self._clock)
                for key, payload in zip(rows, payloads, strict=True):
                    found[key] = unpack_saved(self._model, key, payload)
            except CheckpointError as error:
                raise CheckpointError(
                    f"checkpoint.backfill_url: the model that a key begins with cannot be had: {error}. {_WAY_OUT}"
                ) from None
        self._metrics.backfilled_keys(len(found))
        return found

    def _by_segment(self, keys: Sequence[str]) -> Iterator[list[str]]:
        """The keys that it has, those of one segment together."""
        by_segment: dict[str, list[str]] = {}
        for key in keys:
            if key in self._saved:
                by_segment.setdefault(self._saved.frame(key).segment.segment.name, []).append(key)
        yield from by_segment.values()

    def has_learned(self, key: str, timestamp: int, received_at: int) -> bool:
        """Whether an event of a key that had none here yet is taken to be one of the history.

        So it is if it is no later than the key's latest one there, and reached Kafka before the backfill was made:
        ``timestamp`` is the event's, ``received_at`` the record's, negative where there is none; both epoch ms.
        """
        if key not in self._saved or received_at > self._created_at:
            return False
        frame = self._saved.frame(key)
        return timestamp <= int(frame.segment.last_event[frame.row])


def open_backfill(url: str, parameters: DetectorParameters, metrics: Metrics) -> Backfill | None:
    """The backfill that ``checkpoint.backfill_url`` names; ``None`` where it is empty.

    Raises ``CheckpointError`` with the way out where there is none, where it is damaged, or where it was made with
    other settings; ``StoreUnreachableError`` where nobody knows.
    """
    if not url:
        return None
    store = open_backfills(url, "checkpoint.backfill_url")
    try:
        document = store.newest()
        if document is None:
            raise CheckpointError(f"{store.objects.root} holds no saved state")
        _require_settings(document, parameters)
        backfill = Backfill(store, document, model_of(parameters), metrics)
    except CheckpointError as error:
        raise CheckpointError(f"checkpoint.backfill_url: {error}. {_WAY_OUT}") from None
    logger.info("backfill opened", extra={"context": {"identity": backfill.identity, "keys": len(backfill)}})
    return backfill


def _require_settings(document: BackfillDocument, parameters: DetectorParameters) -> None:
    if document.fingerprint == parameters.fingerprint():
        return
    differences = differing_settings(document.settings, model_settings(parameters))
    told = "; ".join(differences) or "what differs it does not say"
    raise CheckpointError(
        f"its models were made with other settings (fingerprint {document.fingerprint}, now"
        f" {parameters.fingerprint()}): {told}. Use the settings it was made with, or make it anew by `stream-rcf score"
        f" --save-state` with those of the service"
    )
