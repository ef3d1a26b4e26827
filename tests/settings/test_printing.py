from __future__ import annotations

import tomllib
from pathlib import Path

from stream_rcf.settings.catalogue import catalogue_of
from stream_rcf.settings.model import Settings, load_with_origins
from stream_rcf.settings.printing import settings_as_toml

ODD = 'a "quoted" \\ \x7f \x01 é\n'


def test_every_setting_is_printed_once_with_its_source() -> None:
    lines = settings_as_toml(
        load_with_origins(None, {"forest.seed": "3"}, {"STREAM_RCF_WORKERS": "2"})
    ).splitlines()
    assert "workers = 2  # environment STREAM_RCF_WORKERS" in lines
    assert "seed = 3  # --set" in lines
    assert "time_decay = 0.000390625  # default" in lines
    assert "# retire_after_seconds = not set  # default" in lines
    assert sum(" = " in line for line in lines) == len(catalogue_of(Settings)) - 5  # an empty map has no line


def test_what_is_printed_reads_back_as_the_same_settings(tmp_path: Path) -> None:
    overrides = {
        "events.key": '["a.b", "c"]',
        "events.features": '["count", "max(y é)"]',
        "events.window_seconds": "0.25",
        "kafka.properties": '{"linger.ms": 5, "client.id": "a \\"b\\""}',
        "forest.time_decay": "1e-7",
        "keys.memory_limit_mb": "100",
        "keys.retire_after_seconds": "0.5",
        "events.allowed_lateness_seconds": "6",
        "events.max_gap_seconds": "3600",
        "output.resolved": "true",
        "output.digest_keys": "20",
        "output.digest_seconds": "90.5",
        "detector.cooldown_seconds": "60",
        "detector.transforms": '{"count": "log"}',
        "detector.weights": '{"max(y é)": 2}',
        "forecast.horizon": "5",
        "forecast.period": "24",
        "forecast.minimum": '{"count": 0}',
        "forecast.maximum": '{"count": 1e6}',
        "http.host": ODD,
    }
    loaded = load_with_origins(None, overrides, {})
    config = tmp_path / "settings.toml"
    config.write_text(settings_as_toml(loaded), encoding="utf-8")
    again = load_with_origins(config, {}, {})
    assert again.settings == loaded.settings
    assert set(again.origins.values()) == {f"file {config}"}


def test_secrets_are_masked() -> None:
    properties = {"STREAM_RCF_KAFKA__PROPERTIES": '{"sasl.password": "hunter2", "sasl.username": "me"}'}
    text = settings_as_toml(load_with_origins(None, {}, properties))
    assert "hunter2" not in text
    options = tomllib.loads(text)["kafka"]["properties"]
    assert options == {"sasl.password": "********", "sasl.username": "me"}
    assert "[kafka.properties]  # environment STREAM_RCF_KAFKA__PROPERTIES" in text


def test_a_secret_setting_shows_only_whether_it_is_set() -> None:
    environment = {
        "STREAM_RCF_SECURITY__PROTOCOL": "sasl_ssl",
        "STREAM_RCF_SECURITY__SASL_MECHANISM": "plain",
        "STREAM_RCF_SECURITY__USERNAME": "me",
        "STREAM_RCF_SECURITY__PASSWORD": "hunter2",
    }
    text = settings_as_toml(load_with_origins(None, {}, environment))
    assert "hunter2" not in text
    security = tomllib.loads(text)["security"]
    assert (security["username"], security["password"], security["key_password"]) == ("me", "********", "")
    assert 'password = "********"  # environment STREAM_RCF_SECURITY__PASSWORD' in text


def test_rules_are_printed_as_tables_that_read_back(tmp_path: Path) -> None:
    rules = (
        '[{"name": "night", "keys": "web-*", "ignore_above_ratio": 0.2, "minimum_value": 0,'
        ' "quiet": [{"days": ["sat"], "from": "22:00", "to": "06:00", "time_zone": "Europe/Berlin"}]},'
        ' {"name": "work", "maintenance": [{"from": "2026-01-01", "to": "2026-01-02T03:00:00Z"}]}]'
    )
    loaded = load_with_origins(None, {}, {"STREAM_RCF_RULES": rules})
    text = settings_as_toml(loaded)
    config = tmp_path / "settings.toml"
    config.write_text(text, encoding="utf-8")

    assert load_with_origins(config, {}, {}).settings.rules == loaded.settings.rules
    assert text.split("\n\n")[-2:] == [
        '[[rules]]  # environment STREAM_RCF_RULES\nname = "night"\nkeys = ["web-*"]\nalert_on = "both"\n'
        "ignore_above_ratio = 0.2\nminimum_value = 0.0\n"
        'quiet = [{days = ["sat"], from = "22:00", to = "06:00", time_zone = "Europe/Berlin"}]',
        '[[rules]]  # environment STREAM_RCF_RULES\nname = "work"\nkeys = ["*"]\nalert_on = "both"\n'
        'maintenance = [{from = "2026-01-01", to = "2026-01-02T03:00:00Z"}]\n',
    ]
    assert "rules = []  # default" in settings_as_toml(load_with_origins(None, {}, {})).splitlines()
