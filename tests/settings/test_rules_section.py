from __future__ import annotations

from pathlib import Path

import pytest

from stream_rcf.errors import UsageError
from stream_rcf.settings.model import Settings, load_with_origins
from stream_rcf.settings.rules_section import MaintenanceWindow, QuietWindow, RuleSettings
from tests.support.calendars import calendar

TWO_FEATURES = {"events.features": '["cpu", "latency"]'}
EVERYTHING = """
[events]
features = ["cpu", "latency"]

[[rules]]
name = "night"
keys = ["web-*", "db-?"]
features = ["latency"]
alert_on = "rises"
ignore_above = 2
ignore_above_ratio = 0.2
minimum_value = 0
maximum_value = 1e3
quiet = [
    {days = ["Mon", "tue"], from = "22:00", to = 06:00:00, time_zone = "Europe/Berlin"},
    {days = ["sat", "sun"]},
]
calendar = "CALENDAR"
calendar_time_zone = "Asia/Tokyo"
maintenance = [
    {from = 2026-03-01T22:00:00+01:00, to = 2026-03-02},
    {from = "2026-04-01 22:00", to = "2026-04-01T23:00:00Z"},
]

[[rules]]
name = "all"
keys = "*"
ignore_below = 1.5
"""


def settings_of(toml: str, folder: Path) -> Settings:
    config = folder / "settings.toml"
    config.write_text(toml, encoding="utf-8")
    return load_with_origins(config, {}, {}).settings


def refused(rules: str, folder: Path) -> list[str]:
    """The complaints about rules in TOML, without where they came from."""
    with pytest.raises(UsageError) as failure:
        settings_of('[events]\nfeatures = ["cpu", "latency"]\n' + rules, folder)
    return [
        line.replace(f" (file {folder / 'settings.toml'})", "")
        for line in str(failure.value).split("\n  ")[1:]
    ]


def rule(text: str) -> str:
    return f'[[rules]]\nname = "r"\n{text}\n'


def test_there_are_none_by_default() -> None:
    assert Settings().rules == ()


def test_every_setting_of_a_rule(tmp_path: Path) -> None:
    (tmp_path / "days.ics").write_bytes(calendar("DTSTART;VALUE=DATE:20260501"))
    toml = EVERYTHING.replace("CALENDAR", str(tmp_path / "days.ics"))

    night, everything = settings_of(toml, tmp_path).rules

    assert (night.name, night.keys, night.features, night.alert_on) == (
        "night",
        ("web-*", "db-?"),
        ("latency",),
        "rises",
    )
    assert (night.ignore_above, night.ignore_below) == (2.0, 0.0)
    assert (night.ignore_above_ratio, night.ignore_below_ratio) == (0.2, 0.0)
    assert (night.minimum_value, night.maximum_value) == (0.0, 1000.0)
    hours, weekend = night.quiet
    assert (hours.days, hours.start, hours.end, hours.time_zone) == (
        ("mon", "tue"),
        "22:00",
        "06:00",
        "Europe/Berlin",
    )
    assert (weekend.days, weekend.start, weekend.end, weekend.time_zone) == (
        ("sat", "sun"),
        "00:00",
        "24:00",
        "UTC",
    )
    assert (night.calendar, night.calendar_time_zone) == (str(tmp_path / "days.ics"), "Asia/Tokyo")
    planned, again = (window.span for window in night.maintenance)
    assert planned == (1_772_398_800_000, 1_772_409_600_000)
    assert again[1] - again[0] == 3_600_000
    assert (everything.keys, everything.features, everything.ignore_below) == (("*",), (), 1.5)


