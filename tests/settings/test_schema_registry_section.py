from __future__ import annotations

import pytest

from stream_rcf.errors import UsageError
from stream_rcf.settings.model import Settings, load_settings, load_with_origins
from stream_rcf.settings.printing import settings_as_toml

URL = "http://registry:8081"
SECRET = "hunter2"


def complaint(**overrides: str) -> str:
    with pytest.raises(UsageError) as failure:
        load_settings(None, {name.replace("__", "."): value for name, value in overrides.items()})
    return str(failure.value)


def test_json_needs_no_registry() -> None:
    settings = Settings()
    assert settings.events.format == "json"
    assert settings.schema_registry.url == ""


@pytest.mark.parametrize("name", ["avro", "protobuf", "json_schema"])
def test_the_other_formats_need_one(name: str) -> None:
    assert "schema_registry.url is empty" in complaint(events__format=name)
    settings = load_settings(None, {"events.format": name, "schema_registry.url": URL})
    assert settings.events.format == name


def test_an_unknown_format_is_refused_by_name() -> None:
    assert "must be json or avro or protobuf or json_schema" in complaint(events__format="xml")


@pytest.mark.parametrize("url", ["https://r", "http://r:1/apis/ccompat/v7", "http://[::1]:8081"])
def test_addresses_lose_a_slash_at_their_end_and_nothing_else(url: str) -> None:
    for given in (url, url + "/"):
        assert load_settings(None, {"schema_registry.url": given}).schema_registry.url == url


@pytest.mark.parametrize(
    "url",
    ["registry:8081", "ftp://r", "http://", "http://r:0", "http://r:99999", "http://r/ x", "http://r/\n"],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    assert "must be an address such as" in complaint(schema_registry__url=url)


@pytest.mark.parametrize("url", ["http://r/?x=1", "http://r/#x"])
def test_an_address_ends_with_its_path(url: str) -> None:
    assert "without ? or #" in complaint(schema_registry__url=url)


@pytest.mark.parametrize("url", [f"http://me:{SECRET}@r", f"me:{SECRET}@r", f"ftp://{SECRET}@r"])
def test_an_address_with_a_password_is_refused_and_not_repeated(url: str) -> None:
    said = complaint(schema_registry__url=url)
    assert "use schema_registry.username and schema_registry.password" in said
    assert SECRET not in said


def test_a_password_needs_a_name_and_is_not_repeated() -> None:
    with pytest.raises(UsageError) as failure:
        load_with_origins(None, {}, {"STREAM_RCF_SCHEMA_REGISTRY__PASSWORD": SECRET})
    said = str(failure.value)
    assert "schema_registry.password needs schema_registry.username" in said
    assert SECRET not in said


def test_a_password_is_printed_nowhere() -> None:
    environment = {"STREAM_RCF_SCHEMA_REGISTRY__PASSWORD": SECRET}
    loaded = load_with_origins(None, {"schema_registry.username": "me"}, environment)
    assert loaded.settings.schema_registry.password.get_secret_value() == SECRET
    assert SECRET not in repr(loaded.settings)
    text = settings_as_toml(loaded)
    assert SECRET not in text
    assert 'password = "********"  # environment' in text


def test_a_time_out_leaves_time_to_stay_in_the_group() -> None:
    assert "schema_registry.timeout_seconds" in complaint(schema_registry__timeout_seconds="61")
    assert "schema_registry.timeout_seconds" in complaint(schema_registry__timeout_seconds="0")
