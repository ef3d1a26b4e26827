"""What a worker of several is told."""

from __future__ import annotations

import pytest

from stream_rcf.settings.model import Settings
from stream_rcf.settings.workers import settings_from_bytes, settings_of_worker, settings_to_bytes

EVERYTHING = {
    "kafka": {"group_id": "g", "group_instance_id": "host", "properties": {"sasl.password": "hunter2"}},
    "events": {"key": ("a", "b.c"), "features": ("x", "y")},
    "forest": {"time_decay": 0.0, "seed": -5},
    "http": {"host": "0.0.0.0", "port": 9999},
    "keys": {"memory_limit_mb": 100},
    "rules": [
        {"name": "night", "quiet": [{"from": "22:00", "to": "06:00"}], "features": "x"},
        {"name": "moves", "maintenance": [{"from": "2026-01-01", "to": "2026-01-02"}], "minimum_value": 0},
    ],
    "workers": 4,
}


def test_settings_survive_the_way_to_a_worker_secrets_included() -> None:
    settings = Settings(**EVERYTHING)
    document = settings_to_bytes(settings)
    assert b"\n" not in document
    assert settings_from_bytes(document) == settings
    assert settings_from_bytes(document).kafka.properties == {"sasl.password": "hunter2"}
    assert settings_from_bytes(settings_to_bytes(Settings())) == Settings()


def test_a_worker_listens_where_only_its_supervisor_looks() -> None:
    worker = settings_of_worker(Settings(**EVERYTHING), 3)
    assert (worker.http.host, worker.http.port) == ("127.0.0.1", 0)
    assert worker.workers == 4
    assert worker.memory_limit_bytes_per_worker == 25 * 2**20
    unchanged = {
        name: getattr(worker, name) for name in ("events", "forest", "checkpoint", "logging", "rules")
    }
    settings = Settings(**EVERYTHING)
    assert unchanged == {name: getattr(settings, name) for name in unchanged}


@pytest.mark.parametrize(("name", "expected"), [("host", "host-3"), ("", "")])
def test_a_static_member_s_name_bears_the_worker_s_number(name: str, expected: str) -> None:
    settings = Settings(kafka={"group_instance_id": name}, workers=4)  # type: ignore[arg-type] # -- a mapping will do
    assert settings_of_worker(settings, 3).kafka.group_instance_id == expected
