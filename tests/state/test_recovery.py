from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_rcf.errors import CheckpointError
from stream_rcf.state.manifest import Manifest
from stream_rcf.state.recovery import RecoveryPlan, plan_recovery
from tests.state.support import FINGERPRINT, manifest_at

OTHER = "fedcba9876543210"


def plan(
    committed: int | None,
    manifests: list[Manifest],
    *,
    low: int = 0,
    high: int = 1000,
    start_from: str = "earliest",
    on_unusable: str = "fail",
    problems: tuple[str, ...] = (),
    backfill: str = "",
) -> RecoveryPlan:
    return plan_recovery(
        committed=committed,
        low=low,
        high=high,
        manifests=manifests,
        fingerprint=FINGERPRINT,
        start_from=start_from,
        on_unusable=on_unusable,
        problems=problems,
        backfill=backfill,
    )


@pytest.mark.parametrize(("start_from", "offset"), [("earliest", 5), ("latest", 1000)])
def test_a_new_group_starts_where_the_setting_says(start_from, offset):
    assert plan(None, [], low=5, start_from=start_from) == RecoveryPlan(None, offset, offset, None, True)


def test_the_newest_checkpoint_is_replayed_up_to_the_committed_offset():
    newest, older = manifest_at(80, number=2), manifest_at(40)
    assert plan(100, [newest, older]) == RecoveryPlan(newest, 80, 100, None)


def test_a_checkpoint_at_the_committed_offset_needs_no_event_again():
    manifest = manifest_at(100)
    assert plan(100, [manifest]) == RecoveryPlan(manifest, 100, 100, None)
    assert plan(100, [manifest], low=100) == RecoveryPlan(manifest, 100, 100, None)
    assert plan(100, [manifest], low=100, high=100) == RecoveryPlan(manifest, 100, 100, None)


def test_a_checkpoint_at_the_first_event_still_there_serves():
    manifest = manifest_at(40)
    assert plan(100, [manifest], low=40) == RecoveryPlan(manifest, 40, 100, None)


def test_a_checkpoint_ahead_is_passed_over_with_a_warning():
    ahead, older = manifest_at(120, number=2), manifest_at(40)
    result = plan(100, [ahead, older])
    assert (result.checkpoint, result.start_offset, result.publish_from) == (older, 40, 100)
    assert "checkpoint 2 at offset 120 is ahead of the committed offset 100" in result.warning


def test_a_checkpoint_of_other_settings_is_passed_over_for_an_older_one_of_these():
    result = plan(100, [manifest_at(90, number=2, fingerprint=OTHER), manifest_at(40)])
    assert (result.start_offset, result.publish_from) == (40, 100)
    assert OTHER in result.warning


def test_an_unreadable_checkpoint_is_passed_over_with_a_warning():
    result = plan(100, [manifest_at(40)], problems=("manifest-2 is corrupt",))
    assert (result.start_offset, result.publish_from) == (40, 100)
    assert "manifest-2 is corrupt" in result.warning


UNUSABLE = {
    "no checkpoint": (
        {"committed": 100, "manifests": []},
        100,
        "offset 100 is committed, but there is no checkpoint",
    ),
    "unreadable": (
        {"committed": 100, "manifests": [], "problems": ("manifest-1 is corrupt",)},
        100,
        "offset 100 is committed, but no checkpoint serves: manifest-1 is corrupt",
    ),
    "other settings": (
        {"committed": 100, "manifests": [manifest_at(40, fingerprint=OTHER)]},
        100,
        f"checkpoint 1 at offset 40 was made with other settings of features, keys, forest or detector"
        f" (fingerprint {OTHER}, now {FINGERPRINT})",
    ),
    "all ahead": (
        {"committed": 100, "manifests": [manifest_at(140, number=2), manifest_at(120)]},
        100,
        "checkpoint 2 at offset 140 is ahead of the committed offset 100, as if that had been set back;"
        " checkpoint 1 at offset 120 is ahead",
    ),
    "trimmed past the checkpoint": (
        {"committed": 100, "manifests": [manifest_at(40)], "low": 60},
        100,
        "checkpoint 1 at offset 40 needs the events from there on again, but the topic now begins at 60:"
        " 20 were deleted by its retention",
    ),
    "unscored events trimmed": (
        {"committed": 100, "manifests": [manifest_at(100)], "low": 130},
        130,
        "the topic begins at offset 130, but only events before 100 were scored: up to 30 events",
    ),
    "commit beyond the end": (
        {"committed": 100, "manifests": [manifest_at(90)], "low": 2, "high": 50},
        2,
        "the committed offset 100 is beyond the topic's end 50: the topic was probably recreated",
    ),
    "checkpoint beyond the end": (
        {"committed": 30, "manifests": [manifest_at(90)], "high": 50},
        30,
        "checkpoint 1 at offset 90 is beyond the topic's end 50, as if the topic had been recreated",
    ),
    "offsets lost": (
        {"committed": None, "manifests": [manifest_at(90, previous=1, number=2)], "low": 10},
        10,
        "the group has no committed offset, although it has checkpoints (checkpoint 2 stands at offset 90)",
    ),
    "offsets lost and nothing readable": (
        {"committed": None, "manifests": [], "problems": ("manifest-1 is corrupt",)},
        0,
        "the group has no committed offset, although it has checkpoints (manifest-1 is corrupt)",
    ),
}


