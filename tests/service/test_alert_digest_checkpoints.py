"""What holds alerts back is saved with a partition as of the cut's own offset, and goes on with its next owner."""

from __future__ import annotations

from pathlib import Path

from stream_rcf.pipeline.alert_digest import AlertDigest
from stream_rcf.pipeline.alert_storm import Alert, mark_of
from stream_rcf.service.partition import Partition
from tests.service.assignment_support import Member, name_of
from tests.service.support import small_settings

ON = small_settings(output={"digest_keys": 3})


def digest_of(partition: Partition) -> AlertDigest:
    assert partition.alert_digest is not None
    return partition.alert_digest


def let_alert(partition: Partition, *keys: str) -> None:
    for key in keys:
        alert = Alert(mark_of(key), key, 0, 1.0, 0.5, mark_of(key), f"events:0:{key}", "value")
        digest_of(partition).take(alert, opens_incident=True)


def test_the_next_owner_is_in_the_same_storm(tmp_path: Path) -> None:
    first, second = Member(tmp_path, ON), Member(tmp_path, ON)
    first.assign(0)
    first.load(0)
    first.feed(0, 20)
    let_alert(first[0], "a", "b", "c", "d")
    first.commit(0)
    assert first.checkpoints.save_now([first[0]], 20.0)
    second.source.offsets = first.source.offsets
    second.assign(0)
    second.load(0)
    assert digest_of(second[0]).has_storm
    assert digest_of(second[0]).document() == digest_of(first[0]).document()


def test_a_checkpoint_has_what_was_when_its_cut_began(tmp_path: Path) -> None:
    member = Member(tmp_path, ON)
    member.assign(0)
    member.load(0)
    member.feed(0, 20)
    let_alert(member[0], "a", "b")
    member.commit(0)
    before = digest_of(member[0]).document()
    member.checkpoints._last_begun -= 60.0
    member.checkpoints.begin_due([member[0]])
    let_alert(member[0], "c")
    member.feed(0, 30)
    member.commit(0)
    assert member.checkpoints.save_now([member[0]], 20.0)
    newest, older = member.store.manifests(name_of(0)).manifests[:2]
    assert (older.offset, older.alert_digest) == (20, before)
    assert (newest.offset, newest.alert_digest) == (30, digest_of(member[0]).document())


def test_rolled_back_it_is_what_the_checkpoint_has(tmp_path: Path) -> None:
    member = Member(tmp_path, ON)
    member.assign(0)
    member.load(0)
    member.feed(0, 20)
    let_alert(member[0], "a")
    member.commit(0)
    assert member.checkpoints.save_now([member[0]], 20.0)
    saved = digest_of(member[0]).document()
    let_alert(member[0], "b", "c")
    member.assignment.roll_back_all()
    assert digest_of(member[0]).document() == saved


def test_without_the_setting_there_is_none(tmp_path: Path) -> None:
    member = Member(tmp_path)
    member.assign(0)
    member.load(0)
    assert member[0].alert_digest is None
    assert member.store.manifests(name_of(0)).manifests[0].alert_digest == ""
