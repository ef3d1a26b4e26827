"""From the settings to the rules that batches are judged by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from stream_rcf.errors import UsageError
from stream_rcf.settings.calendar_files import read_calendar
from stream_rcf.settings.derived import detector_parameters
from stream_rcf.settings.model import Settings
from stream_rcf.settings.rules_section import DAYS, QuietWindow, RuleSettings

if TYPE_CHECKING:
    from stream_rcf.pipeline.quiet_times import QuietTimes, WeeklyTimes, WeeklyWindow
    from stream_rcf.pipeline.rules import Rule, RuleSet


def rule_set(settings: Settings, features: Sequence[str] | None = None) -> RuleSet | None:
    """Return the rules, with what their calendars hold now; None where there are none.

    ``features``: those of the events, where they are others than ``events.features``, as they may be for files; a rule
    is then about those that it names among them. The set's fingerprint is no part of ``state_fingerprint``: models and
    scores do not depend on rules, and no model is to be lost to a new quiet hour. Raises ``UsageError`` where a
    calendar has become unusable since the settings were checked.
    """
    from stream_rcf.pipeline.rules import RuleSet

    if not settings.rules:
        return None
    features = settings.events.features if features is None else features
    calendars = [_content(rule) for rule in settings.rules]
    rules = [_rule(rule, features, content) for rule, content in zip(settings.rules, calendars, strict=True)]
    return RuleSet(rules, features, _fingerprint(settings.rules, calendars))


def settings_fingerprint(settings: Settings, rules: RuleSet | None) -> str:
    """Return what copies of one group must agree on to write the same bytes: the model's and the rules' fingerprint."""
    return detector_parameters(settings).fingerprint() + ("" if rules is None else rules.fingerprint)


def _fingerprint(rules: Sequence[RuleSettings], calendars: Sequence[bytes]) -> str:
    digest = blake2b(digest_size=8)
    # What a calendar holds counts, not where it lies.
    for rule, calendar in zip(rules, calendars, strict=True):
        document = rule.model_copy(update={"calendar": ""}).model_dump_json().encode("utf-8")
        for part in (document, calendar):
            digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()


def _content(rule: RuleSettings) -> bytes:
    if not rule.calendar:
        return b""
    try:
        return read_calendar(Path(rule.calendar))
    except ValueError as error:
        raise _unusable(rule, error) from error


def _unusable(rule: RuleSettings, error: ValueError) -> UsageError:
    return UsageError(f"the calendar of the rule {rule.name}, {rule.calendar}, {error}")


def _rule(rule: RuleSettings, features: Sequence[str], calendar: bytes) -> Rule:
    from stream_rcf.pipeline.rules import DROP, RISE, Rule

    return Rule(
        name=rule.name,
        keys=rule.keys,
        features=tuple(
            index for index, name in enumerate(features) if not rule.features or name in rule.features
        ),
        muted={"both": 0, "rises": DROP, "drops": RISE}[rule.alert_on],
        above=rule.ignore_above,
        below=rule.ignore_below,
        above_ratio=rule.ignore_above_ratio,
        below_ratio=rule.ignore_below_ratio,
        least=-inf if rule.minimum_value is None else rule.minimum_value,
        most=inf if rule.maximum_value is None else rule.maximum_value,
        during=_weekly_times(rule.during) if rule.during else None,
        quiet=tuple(_quiet(rule, calendar)),
    )


def _quiet(rule: RuleSettings, calendar: bytes) -> Iterator[QuietTimes]:
    from stream_rcf.pipeline.quiet_times import Spans

    if rule.quiet:
        yield _weekly_times(rule.quiet)
    if rule.maintenance:
        yield Spans(window.span for window in rule.maintenance)
    if rule.calendar:
        from stream_rcf.pipeline.quiet_calendar import quiet_calendar

        try:
            yield quiet_calendar(calendar, rule.calendar_time_zone)
        except ValueError as error:
            raise _unusable(rule, error) from error


@lru_cache(maxsize=1024)
def _weekly_times(windows: tuple[QuietWindow, ...]) -> WeeklyTimes:
    """One for all rules with the same windows: a batch is then asked about them once."""
    from stream_rcf.pipeline.quiet_times import WeeklyTimes

    return WeeklyTimes([_window(window) for window in windows])


def _window(window: QuietWindow) -> WeeklyWindow:
    from stream_rcf.pipeline.quiet_times import WeeklyWindow

    return WeeklyWindow(
        tuple(DAYS.index(day) for day in window.days),
        _minutes(window.start),
        _minutes(window.end),
        window.time_zone,
    )


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return 60 * int(hours) + int(minutes)
