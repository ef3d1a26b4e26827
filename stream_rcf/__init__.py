"""stream_rcf: the streaming anomaly detector for Kafka.

The classes below are the detector, and its forest, without the service. They are loaded on first use, so that
``stream-rcf --help`` and settings do not wait for the compiler.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stream_rcf.core.detector import Detector
    from stream_rcf.core.forecast import Forecaster
    from stream_rcf.core.forecast_parameters import ForecastParameters
    from stream_rcf.core.forest import RandomCutForest

__version__ = "0.1.0"
__all__ = ["Detector", "ForecastParameters", "Forecaster", "RandomCutForest", "__version__"]


def __getattr__(name: str) -> Any:
    """Load a class when it is first asked for."""
    if name == "RandomCutForest":
        from stream_rcf.core.forest import RandomCutForest

        return RandomCutForest
    if name == "Detector":
        from stream_rcf.core.detector import Detector

        return Detector
    if name == "Forecaster":
        from stream_rcf.core.forecast import Forecaster

        return Forecaster
    if name == "ForecastParameters":
        from stream_rcf.core.forecast_parameters import ForecastParameters

        return ForecastParameters
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
