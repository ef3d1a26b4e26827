from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stream_rcf.errors import UsageError
from stream_rcf.pipeline.events import Event
from stream_rcf.pipeline.rules import BOTH, DROP, RISE, RuleSet
from stream_rcf.settings.derived import detector_parameters, state_fingerprint
from stream_rcf.settings.model import Settings
from stream_rcf.settings.rule_sets import rule_set, settings_fingerprint
from tests.support.calendars import calendar

FEATURES = {"features": ("cpu", "latency")}
MONDAY_2200_BERLIN = 1_796_072_400_000  # 2026-11-30T21:00:00Z
MAY_DAY = 1_777_600_000_000  # 2026-05-01T01:46:40Z


def settings_with(*rules: dict[str, object]) -> Settings:
    return Settings(events=FEATURES, rules=rules)  # type: ignore[arg-type] # -- mappings are what files hold


def rules_of(*rules: dict[str, object]) -> RuleSet:
    found = rule_set(settings_with(*rules))
    assert found is not None
    return found


def judged(rules: RuleSet, event: Event) -> tuple[list[int], list[list[float]]]:
    ruled = rules.judge([event], np.array([event.values]), np.array([event.timestamp]))
    if ruled is None:
        return [0, 0], [[0.0, 0.0], [0.0, 0.0]]
    return ruled.muted[0].tolist(), ruled.tolerance[0].tolist()


def test_without_rules_there_is_no_set() -> None:
    assert rule_set(Settings()) is None


def test_settings_become_rules() -> None:
    rules = rules_of(
        {"name": "a", "keys": "web-*", "alert_on": "rises", "ignore_above": 1, "ignore_above_ratio": 0.5},
        {
            "name": "b",
            "features": ["latency"],
            "alert_on": "drops",
            "ignore_below": 2,
            "ignore_below_ratio": 0.25,
        },
        {"name": "c", "features": "cpu", "minimum_value": 5, "maximum_value": 90},
    )

    assert judged(rules, Event("web-1", 0, (50.0, 40.0))) == ([DROP, BOTH], [[25.0, 0.0], [20.0, 10.0]])
    assert judged(rules, Event("db", 0, (4.0, 4.0))) == ([BOTH, RISE], [[0.0, 0.0], [0.0, 2.0]])
    assert judged(rules, Event("db", 0, (91.0, 4.0)))[0] == [BOTH, RISE]
    assert rules.names_for(Event("db", 0, (4.0, 4.0)), 0) == "c"


def test_rules_follow_the_features_of_a_file_by_name() -> None:
    settings = settings_with(
        {"name": "named", "features": ["latency"], "alert_on": "rises"}, {"name": "all", "minimum_value": 5}
    )
    rules = rule_set(settings, ("latency", "disk"))

    assert rules is not None
    assert judged(rules, Event("k", 0, (6.0, 6.0)))[0] == [DROP, 0]
    assert judged(rules, Event("k", 0, (4.0, 4.0)))[0] == [BOTH, BOTH]
    other = rule_set(settings, ("disk", "net"))
    assert other is not None
    assert judged(other, Event("k", 0, (6.0, 4.0)))[0] == [0, BOTH]
    assert other.names_for(Event("k", 0, (6.0, 4.0)), 1) == "all"


def test_every_kind_of_quiet_time(tmp_path: Path) -> None:
    path = tmp_path / "days.ics"
    path.write_bytes(calendar("DTSTART;VALUE=DATE:20260501"))
    quiet = {"days": ["mon"], "from": "22:00", "to": "06:00", "time_zone": "Europe/Berlin"}
    rules = rules_of(
        {
            "name": "q",
            "features": ["cpu"],
            "quiet": [quiet],
            "calendar": str(path),
            "calendar_time_zone": "Europe/Berlin",
            "maintenance": [{"from": "1970-01-02", "to": "1970-01-02T01:00:00Z"}],
        }
    )

    moments = {
        "window": MONDAY_2200_BERLIN,
        "before the window": MONDAY_2200_BERLIN - 1,
        "calendar": MAY_DAY,
        "day before, 22:30 UTC, is May Day in Berlin": MAY_DAY - 6_400_000 - 5_400_000,
        "day before, 21:30 UTC, is not": MAY_DAY - 6_400_000 - 9_000_000,
        "maintenance": 86_400_000,
        "end of maintenance": 90_000_000,
    }
    muted = {name: judged(rules, Event("k", moment, (1.0, 1.0)))[0] for name, moment in moments.items()}
    assert {name for name, bits in muted.items() if bits == [BOTH, 0]} == {
        "window",
        "calendar",
        "day before, 22:30 UTC, is May Day in Berlin",
        "maintenance",
    }
    assert {tuple(bits) for bits in muted.values()} == {(BOTH, 0), (0, 0)}


