"""The part of ``stream-rcf checkpoint inspect URL`` about what ``stream-rcf score --save-state`` kept there."""

from __future__ import annotations

from dataclasses import dataclass

from stream_rcf.errors import CheckpointError
from stream_rcf.state.backfill_document import BackfillDocument
from stream_rcf.state.backfill_store import BackfillStore


@dataclass(frozen=True, slots=True)
class BackfillInspection:
    """The newest saved state of a store, ``None`` where it cannot be read, and what is wrong with it, if anything."""

    document: BackfillDocument | None
    problem: str | None

    def facts(self) -> dict[str, object]:
        """The same for JSON."""
        if self.document is None:
            return {"verified": False, "problem": self.problem}
        return {
            "number": self.document.number,
            "keys": self.document.keys,
            "segments": len(self.document.segments),
            "bytes": self.document.bytes,
            "fingerprint": self.document.fingerprint,
            "created_at": self.document.created_at,
            "latest_event": self.document.latest_event,
            "identity": self.document.identity,
            "settings": dict(self.document.settings),
            "verified": self.problem is None,
            "problem": self.problem,
        }

    def lines(self) -> list[str]:
        """The same for people."""
        lines: list[str] = []
        if self.document is not None:
            document = self.document
            lines.append(
                f"saved state {document.number}: keys {document.keys}, bytes {document.bytes},"
                f" fingerprint {document.fingerprint}, identity {document.identity[:12]},"
                f" checksums {'verified' if self.problem is None else 'CORRUPT'}"
            )
        if self.problem is not None:
            lines.append(f"corrupt: {self.problem}")
        return lines


def inspect_backfill(store: BackfillStore) -> BackfillInspection | None:
    """Read a saved state and check every byte; ``None`` where there is none."""
    try:
        document = store.newest()
    except CheckpointError as error:
        return BackfillInspection(None, str(error))
    if document is None:
        return None
    try:
        store.verify(document)
    except CheckpointError as error:
        return BackfillInspection(document, str(error))
    return BackfillInspection(document, None)