def test_the_environment_holds_them_as_json() -> None:
    environment = {"STREAM_RCF_RULES": '[{"name": "r", "quiet": [{"from": "22:00", "to": "06:00"}]}]'}

    loaded = load_with_origins(None, {}, environment)

    assert loaded.settings.rules[0].quiet[0].start == "22:00"
    assert loaded.origins["rules"] == "environment STREAM_RCF_RULES"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('alert_on = "up"', "rules[0].alert_on is 'up', but must be both or rises or drops"),
        ("ignore_above = -1", "rules[0].ignore_above is -1, but must be a number at least 0"),
        ("ignore_above = true", "rules[0].ignore_above is True, but must be a number, not true or false"),
        (
            "ignore_below_ratio = nan",
            "rules[0].ignore_below_ratio is nan, but must be a number between 0 and 1000",
        ),
        (
            'alert_on = "rises"\nignore_below_ratio = 0.1',
            "rules[0].ignore_below_ratio is 0.1, but must be left out where alert_on is rises: "
            "a drop is no alert anyway",
        ),
        (
            'alert_on = "drops"\nignore_above = 3',
            "rules[0].ignore_above is 3, but must be left out where alert_on is drops: a rise is no alert anyway",
        ),
        (
            "minimum_value = 5\nmaximum_value = 4",
            "rules[0].maximum_value is 4, but must be at least minimum_value, 5.0: else nothing is ever an alert",
        ),
        ("", "rules[0] holds no alert back: give it alert_on, ignore_above or another setting of rules"),
        (
            'alert_on = "both"\nignore_above = 0',
            "rules[0] holds no alert back: give it alert_on, ignore_above or another setting of rules",
        ),
        (
            'minimum_value = 1\nfeatures = ["latence"]',
            "rules[0].features holds 'latence', but must be of events.features; did you mean latency?",
        ),
        (
            'minimum_value = 1\nfeatures = "disk"',
            "rules[0].features holds 'disk', but must be of events.features: cpu, latency",
        ),
        (
            'minimum_value = 1\nfeatures = ["cpu", "cpu"]',
            "rules[0].features is ['cpu', 'cpu'], but must not repeat cpu",
        ),
        (
            "minimum_value = 1\nkeys = []",
            'rules[0].keys is [], but must be one or more patterns of 1 to 1024 characters; "*" is every key',
        ),
        (
            "minimum_value = 1\nkeys = 5",
            'rules[0].keys is 5, but must be a pattern, or a list of them, such as ["web-*", "db-?"]',
        ),
        (
            "minimun_value = 1\nignore_above = 1",
            "rules[0].minimun_value is not a setting; did you mean minimum_value?",
        ),
        (
            'quiet = [{days = ["mo"]}]',
            "rules[0].quiet[0].days holds 'mo', but must be a list of days, such as "
            '["mon", "tue", "wed", "thu", "fri", "sat", "sun"]',
        ),
        (
            "quiet = [{days = []}]",
            "rules[0].quiet[0].days is [], but must name at least one day, and none twice; leave it out for every day",
        ),
        (
            'quiet = [{days = ["sun", "sun"]}]',
            "rules[0].quiet[0].days is ['sun', 'sun'], but must name at least one day, and none twice; "
            "leave it out for every day",
        ),
        (
            'quiet = [{}, {from = "24:00"}]',
            "rules[0].quiet[1].from is '24:00', but must be a time of day such as \"22:30\"",
        ),
        (
            'quiet = [{to = "6:00"}]',
            "rules[0].quiet[0].to is '6:00', but must be a time of day such as \"22:30\"",
        ),
        (
            "quiet = [{to = 06:00:30}]",
            'rules[0].quiet[0].to is 06:00:30, but must be a time of day such as "22:30"',
        ),
        (
            'quiet = [{from = "06:00", to = "06:00"}]',
            "rules[0].quiet[0].to is '06:00', but must differ from `from`; leave both out for the whole day",
        ),
        (
            'quiet = [{time_zone = "Berlin"}]',
            "rules[0].quiet[0].time_zone is 'Berlin', but must be a time zone such as Europe/Berlin",
        ),
        (
            'quiet = [{time_zone = "../etc/passwd"}]',
            "rules[0].quiet[0].time_zone is '../etc/passwd', but must be a time zone such as Europe/Berlin",
        ),
        ("quiet = [5]", "rules[0].quiet[0] must be a table of settings"),
        ('quiet = [{form = "22:00"}]', "rules[0].quiet[0].form is not a setting; did you mean from?"),
        (
            "quiet = 5",
            "rules[0].quiet is 5, but must be a list of tables, such as "
            '[{days = ["sat"], from = "22:00", to = "06:00"}]',
        ),
        (
            'maintenance = [{from = "soon", to = 2026-01-01}]',
            "rules[0].maintenance[0].from is 'soon', but must be a time such as 2026-03-01T22:00:00+01:00: "
            "this is neither an ISO 8601 time nor seconds, ms, µs or ns since 1970",
        ),
        (
            "maintenance = [{from = 2026-01-01, to = 2200-01-01}]",
            "rules[0].maintenance[0].to is 2200-01-01, but must be a time such as 2026-03-01T22:00:00+01:00: "
            "this lies outside the years 1970 to 2099",
        ),
        (
            "maintenance = [{from = 2026-01-02, to = 2026-01-01}]",
            "rules[0].maintenance[0].to is 2026-01-01, but must be later than `from`, 2026-01-02",
        ),
        (
            "maintenance = [{from = 2026-01-02}]",
            "rules[0].maintenance[0].to is missing: when it ends, that moment exclusive",
        ),
        (
            'calendar = "nothing.ics"',
            "rules[0].calendar is 'nothing.ics', but must be a file that can be read: No such file or directory",
        ),
        (
            'calendar_time_zone = "UTC"\nminimum_value = 1',
            "rules[0].calendar is '', but must be set where calendar_time_zone is",
        ),
        (
            'calendar_time_zone = "Berlin"\nminimum_value = 1',
            "rules[0].calendar_time_zone is 'Berlin', but must be a time zone such as Europe/Berlin",
        ),
    ],
)
def test_what_is_wrong_with_a_rule_is_said_where_it_is(text: str, complaint: str, tmp_path: Path) -> None:
    assert refused(rule(text), tmp_path) == [complaint]


