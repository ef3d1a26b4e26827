"""The settings, section by section. Every one has a default, a range and a sentence that says what it is for.

A validator's message completes the sentence "<setting> is <value>, but ...".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from stream_rcf.core.parameters import MAX_POINT_DIMENSIONS, MAX_SAMPLE_SIZE, MAX_TREES, SEED_LIMIT
from stream_rcf.settings.memory import SMALLEST_LIMIT_MB, default_memory_limit_mb

MAX_FEATURES = 1000  # far beyond what one forest can tell apart; guards against a list read from the wrong place
MAX_EVENT_BYTES = 100 * 2**20  # the largest message that Kafka's own tools still carry
SECONDS_PER_DAY = 86_400


def _refuse_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")  # noqa: TRY004  # pydantic collects ValueErrors
    return value


# TOML's true would count as 1.
WholeNumber = Annotated[int, BeforeValidator(_refuse_boolean)]
Number = Annotated[float, BeforeValidator(_refuse_boolean)]


class Section(BaseModel):
    """A table of settings: frozen, and strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class EventSettings(Section):
    """Where an event keeps its parts."""

    key: str | tuple[str, ...] = Field(
        "",
        description="Field with the event's key: empty for the Kafka message key, a dotted path, or a list of "
        "paths for a composite key",
        json_schema_extra={"allowed": "a dotted path, or a list of dotted paths"},
    )
    timestamp: str = Field(
        "timestamp",
        description="Field with the event's time; where it is absent, or this is empty, the Kafka record's time",
    )
    features: tuple[str, ...] = Field(("value",), description="Fields with the numbers to watch: dotted paths")
    max_bytes: WholeNumber = Field(
        524_288, ge=1, le=MAX_EVENT_BYTES, description="Larger events go to the dead-letter topic unread"
    )

    @property
    def key_paths(self) -> tuple[str, ...]:
        """The paths of the key; none for the Kafka message key."""
        if isinstance(self.key, str):
            return (self.key,) if self.key else ()
        return self.key

    @field_validator("key")
    @classmethod
    def _check_key(cls, key: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if key == "":
            return key
        return key if _are_paths((key,) if isinstance(key, str) else key) else key

    @field_validator("timestamp")
    @classmethod
    def _check_timestamp(cls, timestamp: str) -> str:
        if timestamp:
            _are_paths((timestamp,))
        return timestamp

    @field_validator("features")
    @classmethod
    def _check_features(cls, features: tuple[str, ...]) -> tuple[str, ...]:
        _are_paths(features)
        if len(features) > MAX_FEATURES:
            raise ValueError(f"must name at most {MAX_FEATURES} features, not {len(features)}")
        return features
