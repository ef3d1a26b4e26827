from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from stream_rcf.settings.catalogue import catalogue_of
from stream_rcf.settings.model import Settings
from stream_rcf.settings.sources import Gathered, gather, variable_of

CATALOGUE = catalogue_of(Settings)


def gathered(
    toml: str | bytes | None = None,
    environment: dict[str, str] | None = None,
    overrides: dict[str, str] | None = None,
    folder: Path | None = None,
) -> Gathered:
    config = None
    if toml is not None:
        assert folder is not None
        config = folder / "settings.toml"
        config.write_bytes(toml if isinstance(toml, bytes) else toml.encode())
    return gather(CATALOGUE, config, environment or {}, overrides or {})


def test_the_environment_wins_over_the_file_and_set_over_both(tmp_path: Path) -> None:
    toml = "[forest]\ntrees = 1\nseed = 1\nsample_size = 10\n"
    environment = {"STREAM_RCF_FOREST__TREES": "2", "STREAM_RCF_FOREST__SEED": "2", "HOME": "elsewhere"}
    result = gathered(toml, environment, {"forest.seed": "3"}, tmp_path)
    assert result.complaints == []
    assert result.values == {"forest.sample_size": 10, "forest.trees": "2", "forest.seed": "3"}
    assert result.origin("forest.sample_size") == f"file {tmp_path / 'settings.toml'}"
    assert result.origin("forest.trees") == "environment STREAM_RCF_FOREST__TREES"
    assert result.origin("forest.seed") == "--set"
    assert result.origin("forest.shingle_size") == "default"


def test_the_environment_may_name_the_file_but_the_command_line_names_it_first(tmp_path: Path) -> None:
    named = tmp_path / "named.toml"
    named.write_text("workers = 7\n", encoding="utf-8")
    environment = {"STREAM_RCF_CONFIG": str(named)}
    assert gathered(None, environment).values == {"workers": 7}
    assert gathered("workers = 8\n", environment, folder=tmp_path).values == {"workers": 8}
    assert gathered(None, {"STREAM_RCF_CONFIG": ""}).values == {}


def test_lists_and_maps_are_json() -> None:
    environment = {
        "STREAM_RCF_EVENTS__FEATURES": '["a", "b"]',
        "STREAM_RCF_EVENTS__KEY": ' ["x", "y"]',
        "STREAM_RCF_KAFKA__PROPERTIES": '{"linger.ms": 5}',
    }
    assert gathered(None, environment).values == {
        "events.features": ["a", "b"],
        "events.key": ["x", "y"],
        "kafka.properties": {"linger.ms": 5},
    }
    assert gathered(None, {"STREAM_RCF_EVENTS__KEY": "host.name"}).values == {"events.key": "host.name"}


def test_text_that_should_be_json_is_a_complaint_with_its_origin() -> None:
    (complaint,) = gathered(None, {"STREAM_RCF_EVENTS__FEATURES": "a,b"}).complaints
    for part in ("events.features", "'a,b'", '["value"]', "environment STREAM_RCF_EVENTS__FEATURES"):
        assert part in complaint


def test_a_broken_map_is_not_repeated_as_it_may_hold_a_password() -> None:
    (complaint,) = gathered(None, {"STREAM_RCF_KAFKA__PROPERTIES": '{"sasl.password": "hunter2"'}).complaints
    assert "hunter2" not in complaint
    assert "kafka.properties" in complaint


def test_unknown_names_are_complaints_that_name_the_nearest(tmp_path: Path) -> None:
    result = gathered(
        "worker = 1\n[kafka]\ngroup = 'x'\n[kafak]\nx = 1\n",
        {"STREAM_RCF_FOREST__TREE": "1", "STREAM_RCF_FOREST_TREES": "1"},
        {"forest.tree": "1"},
        tmp_path,
    )
    origin = f"(file {tmp_path / 'settings.toml'})"
    assert result.complaints == [
        f"worker is not a setting {origin}; did you mean workers?",
        f"kafka.group is not a setting {origin}; did you mean kafka.group_id?",
        f"kafak is not a setting {origin}",
        "forest_trees is not a setting (environment STREAM_RCF_FOREST_TREES); "
        "did you mean STREAM_RCF_FOREST__TREES?",
        "forest.tree is not a setting (environment STREAM_RCF_FOREST__TREE); "
        "did you mean STREAM_RCF_FOREST__TREES?",
        "forest.tree is not a setting (--set); did you mean forest.trees?",
    ]


def test_the_variables_of_the_projects_tests_are_left_alone() -> None:
    assert gathered(None, {"STREAM_RCF_TEST_BOOTSTRAP": "x:1"}) == Gathered()


@pytest.mark.parametrize(
    ("toml", "parts"),
    [
        ("[kafka]\ngroup_id 'x'\n", ("settings.toml: is not TOML", "line 2")),
        (b"[kafka]\ngroup_id = '\xff'\n", ("settings.toml: is not UTF-8", "byte 20")),
        ("kafka = 3\n", ("kafka must be a table of settings, [kafka]", "settings.toml")),
    ],
)
def test_a_file_that_cannot_be_understood_is_a_complaint(
    tmp_path: Path, toml: str | bytes, parts: tuple[str, ...]
) -> None:
    (complaint,) = gathered(toml, folder=tmp_path).complaints
    for part in parts:
        assert part in complaint


def test_a_missing_file_is_a_complaint(tmp_path: Path) -> None:
    (complaint,) = gather(CATALOGUE, tmp_path / "none.toml", {}, {}).complaints
    assert complaint == f"{tmp_path / 'none.toml'}: cannot be read: No such file or directory"


def test_variables_are_named_after_their_settings() -> None:
    for name in CATALOGUE:
        assert gathered(None, {variable_of(name): "[1]"}).values.keys() == {name}


def test_a_secret_is_covered_from_the_moment_it_is_read(tmp_path: Path) -> None:
    toml = "[security]\npassword = 'hunter2'\n"
    result = gathered(toml, {"STREAM_RCF_SECURITY__KEY_PASSWORD": "hunter3"}, folder=tmp_path)
    assert "hunter" not in repr(result)
    assert "hunter" not in repr(result.values)
    for name, value in (("security.password", "hunter2"), ("security.key_password", "hunter3")):
        covered = result.values[name]
        assert isinstance(covered, SecretStr)
        assert covered.get_secret_value() == value


@pytest.mark.parametrize(
    ("name", "value", "secret", "variable"),
    [
        ("security.password", "hunter2", "security.password", "STREAM_RCF_SECURITY__PASSWORD"),
        (
            "kafka.properties",
            '{"linger.ms": 5, "sasl.password": "hunter2"}',
            "sasl.password in kafka.properties",
            "STREAM_RCF_KAFKA__PROPERTIES",
        ),
    ],
)
def test_no_secret_is_taken_from_the_arguments(name: str, value: str, secret: str, variable: str) -> None:
    result = gathered(None, overrides={name: value})
    (complaint,) = result.complaints
    assert complaint.startswith(f"{secret} is a secret, and every user of the machine can read")
    assert f"use {variable}" in complaint
    assert "hunter2" not in complaint
    assert result.values == {}
