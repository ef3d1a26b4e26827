"""The backfill of a process: models by key, patience with its store, and which events it has learned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.model import model_of
from stream_rcf.core.packing import pack
from stream_rcf.core.parameters import DetectorParameters, ForestParameters
from stream_rcf.errors import CheckpointError, UsageError
from stream_rcf.service import patience
from stream_rcf.service.backfill import Backfill, open_backfill
from stream_rcf.state.backfill_store import FOLDER
from stream_rcf.state.key_memory import KEY_BYTES
from stream_rcf.state.objects import StoreUnreachableError
from tests.service.assignment_support import EVENTS
from tests.service.backfill_support import HISTORY, MADE_AT, SavedHistory
from tests.service.support import PARAMETERS, new_metrics, states_of, twin_of
from tests.state.backfill_support import backfill_store, write_backfill

KEYS = sorted({event.key for event in EVENTS[:HISTORY]})


@pytest.fixture
def history(tmp_path: Path) -> SavedHistory:
    return SavedHistory(tmp_path)


def other_forest() -> KeyBlock:
    """A key of another model."""
    parameters = DetectorParameters(("value",), ForestParameters(trees=3, sample_size=8, shingle_size=1))
    return KeyBlock(model_of(parameters), 1)


def latest_of(key: str) -> int:
    return max(event.timestamp for event in EVENTS[:HISTORY] if event.key == key)


def test_it_has_the_models_of_its_keys_and_no_others(history: SavedHistory) -> None:
    backfill = history.open()
    assert sorted(key for key in [*KEYS, "stranger"] if key in backfill) == KEYS
    assert (len(backfill), backfill.memory_bytes) == (len(KEYS), KEY_BYTES * len(KEYS))
    table = twin_of([])
    table.origin = backfill
    table.bring([*KEYS, "stranger"])
    states = states_of(table)
    del states["stranger"]
    assert states == states_of(twin_of(EVENTS[:HISTORY]))
    assert history.metrics.registry.get_sample_value("stream_rcf_backfilled_keys_total") == len(KEYS)


@pytest.mark.parametrize(
    ("late_ms", "received_at", "is_learned"),
    [
        (0, MADE_AT, True),
        (-10_000, MADE_AT - 10_000, True),
        (0, -1, True),  # a record without a time: the event's own decides
        (1, MADE_AT, False),
        (0, MADE_AT + 1, False),  # it came when the backfill was made already
        (-10_000, MADE_AT + 1, False),
    ],
)
def test_what_was_there_before_it_was_made_and_is_no_later_than_its_key_was_learned(
    history: SavedHistory, late_ms: int, received_at: int, is_learned: bool
) -> None:
    backfill = history.open()
    for key in KEYS:
        assert backfill.has_learned(key, latest_of(key) + late_ms, received_at) == is_learned
    assert not backfill.has_learned("stranger", 0, 0)


def refuse_states(history: SavedHistory, times: int) -> list[str]:
    """Let so many reads of states fail; returns those that did."""
    refused: list[str] = []

    def before(method: str, name: str) -> None:
        if method == "read_ranges" and len(refused) < times:
            refused.append(name)
            raise StoreUnreachableError("connection refused")

    history.objects.before = before
    return refused


def test_a_store_that_is_away_is_waited_for(history: SavedHistory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FETCH_RETRY_SECONDS", 0.001)
    backfill = history.open()
    refused = refuse_states(history, 3)
    assert sorted(backfill.blocks(KEYS)) == KEYS
    assert len(refused) == 3


def test_but_not_for_ever(history: SavedHistory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FETCH_RETRY_SECONDS", 0.001)
    monkeypatch.setattr(patience, "FETCH_SECONDS", 0.05)
    backfill = history.open()
    refuse_states(history, 10**9)
    with pytest.raises(StoreUnreachableError, match="connection refused"):
        backfill.blocks(KEYS)


def test_a_model_that_is_gone_ends_it_with_the_way_out(history: SavedHistory) -> None:
    backfill = history.open()
    for name in history.objects.list(FOLDER):
        history.objects.remove(f"{FOLDER}/{name}")
    with pytest.raises(
        CheckpointError, match=r"cannot be had: .* is missing\. Bring it back as it was; or set"
    ) as error:
        backfill.blocks(KEYS[:1])
    assert type(error.value) is CheckpointError, (
        "nothing that going back to the last commit would help against"
    )


@pytest.mark.parametrize(
    "payload", [b"", b"not a state", pack(other_forest()), pack(other_forest(), quick=True)]
)
def test_a_model_that_was_made_up_with_right_checksums_is_none(payload: bytes) -> None:
    store = backfill_store()
    document = write_backfill(store, {"key": payload}, fingerprint=PARAMETERS.fingerprint())
    backfill = Backfill(store, document, model_of(PARAMETERS), new_metrics())
    table = twin_of([])
    table.origin = backfill
    with pytest.raises(CheckpointError, match=r"cannot be had: key 'key': .*Bring it back as it was"):
        table.touch("key")
    assert not table.knows("key")


def test_one_that_holds_fewer_keys_than_it_says_is_not_opened(history: SavedHistory) -> None:
    document = history.store.newest()
    assert document is not None
    fewer = replace(document, keys=document.keys + 1)
    with pytest.raises(CheckpointError, match="its document says"):
        Backfill(history.store, fewer, model_of(PARAMETERS), new_metrics())


def test_none_is_opened_where_none_is_named() -> None:
    assert open_backfill("", PARAMETERS, new_metrics()) is None


def test_one_that_is_named_must_be_there_and_of_these_settings(tmp_path: Path) -> None:
    url = f"file:{tmp_path}"
    with pytest.raises(
        CheckpointError, match=r"checkpoint\.backfill_url: .* holds no saved state\. Bring it back"
    ):
        open_backfill(url, PARAMETERS, new_metrics())
    SavedHistory(tmp_path)
    opened = open_backfill(url, PARAMETERS, new_metrics())
    assert opened is not None
    assert len(opened) == len(KEYS)
    with pytest.raises(CheckpointError, match=r"forest\.trees is 4 there and 50 here"):
        open_backfill(url, DetectorParameters(), new_metrics())
    with pytest.raises(UsageError, match=r"checkpoint\.backfill_url 'x' begins with none of"):
        open_backfill("x", PARAMETERS, new_metrics())
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnreachableError):
        open_backfill(f"file:{tmp_path}/file", PARAMETERS, new_metrics())
