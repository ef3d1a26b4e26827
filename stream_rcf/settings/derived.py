"""What the other packages take from the settings: what shapes a model, what checkpoints carry, how events are read."""

from __future__ import annotations

from hashlib import blake2b

from stream_rcf.core.arrival_parameters import ANY_LATENESS, MILLISECONDS, ArrivalParameters, pause_ms
from stream_rcf.core.parameters import (
    DetectorParameters,
    ForestParameters,
    LikelihoodParameters,
    ThresholdParameters,
)
from stream_rcf.pipeline.decode import EventSchema
from stream_rcf.settings.model import Settings


def detector_parameters(settings: Settings) -> DetectorParameters:
    """Return what shapes a model."""
    forest, detector, events = settings.forest, settings.detector, settings.events
    features = events.features
    return DetectorParameters(
        features=features,
        forest=ForestParameters(
            trees=forest.trees,
            sample_size=forest.sample_size,
            dimensions=len(features),
            shingle_size=forest.shingle_size,
            time_decay=forest.time_decay,
            seed=forest.seed,
            initial_accept_fraction=forest.initial_accept_fraction,
        ),
        threshold=ThresholdParameters(
            z_factor=detector.z_factor,
            lower_threshold=detector.lower_threshold,
            initial_threshold=detector.initial_threshold,
            anomaly_rate=detector.anomaly_rate,
            score_differencing=detector.score_differencing,
        ),
        retire_after_ms=pause_ms(settings.keys.retire_after_seconds),
        likelihood=LikelihoodParameters(detector.alert_budget if detector.decision == "budget" else 0.0),
        cooldown_ms=pause_ms(detector.cooldown_seconds),
        preprocessing=detector.preprocessing(features),
        arrival=ArrivalParameters(
            allowed_lateness_ms=(
                ANY_LATENESS
                if events.allowed_lateness_seconds is None
                else round(MILLISECONDS * events.allowed_lateness_seconds)
            ),
            max_gap_ms=pause_ms(events.max_gap_seconds),
            remembered_ids=events.remembered_ids if events.id else 0,
            fills_missing=events.fills_missing,
        ),
        windows=events.windows,
        explains_all=settings.output.format == "kinesis",
        forecast=settings.forecast.parameters(features),
    )


def state_fingerprint(settings: Settings) -> str:
    """Return what checkpoints carry: the model's fingerprint, and a digest of how events are told apart by key.

    Rules are no part of it: models do not depend on them, and none is to be lost to a new rule.
    """
    keys = repr(settings.events.key_paths).encode("utf-8")
    return detector_parameters(settings).fingerprint() + blake2b(keys, digest_size=8).hexdigest()


def event_schema(settings: Settings) -> EventSchema:
    """Return where an event keeps its parts."""
    events = settings.events
    return EventSchema(
        events.key_paths,
        events.timestamp,
        events.feature_paths,
        events.max_bytes,
        events.id,
        events.fills_missing,
        events.counts_events,
    )