def test_the_fingerprint_says_whether_two_copies_judge_alike(tmp_path: Path) -> None:
    first, second = tmp_path / "a.ics", tmp_path / "b.ics"
    for path in (first, second):
        path.write_bytes(calendar("DTSTART;VALUE=DATE:20260501"))
    plain = {"name": "r", "calendar": str(first)}
    fingerprint = rules_of(plain).fingerprint

    assert (
        rules_of({**plain, "calendar": str(second)}).fingerprint == fingerprint
    )  # where it lies is no matter
    assert rules_of({**plain, "alert_on": "both"}).fingerprint == fingerprint
    assert rules_of({**plain, "calendar_time_zone": "Asia/Tokyo"}).fingerprint != fingerprint
    assert rules_of({**plain, "ignore_above": 1}).fingerprint != fingerprint
    assert rules_of(plain, {**plain, "name": "s"}).fingerprint != fingerprint
    first.write_bytes(calendar("DTSTART;VALUE=DATE:20260502"))
    assert rules_of(plain).fingerprint != fingerprint


def test_a_rule_costs_no_model_but_shows_where_copies_differ() -> None:
    bare, ruled = settings_with(), settings_with({"name": "r", "minimum_value": 5})

    assert state_fingerprint(bare) == state_fingerprint(ruled)
    assert settings_fingerprint(bare, rule_set(bare)) == detector_parameters(bare).fingerprint()
    assert settings_fingerprint(ruled, rule_set(ruled)).startswith(detector_parameters(bare).fingerprint())
    assert settings_fingerprint(ruled, rule_set(ruled)) != settings_fingerprint(bare, rule_set(bare))


def test_a_calendar_that_is_gone_since_the_settings_were_checked(tmp_path: Path) -> None:
    path = tmp_path / "days.ics"
    path.write_bytes(calendar())
    settings = settings_with({"name": "holidays", "calendar": str(path)})

    path.write_bytes(b"nothing")
    with pytest.raises(
        UsageError, match=rf"calendar of the rule holidays, {path}, must be an iCalendar file"
    ):
        rule_set(settings)
    path.unlink()
    with pytest.raises(UsageError, match=rf"the rule holidays, {path}, must be a file that can be read"):
        rule_set(settings)


def test_checking_rules_needs_neither_the_compiler_nor_the_calendar_library(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from stream_rcf.cli.main import main\n"
        "sys.modules['icalendar'] = None\n"
        'rules = \'[{"name": "r", "quiet": [{"to": "06:00"}]}]\'\n'
        "assert main(['check-config', '--set', 'rules=' + rules]) == 0\n"
        "assert 'numba' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "[[rules]]  # --set" in done.stdout


def test_a_tolerance_may_hold_for_some_hours_only() -> None:
    rules = rules_of(
        {
            "name": "night",
            "features": "cpu",
            "ignore_above_ratio": 0.5,
            "alert_on": "rises",
            "during": [{"days": ["mon"], "from": "22:00", "to": "06:00", "time_zone": "Europe/Berlin"}],
        },
        {"name": "always", "features": "cpu", "ignore_above": 1},
    )
    night, before = (
        Event("a", MONDAY_2200_BERLIN, (50.0, 4.0)),
        Event("a", MONDAY_2200_BERLIN - 1, (50.0, 4.0)),
    )

    assert judged(rules, night) == ([DROP, 0], [[25.0, 0.0], [0.0, 0.0]])
    assert judged(rules, before) == ([0, 0], [[1.0, 0.0], [0.0, 0.0]])
    assert rules.names_for(night, 0, rises=True, distance=20.0) == "night"
    assert rules.names_for(before, 0, rises=True, distance=20.0) == ""


def test_hours_without_anything_that_holds_in_them_are_refused() -> None:
    with pytest.raises(
        ValueError, match="says by `during` when nothing holds: give it alert_on, ignore_above"
    ):
        settings_with({"name": "a", "during": [{"days": ["sat"], "from": "22:00", "to": "06:00"}]})