@pytest.mark.parametrize(("situation", "offset", "sentence"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_where_nothing_serves_the_policy_decides(situation, offset, sentence):
    with pytest.raises(CheckpointError, match=re.escape(sentence)) as failure:
        plan(**situation)
    assert "checkpoint.on_unusable=fresh" in str(failure.value)
    fresh = plan(**situation, on_unusable="fresh")
    assert (fresh.checkpoint, fresh.start_offset, fresh.publish_from) == (None, offset, offset)
    assert sentence in fresh.warning
    assert f"empty models at offset {offset}" in fresh.warning


def test_a_fresh_start_of_a_group_without_offsets_follows_start_from():
    situation, _, _ = UNUSABLE["offsets lost"]
    assert plan(**situation, start_from="latest", on_unusable="fresh").start_offset == 1000


def test_an_end_between_the_first_checkpoint_and_the_first_commit_is_no_loss():
    first = manifest_at(70, keys=0)
    for start_from in ("earliest", "latest"):  # the events since are not to be jumped over
        assert plan(None, [first], start_from=start_from) == RecoveryPlan(first, 70, 70, None, True)


def test_settings_may_change_between_the_first_checkpoint_and_the_first_commit():
    anew = RecoveryPlan(None, 70, 70, None, is_first=True)
    assert plan(None, [manifest_at(70, keys=0, fingerprint=OTHER)]) == anew


def test_the_backfill_may_change_between_the_first_checkpoint_and_the_first_commit():
    """Nothing was published yet, so nothing can differ from it."""
    first, anew = manifest_at(70, keys=0, backfill="ab" * 32), RecoveryPlan(None, 70, 70, None, is_first=True)
    assert plan(None, [first], backfill="ab" * 32) == RecoveryPlan(first, 70, 70, None, is_first=True)
    assert plan(None, [first], backfill="cd" * 32) == anew
    assert plan(None, [first]) == anew
    assert plan(None, [manifest_at(70, keys=0)], backfill="ab" * 32) == anew


def test_a_group_that_published_before_is_none_that_begins_for_the_first_time():
    assert not plan(100, [manifest_at(100)]).is_first
    assert not plan(100, [], on_unusable="fresh").is_first
    assert not plan(None, [manifest_at(70)], on_unusable="fresh").is_first


@pytest.mark.parametrize("bounds", [(71, 1000), (0, 69)])
def test_a_first_checkpoint_that_the_topic_has_left_behind_is_not_followed(bounds):
    low, high = bounds
    trouble = "deleted by its retention" if low > 70 else "no committed offset"
    with pytest.raises(CheckpointError, match=trouble):
        plan(None, [manifest_at(70, keys=0)], low=low, high=high)


offsets = st.integers(0, 12)
manifest_lists = st.lists(
    st.builds(
        manifest_at,
        offsets,
        fingerprint=st.sampled_from([FINGERPRINT, OTHER]),
        keys=st.integers(0, 1),
        previous=st.sampled_from([None, 1]),
    ),
    max_size=3,
)


@given(
    committed=st.none() | offsets,
    bounds=st.tuples(offsets, offsets),
    manifests=manifest_lists,
    start_from=st.sampled_from(["earliest", "latest"]),
    on_unusable=st.sampled_from(["fail", "fresh"]),
    problems=st.sampled_from([(), ("corrupt",)]),
)
def test_a_plan_never_repeats_nor_skips_nor_uses_a_checkpoint_ahead(
    committed, bounds, manifests, start_from, on_unusable, problems
):
    low, high = sorted(bounds)
    try:
        result = plan(
            committed,
            manifests,
            low=low,
            high=high,
            start_from=start_from,
            on_unusable=on_unusable,
            problems=problems,
        )
    except CheckpointError:
        assert on_unusable == "fail"
        return
    assert result.start_offset <= result.publish_from
    assert low <= result.start_offset <= high
    if committed is not None and committed <= high:
        assert result.publish_from == max(committed, low)
    if result.checkpoint is not None:
        assert result.checkpoint.fingerprint == FINGERPRINT
        assert result.checkpoint.offset == result.start_offset
        assert committed is None or result.checkpoint.offset <= committed
    if on_unusable == "fail" and committed is not None:
        assert result.checkpoint is not None  # otherwise something was lost, and it would have said so
    if result.checkpoint is None and (committed is not None or problems):
        assert result.warning