@pytest.mark.parametrize("name", ["", "a b", "a,b", "-a", "a" * 65, "é"])
def test_a_name_can_stand_in_a_reason(name: str, tmp_path: Path) -> None:
    assert refused(f'[[rules]]\nname = "{name}"\nminimum_value = 1', tmp_path) == [
        f"rules[0].name is {name!r}, but must be at most 64 letters, digits, dots, hyphens and underscores"
    ]


def test_all_errors_of_all_rules_are_told_at_once(tmp_path: Path) -> None:
    rules = (
        rule('quiet = [{time_zone = "Berlin", to = "x"}]\ncalendar = "none.ics"\nfeatures = ["disk"]')
        + rule('alert_on = "rises"\nignore_below = 1')
        + "[[rules]]\nminimum_value = 1\n"
        + "[forest]\ntrees = 0\n"
    )
    named = [complaint.split(" ")[0] for complaint in refused(rules, tmp_path)]

    assert sorted(named) == [
        "forest.trees",
        "rules[0].calendar",
        "rules[0].features",
        "rules[0].quiet[0].time_zone",
        "rules[0].quiet[0].to",
        "rules[1].ignore_below",
        "rules[1].name",
        "rules[2].name",
    ]


def test_two_rules_have_two_names(tmp_path: Path) -> None:
    assert refused(rule("minimum_value = 1") * 2, tmp_path) == [
        "rules[1].name is 'r', but must differ from that of rules[0]"
    ]


def test_features_are_not_looked_up_where_these_are_wrong_themselves() -> None:
    rules = '[{"name": "r", "features": ["x"], "minimum_value": 1}]'
    with pytest.raises(UsageError) as failure:
        load_with_origins(None, {"events.features": "[]", "rules": rules}, {})
    assert "rules" not in str(failure.value)


@pytest.mark.parametrize("value", ["{}", '"text"', "5", "[5]", "null"])
def test_what_is_no_list_of_tables_is_refused(value: str) -> None:
    with pytest.raises(UsageError, match=r"must be a (list of tables|table)"):
        load_with_origins(None, {"rules": value}, {})


def test_sections_are_frozen_and_speak_by_the_names_of_files() -> None:
    window = QuietWindow(**{"from": "22:00", "to": "06:00"})

    assert window.model_dump()["from"] == "22:00"
    assert MaintenanceWindow(**{"from": "2026-01-01", "to": "2026-01-02"}).model_dump()["to"] == "2026-01-02"
    with pytest.raises(ValueError, match="frozen"):
        RuleSettings(name="r", minimum_value=1).name = "s"  # type: ignore[misc] # -- that it is refused is the point
