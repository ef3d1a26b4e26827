"""Which encoder writes what is published: the one place that knows all formats of ``output.format``."""

from __future__ import annotations

from stream_rcf.core.parameters import DetectorParameters
from stream_rcf.pipeline.encode import Encoder, RecordEncoder
from stream_rcf.pipeline.encode_kinesis import KinesisEncoder
from stream_rcf.pipeline.encode_opensearch import OpenSearchEncoder
from stream_rcf.settings.model import Settings


def record_encoder(settings: Settings, parameters: DetectorParameters) -> Encoder:
    """Return what writes scores and alerts, in the form that ``output.format`` names."""
    output = settings.output
    if output.format == "opensearch":
        detector_id = output.detector_id or settings.kafka.group_id
        window_ms = 0 if parameters.windows is None else parameters.windows.window_ms
        return OpenSearchEncoder(parameters.features, detector_id, settings.events.key_paths, window_ms)
    if output.format == "kinesis":
        return KinesisEncoder(parameters.features)
    has_forecasts = parameters.forecast is not None
    return RecordEncoder(parameters.features, parameters.fingerprint(), has_forecasts=has_forecasts)
