"""What a partition that was taken over holds back of its alerts, by its checkpoint; a replay brings it up to date."""

from __future__ import annotations

import logging

from stream_rcf.core.arrival_parameters import pause_ms
from stream_rcf.errors import CheckpointError
from stream_rcf.pipeline.alert_digest import AlertDigest
from stream_rcf.settings.model import Settings
from stream_rcf.state.manifest import PartitionId
from stream_rcf.state.recovery import RecoveryPlan

logger = logging.getLogger(__name__)

WAY_OUT = "Set checkpoint.on_unusable=fresh: models are kept then, and a storm that goes on is let go of"


def alert_digest_of_plan(
    settings: Settings, partition: PartitionId, plan: RecoveryPlan
) -> AlertDigest | None:
    """As of the plan's beginning, with what the settings say now; None where each alert is published on its own.

    Whether it was so before does not matter: a replay goes through all events since the checkpoint as if it had been,
    so that it comes to the same after a crash as after none. Raises ``CheckpointError`` for what no writer wrote.
    """
    document = "" if plan.checkpoint is None else plan.checkpoint.alert_digest
    output = settings.output
    if output.digest_keys is None:
        if document:
            logger.warning(
                "%s: output.digest_keys is not set now: no digest of its alerts is told", partition
            )
        return None
    span_ms = pause_ms(output.digest_seconds, "digest_seconds")
    digest = AlertDigest(output.digest_keys, span_ms, follows_incidents=output.resolved)
    try:
        digest.restore(document, f"{partition}: its checkpoint")
    except CheckpointError as problem:
        if settings.checkpoint.on_unusable == "fail":
            raise CheckpointError(f"{problem}. {WAY_OUT}") from None
        logger.error("%s. Its alerts are counted from here on", problem)
    return digest
