"""The keys of partitions just taken over: live at once, fetched when needed or sooner, and never wrong."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stream_rcf.service import patience
from stream_rcf.service.partition import Partition
from stream_rcf.service.saved_state import DamagedCheckpointError
from stream_rcf.state.key_memory import KeyMemory
from stream_rcf.state.manifest import Manifest
from stream_rcf.state.names import folder_of
from stream_rcf.state.objects import StoreUnreachableError
from tests.service.assignment_support import (
    EVENTS,
    FINGERPRINT,
    damage,
    damage_states,
    name_of,
    write_checkpoint,
)
from tests.service.checkpoint_support import PATIENCE_SECONDS, Desk
from tests.service.support import states_of, twin_of
from tests.state.support import begin_checkpoint
from tests.state.support import write_checkpoint as write_states

TWIN = 60  # offset of the checkpoint that is taken over


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path)
    yield opened
    opened.store.watched.before = lambda method, name: None
    opened.checkpoints.close(10.0)


def let_all_in(desk: Desk, partition: Partition) -> None:
    """Turn as the loop does until the loader has brought every key."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while partition.table.saved_keys:
        desk.checkpoints.advance()
        assert time.monotonic() < give_up_at, "the loader hangs"
        time.sleep(0.001)


def wait_for_damage(desk: Desk) -> DamagedCheckpointError:
    """Turn as the loop does until the loader has found it."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up_at:
        try:
            desk.checkpoints.advance()
        except DamagedCheckpointError as damage:
            return damage
        time.sleep(0.001)
    raise AssertionError("the damage was never found")


def refuse_states(desk: Desk, manifest: Manifest) -> list[int]:
    """From now on the states cannot be read; how often it was tried."""
    tries: list[int] = []

    def refuses(method: str, name: str) -> None:
        if method == "read_ranges" and name.endswith(manifest.segments[0].name):
            tries.append(1)
            raise StoreUnreachableError("s3://bucket: connection refused")

    desk.store.watched.before = refuses
    return tries


def test_all_keys_come_in_the_background_and_go_on_bit_for_bit(desk: Desk) -> None:
    manifest = write_checkpoint(desk.store, 0, offset=TWIN)
    partition = desk.take_over(manifest, committed=TWIN)
    let_all_in(desk, partition)
    assert len(partition.table.resident_keys()) == manifest.keys
    assert not desk.checkpoints.has_work
    desk.feed(partition, 150)
    assert states_of(partition.table) == states_of(twin_of(EVENTS[:150]))
    assert partition.table.changed_keys == manifest.keys


def test_a_key_that_is_needed_sooner_is_fetched_at_once(desk: Desk) -> None:
    """The loader does not come: it is stopped before it begins."""
    desk.checkpoints._saved_state.stop()
    manifest = write_checkpoint(desk.store, 0, offset=TWIN)
    partition = desk.take_over(manifest, committed=TWIN)
    assert (len(partition.table), partition.table.saved_keys) == (manifest.keys, manifest.keys)
    desk.feed(partition, TWIN + 1)
    assert partition.table.saved_keys == manifest.keys - 1
    desk.feed(partition, 150)
    assert states_of(partition.table) == states_of(twin_of(EVENTS[:150]))


def test_checkpoints_go_on_while_keys_are_still_saved_and_find_them_where_they_moved(desk: Desk) -> None:
    """Each rewrites what is left of the segments before: keys that nobody needed are copied, never read."""
    desk.checkpoints._saved_state.stop()
    manifest = write_checkpoint(desk.store, 0, offset=TWIN)
    partition = desk.take_over(manifest, committed=TWIN)
    for offset in range(TWIN + 3, 200, 17):
        desk.feed(partition, offset)
        desk.save_by_interval()
        assert desk.read_newest() == states_of(twin_of(EVENTS[:offset]))
    assert states_of(partition.table) == desk.read_newest()


@pytest.mark.parametrize("room", [0, 1, 3])
def test_where_memory_is_short_keys_go_to_the_spill_and_the_bound_holds(tmp_path: Path, room: int) -> None:
    twin = twin_of(EVENTS[:TWIN])
    limit = room * (twin.memory_bytes // len(twin)) + 400 * len(twin)
    memory = KeyMemory(limit, tmp_path / "spill")
    desk = Desk(tmp_path / "checkpoints", memory)
    partition = desk.take_over(write_checkpoint(desk.store, 0, offset=TWIN), committed=TWIN)
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while partition.table.saved_keys:
        desk.checkpoints.advance()
        assert memory.bytes <= limit
        assert time.monotonic() < give_up_at, "the loader hangs"
    assert (len(partition.table.resident_keys()) == 0) == (room == 0)
    assert states_of(partition.table) == states_of(twin)
    desk.feed(partition, 150)
    assert states_of(partition.table) == states_of(twin_of(EVENTS[:150]))
    desk.checkpoints.close(10.0)
    memory.close()


# -- a store that is away -----------------------------------------------------------------------------------------


def test_a_key_that_is_needed_waits_a_while_for_a_store_that_is_away(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(patience, "FETCH_RETRY_SECONDS", 0.001)
    desk.checkpoints._saved_state.stop()
    manifest = write_checkpoint(desk.store, 0, offset=TWIN)
    partition = desk.take_over(manifest, committed=TWIN)
    tries = refuse_states(desk, manifest)
    refuses = desk.store.watched.before
    desk.store.watched.before = lambda method, name: refuses(method, name) if len(tries) < 3 else None
    desk.feed(partition, 100)
    assert caplog.text.count("a key is needed, but its state cannot be read; trying again") == 3
    assert states_of(partition.table) == states_of(twin_of(EVENTS[:100]))


def test_after_a_while_it_is_given_up_and_the_keys_are_where_they_were(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "FETCH_RETRY_SECONDS", 0.001)
    desk.checkpoints._saved_state.stop()
    manifest = write_checkpoint(desk.store, 0, offset=TWIN)
    partition = desk.take_over(manifest, committed=TWIN)
    tries = refuse_states(desk, manifest)
    desk.clock.step = patience.FETCH_SECONDS / 10
    with pytest.raises(StoreUnreachableError, match="connection refused"):
        desk.feed(partition, 100)
    assert len(tries) > 3
    desk.store.watched.before = lambda method, name: None
    assert states_of(partition.table) == states_of(twin_of(EVENTS[:TWIN]))


# -- damage -------------------------------------------------------------------------------------------------------


def test_a_damaged_index_names_its_partition_its_file_and_its_checkpoint(desk: Desk) -> None:
    manifest = write_checkpoint(desk.store, 0, offset=TWIN)
    damage(desk.store, 0, manifest)
    with pytest.raises(DamagedCheckpointError, match=rf"{manifest.segments[0].name} is corrupt") as damaged:
        desk.take_over(manifest, committed=70)
    found = damaged.value
    assert (found.partition, found.manifest, found.segment) == (desk.partition, manifest.number, None)


def test_a_missing_segment_is_damage(desk: Desk) -> None:
    manifest = write_checkpoint(desk.store, 0, offset=TWIN)
    desk.store.objects.remove(f"{folder_of(name_of(0))}/{manifest.segments[0].name}")
    with pytest.raises(DamagedCheckpointError, match="is missing") as damaged:
        desk.take_over(manifest, committed=70)
    assert damaged.value.manifest == manifest.number


def test_a_checkpoint_that_does_not_hold_as_many_keys_as_it_says_is_damage(desk: Desk) -> None:
    states = states_of(twin_of(EVENTS[:TWIN]))
    build = begin_checkpoint(desk.store, states, partition=name_of(0), fingerprint=FINGERPRINT)
    build._heading = build._heading._replace(keys=len(states) + 1)
    manifest, _ = build.finish()
    with pytest.raises(DamagedCheckpointError, match=f"{len(states)} keys found, but {len(states) + 1}"):
        desk.take_over(manifest, committed=70)


@pytest.mark.parametrize("how", ["needed", "loaded ahead"])
def test_damaged_states_are_found_and_their_segment_named(desk: Desk, how: str) -> None:
    manifest = write_checkpoint(desk.store, 0, offset=TWIN)
    damage_states(desk.store, 0, manifest)
    if how == "needed":
        desk.checkpoints._saved_state.stop()
    partition = desk.take_over(manifest, committed=TWIN)
    if how == "needed":
        with pytest.raises(DamagedCheckpointError) as damaged:
            desk.feed(partition, 100)
        found = damaged.value
    else:
        found = wait_for_damage(desk)
    assert "differs from its CRC-32" in str(found)
    assert (found.partition, found.manifest) == (partition, None)
    assert found.segment == manifest.segments[0].name


@pytest.mark.parametrize("how", ["needed", "loaded ahead", "through the spill"])
def test_frames_that_are_no_state_of_this_model_are_damage_and_not_a_reason_to_reload_for_ever(
    tmp_path: Path, how: str
) -> None:
    memory = KeyMemory(1 if how == "through the spill" else None, tmp_path / "spill")
    desk = Desk(tmp_path / "checkpoints", memory)
    made_up = {f"host-{i}": b"RCF1 and then something else" for i in range(5)}
    manifest = write_states(desk.store, made_up, partition=name_of(0), fingerprint=FINGERPRINT, offset=TWIN)
    if how == "needed":
        desk.checkpoints._saved_state.stop()
    elif how == "through the spill":
        desk.checkpoints._saved_state._loader.is_short = True
    partition = desk.take_over(manifest, committed=TWIN)
    if how == "through the spill":
        let_all_in(desk, partition)
    if how == "loaded ahead":
        found = wait_for_damage(desk)
    else:
        with pytest.raises(DamagedCheckpointError) as damaged:
            desk.feed(partition, 100)
        found = damaged.value
    assert "key 'host-" in str(found)
    assert found.segment == manifest.segments[0].name
    desk.checkpoints.close(10.0)
    memory.close()


def save_until_rewritten(desk: Desk, partition: Partition, manifest: Manifest) -> None:
    """Checkpoints of a few keys each until the first segment is named no more."""
    for offset in range(TWIN + 2, 200, 2):
        desk.feed(partition, offset)
        desk.save_by_interval()
        if manifest.segments[0] not in desk.manifests()[0].segments:
            return
    raise AssertionError("the damaged segment is still named")


def test_a_segment_damaged_after_its_keys_had_come_is_replaced_from_memory(desk: Desk) -> None:
    """It would otherwise fail every checkpoint that wants to copy what still lives in it."""
    manifest = write_checkpoint(desk.store, 0, offset=TWIN)
    partition = desk.take_over(manifest, committed=TWIN)
    let_all_in(desk, partition)
    damage_states(desk.store, 0, manifest)
    save_until_rewritten(desk, partition, manifest)
    assert desk.failures_counted() == 1.0
    assert desk.read_newest() == states_of(twin_of(EVENTS[: partition.next_offset]))


def test_a_segment_damaged_before_its_keys_have_come_is_damage(desk: Desk) -> None:
    desk.checkpoints._saved_state.stop()
    manifest = write_checkpoint(desk.store, 0, offset=TWIN)
    partition = desk.take_over(manifest, committed=TWIN)
    wanted = [event.key for event in EVENTS[TWIN : TWIN + 6]]
    partition.table.bring(wanted)
    damage_states(desk.store, 0, manifest)
    assert len(set(wanted)) < manifest.keys
    desk.feed(partition, TWIN + 6)
    with pytest.raises(DamagedCheckpointError) as damaged:
        desk.save_by_interval()
    assert (damaged.value.partition, damaged.value.segment) == (partition, manifest.segments[0].name)


# -- letting go ---------------------------------------------------------------------------------------------------


def test_what_was_on_its_way_to_a_forgotten_partition_reaches_nobody(desk: Desk) -> None:
    manifest = write_checkpoint(desk.store, 0, offset=TWIN)
    damage_states(desk.store, 0, manifest)
    first = desk.take_over(manifest, committed=TWIN)
    desk.checkpoints.forget(first)
    other = write_checkpoint(desk.store, 1, offset=TWIN)
    second = desk.take_over(other, committed=TWIN)
    let_all_in(desk, second)
    assert first.table.saved_keys == manifest.keys, "nothing arrived, and no damage was reported"
    assert states_of(second.table) == states_of(twin_of(EVENTS[:TWIN]))
