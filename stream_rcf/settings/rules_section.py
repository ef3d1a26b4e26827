"""The settings about rules: what is known of the data and makes an anomaly of it no alert."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from datetime import date, time
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import InitErrorDetails

from stream_rcf.pipeline.timestamps import TimestampError, epoch_milliseconds
from stream_rcf.settings.base import Number, Section, check_time_zone
from stream_rcf.settings.calendar_files import check_calendar

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = get_args(Day)
# It stands in the reason of a record, where several are separated by commas.
RULE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")
MAX_PATTERN_CHARACTERS = 1024  # as long as the longest key
MAX_RATIO = 1000  # of the value's magnitude; far beyond, the product would leave the range of numbers


def _one_or_more(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _as_text(value: object) -> object:
    """TOML has dates and times of its own; a date is its midnight."""
    if isinstance(value, time):
        return value.isoformat().removesuffix(":00")
    return value.isoformat() if isinstance(value, date) else value


def _small_letters(value: object) -> object:
    if isinstance(value, list | tuple):
        return [item.lower() if isinstance(item, str) else item for item in value]
    return value


Texts = Annotated[tuple[str, ...], BeforeValidator(_one_or_more)]
Moment = Annotated[str, BeforeValidator(_as_text)]


class QuietWindow(Section):
    """Hours of some days of the week, by the clock of a time zone."""

    model_config = ConfigDict(serialize_by_alias=True)

    days: Annotated[tuple[Day, ...], BeforeValidator(_small_letters)] = Field(
        default=DAYS,
        description="the days on which it begins",
        json_schema_extra={
            "allowed": 'a list of days, such as ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]'
        },
    )
    start: Moment = Field(default="00:00", alias="from", description="the time of day at which it begins")
    end: Moment = Field(
        default="24:00",
        alias="to",
        description="the time of day at which it ends, that minute exclusive; not after its begin: on the next day",
    )
    time_zone: str = Field(default="UTC", description="the time zone of the days and times, by its IANA name")

    @field_validator("days")
    @classmethod
    def _check_days(cls, days: tuple[Day, ...]) -> tuple[Day, ...]:
        if not days or len(set(days)) < len(days):
            raise ValueError("must name at least one day, and none twice; leave it out for every day")
        return days

    @field_validator("start", "end")
    @classmethod
    def _check_time(cls, text: str, info: ValidationInfo) -> str:
        if TIME_OF_DAY.fullmatch(text) is None or (info.field_name == "start" and text == "24:00"):
            raise ValueError('must be a time of day such as "22:30"')
        if info.field_name == "end" and text == info.data.get("start"):
            raise ValueError("must differ from `from`; leave both out for the whole day")
        return text

    @field_validator("time_zone")
    @classmethod
    def _check_zone(cls, name: str) -> str:
        check_time_zone(name)
        return name


class MaintenanceWindow(Section):
    """Planned work, from one moment until another."""

    model_config = ConfigDict(serialize_by_alias=True)

    start: Moment = Field(alias="from", description="when it begins: ISO 8601, UTC where it says no zone")
    end: Moment = Field(alias="to", description="when it ends, that moment exclusive")

    @field_validator("start", "end")
    @classmethod
    def _check_moment(cls, text: str, info: ValidationInfo) -> str:
        try:
            moment = epoch_milliseconds(text)
        except TimestampError as error:
            raise ValueError(f"must be a time such as 2026-03-01T22:00:00+01:00: this {error}") from error
        start = info.data.get("start")
        if info.field_name == "end" and start is not None and moment <= epoch_milliseconds(start):
            raise ValueError(f"must be later than `from`, {start}")
        return text

    @property
    def span(self) -> tuple[int, int]:
        """Begin and end in epoch ms."""
        return epoch_milliseconds(self.start), epoch_milliseconds(self.end)


class RuleSettings(Section):
    """One rule. It applies to events whose key one of ``keys`` fits, and to each of ``features`` by itself.

    Several rules may apply to one feature: what any of them mutes is muted, and the larger tolerance holds.
    """

    name: str = Field(description="what the reason of an event calls it: rule:<name>")
    keys: Texts = Field(
        default=("*",),
        description="patterns of keys: * is any text, ? one character, [ab] one of a set",
        json_schema_extra={"allowed": 'a pattern, or a list of them, such as ["web-*", "db-?"]'},
    )
    features: Texts = Field(
        default=(), description="of events.features, those that it is about; all where it names none"
    )
    alert_on: Literal["both", "rises", "drops"] = Field(
        default="both", description="the direction of an anomaly that is worth an alert"
    )
    ignore_above: Number = Field(
        default=0.0, ge=0, description="a value so far above what was expected is no alert, in its own unit"
    )
    ignore_below: Number = Field(default=0.0, ge=0, description="the same below what was expected")
    ignore_above_ratio: Number = Field(
        default=0.0,
        ge=0,
        le=MAX_RATIO,
        description="the same as a share of the value's magnitude; the larger of both holds",
    )
    ignore_below_ratio: Number = Field(
        default=0.0, ge=0, le=MAX_RATIO, description="the same below, as a share of the value's magnitude"
    )
    minimum_value: Number | None = Field(default=None, description="a smaller value is no alert")
    maximum_value: Number | None = Field(default=None, description="a larger value is no alert")
    during: tuple[QuietWindow, ...] = Field(
        default=(),
        description="hours in which all of the above holds; at any time by default",
        json_schema_extra={
            "allowed": 'a list of tables, such as [{days = ["sat"], from = "22:00", to = "06:00"}]'
        },
    )
    quiet: tuple[QuietWindow, ...] = Field(
        default=(),
        description="hours in which nothing is an alert",
        json_schema_extra={
            "allowed": 'a list of tables, such as [{days = ["sat"], from = "22:00", to = "06:00"}]'
        },
    )
    calendar_time_zone: str = Field(
        default="",
        description="time zone of a calendar's whole days and of its times without one; empty: the calendar's, or UTC",
    )
    calendar: str = Field(
        default="", description="an iCalendar file: nothing is an alert while one of its events goes on"
    )
    maintenance: tuple[MaintenanceWindow, ...] = Field(
        default=(),
        description="planned work, in which nothing is an alert",
        json_schema_extra={"allowed": "a list of tables with `from` and `to`, two moments in ISO 8601"},
    )

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        if RULE_NAME.fullmatch(name) is None:
            raise ValueError("must be at most 64 letters, digits, dots, hyphens and underscores")
        return name

    @field_validator("keys")
    @classmethod
    def _check_keys(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        if not keys or not all(0 < len(pattern) <= MAX_PATTERN_CHARACTERS for pattern in keys):
            raise ValueError(
                f'must be one or more patterns of 1 to {MAX_PATTERN_CHARACTERS} characters; "*" is every key'
            )
        return keys

    @field_validator("features")
    @classmethod
    def _check_features(cls, features: tuple[str, ...]) -> tuple[str, ...]:
        repeated = sorted({feature for feature in features if features.count(feature) > 1})
        if repeated:
            raise ValueError(f"must not repeat {', '.join(repeated)}")
        return features

    @field_validator("ignore_above", "ignore_below", "ignore_above_ratio", "ignore_below_ratio")
    @classmethod
    def _check_direction(cls, distance: float, info: ValidationInfo) -> float:
        alert_on = info.data.get("alert_on")
        is_above = "above" in str(info.field_name)
        if distance > 0 and alert_on == ("drops" if is_above else "rises"):
            raise ValueError(
                f"must be left out where alert_on is {alert_on}: a {'rise' if is_above else 'drop'} is no alert anyway"
            )
        return distance

    @field_validator("maximum_value")
    @classmethod
    def _check_range(cls, maximum: float | None, info: ValidationInfo) -> float | None:
        minimum = info.data.get("minimum_value")
        if maximum is not None and minimum is not None and maximum < minimum:
            raise ValueError(f"must be at least minimum_value, {minimum}: else nothing is ever an alert")
        return maximum

    @field_validator("calendar_time_zone")
    @classmethod
    def _check_calendar_zone(cls, name: str) -> str:
        if name:
            check_time_zone(name)
        return name

    @field_validator("calendar")
    @classmethod
    def _check_calendar(cls, path: str, info: ValidationInfo) -> str:
        time_zone = info.data.get("calendar_time_zone", "")
        if path:
            check_calendar(Path(path), time_zone)
        elif time_zone:
            raise ValueError("must be set where calendar_time_zone is")
        return path

    @model_validator(mode="after")
    def _check_effect(self) -> RuleSettings:
        limits = (self.minimum_value, self.maximum_value)
        distances = (self.ignore_above, self.ignore_below, self.ignore_above_ratio, self.ignore_below_ratio)
        is_quiet = self.quiet or self.calendar or self.maintenance
        is_limited = self.alert_on != "both" or limits != (None, None) or any(distances)
        if self.during and not is_limited:
            raise ValueError(
                "says by `during` when nothing holds: give it alert_on, ignore_above or the like"
            )
        if not is_limited and not is_quiet:
            raise ValueError(
                "holds no alert back: give it alert_on, ignore_above or another setting of rules"
            )
        return self


def contradictions(rules: object, features: Sequence[str] | None) -> list[InitErrorDetails]:
    """Return what is wrong between rules, and between them and ``events.features`` (None: not known).

    ``rules`` may be anything: they are looked at before they are checked, so that all errors are told at once.
    """
    found: list[InitErrorDetails] = []
    seen: dict[object, int] = {}
    for index, rule in enumerate(rules if isinstance(rules, list | tuple) else ()):
        name, named = (_part(rule, part) for part in ("name", "features"))
        if isinstance(name, str) and name in seen:
            found.append(_finding((index, "name"), name, f"must differ from that of rules[{seen[name]}]"))
        elif isinstance(name, str):
            seen[name] = index
        named = (named,) if isinstance(named, str) else named
        for part, feature in enumerate(named if isinstance(named, list | tuple) else ()):
            if features is not None and isinstance(feature, str) and feature not in features:
                meant = difflib.get_close_matches(feature, features, n=1)
                advice = f"; did you mean {meant[0]}?" if meant else f": {', '.join(features[:10])}"
                found.append(
                    _finding((index, "features", part), feature, f"must be of events.features{advice}")
                )
    return found


def _part(rule: object, name: str) -> object:
    return rule.get(name) if isinstance(rule, Mapping) else getattr(rule, name, None)


def _finding(place: tuple[int | str, ...], value: object, message: str) -> InitErrorDetails:
    return {"type": "value_error", "loc": place, "input": value, "ctx": {"error": ValueError(message)}}
