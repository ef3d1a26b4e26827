"""The settings about events: how they are written, where they keep their parts, and what if they come otherwise."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from stream_rcf.core.parameters import MAX_PAUSE_SECONDS, MAX_REMEMBERED_IDS
from stream_rcf.settings.base import Number, Section, WholeNumber, check_paths

MAX_FEATURES = 1000  # beyond what one forest can tell apart; guards against a list read from the wrong place
MAX_EVENT_BYTES = 100 * 2**20  # no broker is set up for larger messages


class EventSettings(Section):
    """How an event is written, and where it keeps its parts."""

    format: Literal["json", "avro", "protobuf", "json_schema"] = Field(
        default="json",
        description="how events are written: plain JSON, or a format whose schemas are in a schema registry",
    )
    key: str | tuple[str, ...] = Field(
        default="",
        description="the field with the event's key: empty for the Kafka message key, a dotted path, "
        "or a list of them for a composite key",
        json_schema_extra={"allowed": "empty, a dotted path, or a list of dotted paths"},
    )
    timestamp: str = Field(
        default="timestamp",
        description="the field with the event's time; where it is absent, or this is empty, "
        "the Kafka record's time",
    )
    features: tuple[str, ...] = Field(
        default=("value",), description="the fields with the numbers to watch: dotted paths"
    )
    missing: Literal["dead_letter", "previous"] = Field(
        default="dead_letter",
        description="an event that lacks features, or has NaN: refused, or they count as in its key's record before",
    )
    allowed_lateness_seconds: Number | None = Field(
        default=None,
        ge=0,
        le=MAX_PAUSE_SECONDS,
        description="an event further behind its key's latest is passed over unlearned; by default none is",
    )
    max_gap_seconds: Number | None = Field(
        default=None,
        ge=0.001,
        le=MAX_PAUSE_SECONDS,
        description="after a longer pause of its key the shingle begins anew; never by default",
    )
    id: str = Field(
        default="",
        description="the field with the event's own id, by which duplicates are told and passed over; empty for none",
    )
    remembered_ids: WholeNumber = Field(
        default=64,
        ge=1,
        le=MAX_REMEMBERED_IDS,
        description="how many ids of its latest events are kept for each key",
    )
    max_bytes: WholeNumber = Field(
        default=524_288,
        ge=1,
        le=MAX_EVENT_BYTES,
        description="larger events go unread to the dead-letter topic, in bytes",
    )

    @property
    def fills_missing(self) -> bool:
        """Whether an event may lack some of its features."""
        return self.missing == "previous"

    @property
    def key_paths(self) -> tuple[str, ...]:
        """The paths of the key; none for the Kafka message key."""
        if isinstance(self.key, tuple):
            return self.key
        return (self.key,) if self.key else ()

    @field_validator("key")
    @classmethod
    def _check_key(cls, key: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if key != "":
            check_paths((key,) if isinstance(key, str) else key)
        return key

    @field_validator("timestamp", "id")
    @classmethod
    def _check_path(cls, path: str) -> str:
        if path:
            check_paths((path,))
        return path

    @field_validator("features")
    @classmethod
    def _check_features(cls, features: tuple[str, ...]) -> tuple[str, ...]:
        check_paths(features)
        if len(features) > MAX_FEATURES:
            raise ValueError(f"must name at most {MAX_FEATURES} fields, not {len(features)}")
        return features
