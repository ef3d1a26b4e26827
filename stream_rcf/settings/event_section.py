"""The settings about events: how they are written, where they keep their parts, and what if they come otherwise."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from stream_rcf.core.aggregates import (
    COUNT,
    EMPTY_WINDOWS,
    FORMS,
    MAX_EMPTY_WINDOWS,
    MAX_OPEN_WINDOWS,
    MAX_WINDOW_MS,
    WindowParameters,
    paths_of,
)
from stream_rcf.core.arrival_parameters import MAX_PAUSE_SECONDS, MAX_REMEMBERED_IDS, MILLISECONDS
from stream_rcf.errors import UsageError
from stream_rcf.settings.base import Number, Section, WholeNumber, WholeSentenceError, check_paths

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
        default=("value",),
        description="the fields with the numbers to watch: dotted paths; with events.window_seconds what is watched of "
        f"each window: {FORMS}",
    )
    missing: Literal["dead_letter", "previous"] = Field(
        default="dead_letter",
        description="an event that lacks features, or has NaN: refused, or they count as in its key's record before. "
        "With events.window_seconds it then adds nothing to them, and is counted",
    )
    allowed_lateness_seconds: Number | None = Field(
        default=None,
        ge=0,
        le=MAX_PAUSE_SECONDS,
        description="an event further behind its key's latest is passed over unlearned; by default none is. With "
        "events.window_seconds: how long after its end a window stays open, at once closed by default",
    )
    max_gap_seconds: Number | None = Field(
        default=None,
        ge=0.001,
        le=MAX_PAUSE_SECONDS,
        description="after a longer pause of its key the shingle begins anew; never by default",
    )
    window_seconds: Number | None = Field(
        default=None,
        ge=0.001,
        le=MAX_WINDOW_MS / MILLISECONDS,
        description="events are added up by key over windows of event time, so long each, and each window is a record; "
        "by default each event is one",
    )
    empty_windows: WholeNumber = Field(
        default=EMPTY_WINDOWS,
        ge=0,
        le=MAX_EMPTY_WINDOWS,
        description="so many windows without an event, after one with some, are records too, with a count and a sum of "
        "0; further ones are left out, and all where no feature is a count or a sum",
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
    def windows(self) -> WindowParameters | None:
        """The windows over which events are added up; None where each event is a record."""
        if self.window_seconds is None:
            return None
        return WindowParameters(round(MILLISECONDS * self.window_seconds), self.empty_windows)

    @property
    def feature_paths(self) -> tuple[str, ...]:
        """The paths to the numbers that are read of an event."""
        return self.features if self.window_seconds is None else paths_of(self.features)

    @property
    def counts_events(self) -> bool:
        """Whether an event is worth something without any of its numbers."""
        return self.window_seconds is not None and COUNT in self.features

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

    def check_retirement(self, after: float) -> None:
        """Raise ``ValueError`` where keys may not begin anew after so many seconds."""
        if self.window_seconds is not None and after < self.window_seconds:
            raise WholeSentenceError(
                f"keys.retire_after_seconds is {after:g}, but must be at least events.window_seconds, "
                f"{self.window_seconds:g}: a key would begin anew with every window",
                "keys.retire_after_seconds",
            )

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

    @field_validator("window_seconds")
    @classmethod
    def _check_windows(cls, seconds: float | None, info: ValidationInfo) -> float | None:
        """Check the aggregates, and that no key has many windows open at once."""
        if seconds is None or "features" not in info.data:
            return seconds
        try:
            check_paths(paths_of(info.data["features"]), least=0)
        except (UsageError, ValueError) as error:
            raise WholeSentenceError(f"events.features: {error}", "events.features") from None
        lateness = info.data.get("allowed_lateness_seconds") or 0.0
        slots = WindowParameters(round(MILLISECONDS * seconds)).open_windows(round(MILLISECONDS * lateness))
        if slots > MAX_OPEN_WINDOWS:
            raise WholeSentenceError(
                f"events.allowed_lateness_seconds is {lateness:g}, but must be at most {MAX_OPEN_WINDOWS - 1} times "
                f"events.window_seconds, {seconds:g}: so many windows of each key are open at once",
                "events.allowed_lateness_seconds",
            )
        gap = info.data.get("max_gap_seconds")
        if gap is not None and gap < seconds:
            raise WholeSentenceError(
                f"events.max_gap_seconds is {gap:g}, but must be at least events.window_seconds, {seconds:g}: windows "
                "are so far apart, and no shingle would ever be whole",
                "events.max_gap_seconds",
            )
        return seconds

    @field_validator("features")
    @classmethod
    def _check_features(cls, features: tuple[str, ...]) -> tuple[str, ...]:
        check_paths(features)
        if len(features) > MAX_FEATURES:
            raise ValueError(f"must name at most {MAX_FEATURES} fields, not {len(features)}")
        return features
