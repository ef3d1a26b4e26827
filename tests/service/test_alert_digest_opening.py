from __future__ import annotations

import logging

import pytest

from stream_rcf.errors import CheckpointError
from stream_rcf.pipeline.alert_digest import AlertDigest
from stream_rcf.pipeline.alert_storm import Alert, mark_of
from stream_rcf.service.alert_digest_opening import alert_digest_of_plan
from stream_rcf.settings.model import Settings
from stream_rcf.state.manifest import Manifest, PartitionId
from stream_rcf.state.recovery import RecoveryPlan
from tests.service.support import small_settings

NAME = PartitionId("group", "events", 0)
ON = small_settings(output={"digest_keys": 2})


def plan(document: str | None) -> RecoveryPlan:
    if document is None:
        return RecoveryPlan(None, 0, 0, None)
    manifest = Manifest(NAME, 3, 10, "f", 0, 2, 0, (), alert_digest=document)
    return RecoveryPlan(manifest, 10, 10, None)


def opened(settings: Settings, document: str | None) -> AlertDigest | None:
    return alert_digest_of_plan(settings, NAME, plan(document))


def storm() -> str:
    digest = AlertDigest(2, 60_000)
    for key in ("a", "b"):
        digest.take(
            Alert(mark_of(key), key, 0, 1.0, 0.5, mark_of(key), "events:0:1", "value"), opens_incident=True
        )
    return digest.document()


def test_each_alert_is_on_its_own_by_default(caplog: pytest.LogCaptureFixture) -> None:
    assert opened(small_settings(), None) is None
    assert not caplog.records
    assert opened(small_settings(), storm()) is None
    assert "output.digest_keys is not set now" in caplog.text


@pytest.mark.parametrize("document", [None, ""])
def test_where_nothing_was_saved_it_begins_anew(document: str | None) -> None:
    digest = opened(ON, document)
    assert digest is not None
    assert (digest.has_storm, digest.document()) == (False, "")


def test_a_storm_goes_on_where_the_checkpoint_has_it() -> None:
    digest = opened(ON, storm())
    assert digest is not None
    assert digest.has_storm
    assert digest.document() == storm()


def test_the_settings_seconds_count() -> None:
    for seconds, is_over in ((0.5, True), (90.0, False)):
        digest = opened(small_settings(output={"digest_keys": 2, "digest_seconds": seconds}), storm())
        assert digest is not None
        told = [digest.pass_event(timestamp) for timestamp in (40_000, 80_000)]
        assert any(told) is is_over


def test_what_no_writer_wrote_is_refused_with_a_way_out(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(
        CheckpointError, match=r"events\[0\] of group group: its checkpoint is corrupt"
    ) as failure:
        opened(ON, "{}")
    assert "checkpoint.on_unusable=fresh" in str(failure.value)
    caplog.set_level(logging.ERROR)
    fresh = small_settings(output={"digest_keys": 2}, checkpoint={"on_unusable": "fresh"})
    digest = opened(fresh, "{}")
    assert digest is not None
    assert digest.document() == ""
    assert "Its alerts are counted from here on" in caplog.text
