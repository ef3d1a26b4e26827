"""The models that scoring leaves: saved whatever the memory, and only with all scores written."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from stream_rcf.files.save_state import StateTarget, saved_sentence
from stream_rcf.files.score_files import score_stream
from stream_rcf.state.backfill_document import BackfillDocument
from stream_rcf.state.key_memory import KeyMemory
from tests.files.support import scoring
from tests.state.backfill_support import backfill_objects, backfill_store, read_backfill

KEYS, ROWS = 60, 3000


@pytest.fixture
def source(tmp_path: Path) -> str:
    generator = random.Random(4)
    lines = [f"key-{generator.randrange(KEYS)},{n},{generator.gauss(0, 1)}\n" for n in range(ROWS)]
    (tmp_path / "a.csv").write_text("key,timestamp,value\n" + "".join(lines))
    return str(tmp_path / "a.csv")


def test_more_keys_than_memory_are_scored_and_saved_the_same(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream_rcf.state.backfill_writer.SEGMENT_BYTES", 20_000)
    roomy, tight = backfill_store(), backfill_store()
    memories: list[KeyMemory] = []

    def small() -> KeyMemory:
        memories.append(KeyMemory(150_000, tmp_path / "spill"))
        return memories[-1]

    score_stream(scoring(), [source], str(tmp_path / "roomy.csv"), None, StateTarget(roomy, "memory"))
    bounded = replace(scoring(), new_memory=small)
    score_stream(bounded, [source], str(tmp_path / "tight.csv"), None, StateTarget(tight, "memory"))
    assert (tmp_path / "tight.csv").read_bytes() == (tmp_path / "roomy.csv").read_bytes()
    assert read_backfill(tight) == read_backfill(roomy)
    assert len(read_backfill(tight)) == KEYS
    assert memories[0].evictions > KEYS
    assert sum(name.startswith("segment-") for name in backfill_objects(tight)) > 3


def test_where_the_scores_cannot_be_written_no_state_is_saved(source: str) -> None:
    store = backfill_store()
    with pytest.raises(OSError, match="No space left"):
        score_stream(scoring(), [source], "/dev/full", None, StateTarget(store, "memory"))
    assert store.newest() is None
    assert backfill_objects(store) == []


@pytest.mark.parametrize(
    ("latest", "said"), [(0, "1970-01-01T00:00:00.000+00:00"), (-1, "-1 ms"), (2**62, f"{2**62} ms")]
)
def test_any_time_can_be_said(latest: int, said: str) -> None:
    document = BackfillDocument(1, "ab", {}, 0, 1, latest, ())
    assert f"saved state: 1 key, 0.0 MB in file:x, fingerprint ab, latest event {said};" in saved_sentence(
        document, "file:x", is_timed=True
    )
