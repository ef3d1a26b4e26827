"""Whether a partition's keys may begin with a backfill's models, and with which. Pure, no I/O.

A checkpoint says which backfill its partition goes on from, so that a replay finds the models of the first time or does
not take place.
"""

from __future__ import annotations

from typing import NamedTuple

from stream_rcf.errors import CheckpointError
from stream_rcf.state.manifest import PartitionId
from stream_rcf.state.recovery import OnUnusable, RecoveryPlan

SHOWN_DIGITS = 12  # of an identity, in messages


class BackfillChoice(NamedTuple):
    """``is_used``: keys without an event so far begin as the backfill of the settings has them, else empty.

    ``warning`` is a sentence for the log, ``None`` where nothing is unusual.
    """

    is_used: bool
    warning: str | None


def choose_backfill(
    partition: PartitionId, plan: RecoveryPlan, offered: str, on_unusable: OnUnusable
) -> BackfillChoice:
    """Compare the backfill that ``plan`` goes on from with ``offered``, the identity of the one that the settings name.

    ``""`` is none. A partition that begins for the first time takes the one offered; one that began without any goes
    on without. Raises ``CheckpointError`` with the way out where the models would not be those of before and
    ``on_unusable`` is ``fail``.
    """
    if plan.is_first:
        return BackfillChoice(bool(offered), None)
    taken = "" if plan.checkpoint is None else plan.checkpoint.backfill
    if taken == offered:
        return BackfillChoice(bool(taken), None)
    if not taken:
        return BackfillChoice(
            False,
            f"{partition} does not go on from checkpoint.backfill_url: only partitions without a past do",
        )
    named = f"{partition} goes on from backfill {taken[:SHOWN_DIGITS]}"
    empties = "Keys of which it had no event so far begin with empty models from here on"
    if offered and on_unusable == "fail":
        raise CheckpointError(
            f"{named}, but at checkpoint.backfill_url is another, {offered[:SHOWN_DIGITS]}: it was replaced. Bring the"
            f" first back, or set checkpoint.backfill_url to nothing: keys without an event so far then begin with"
            f" empty models"
        )
    if not offered and plan.start_offset < plan.publish_from and on_unusable == "fail":
        raise CheckpointError(
            f"{named}, and checkpoint.backfill_url names none any more, but {plan.publish_from - plan.start_offset}"
            f" events after its checkpoint must be learned again, perhaps the first ones of their keys. Set"
            f" checkpoint.backfill_url as it was, and take it away after the service was stopped in order; or set"
            f" checkpoint.on_unusable=fresh to let keys without an event so far begin with empty models now"
        )
    return BackfillChoice(False, f"{named} no more. {empties}")
