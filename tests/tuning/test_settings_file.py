from __future__ import annotations

from pathlib import Path

from stream_rcf.settings.model import load_with_origins
from stream_rcf.tuning.proposals import Proposal
from stream_rcf.tuning.settings_file import given, settings_toml

PROPOSALS = [
    Proposal("detector.alert_budget", 0.5, "few."),
    Proposal("forest.shingle_size", 48, "a day " * 40),
    Proposal("events.features", ("cpu", 'odd "name"\n'), "these\nand\x1bno more."),
    Proposal("kafka.properties", {"linger.ms": "7"}, "as given"),
    Proposal("workers", 2, "as given"),
]


def test_what_is_written_can_be_read_back(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(settings_toml("Proposed from\x07 a.csv.", PROPOSALS), encoding="utf-8")
    loaded = load_with_origins(path, {}, {})
    settings = loaded.settings
    assert (settings.detector.alert_budget, settings.forest.shingle_size, settings.workers) == (0.5, 48, 2)
    assert settings.events.features == ("cpu", 'odd "name"\n')
    assert settings.kafka.properties == {"linger.ms": "7"}
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# Proposed from? a.csv."
    assert max(map(len, lines)) <= 100
    assert "# and?no more." in lines
    assert lines.index("[forest]") < lines.index("[detector]"), "sections come in the order of the settings"


def test_what_was_given_is_taken_over_but_secrets_and_what_is_proposed(tmp_path: Path) -> None:
    config = tmp_path / "base.toml"
    config.write_text(
        "[forest]\ntrees = 7\nshingle_size = 3\n"
        '[security]\nprotocol = "sasl_ssl"\nsasl_mechanism = "plain"\npassword = "s3cret"\nusername = "u"\n'
        '[kafka]\nproperties = { "linger.ms" = "7" }\n'
    )
    loaded = load_with_origins(config, {"forest.seed": "4"}, {"STREAM_RCF_HTTP__PORT": "1"})
    found = given(loaded, ["--set", f"file {config}"], ["forest.shingle_size"])
    assert {one.name: one.value for one in found} == {
        "forest.trees": 7,
        "forest.seed": 4,
        "security.protocol": "sasl_ssl",
        "security.sasl_mechanism": "plain",
        "security.username": "u",
        "kafka.properties": {"linger.ms": "7"},
    }
    config.write_text('[kafka]\nproperties = { "ssl.key.password" = "7" }\n')
    assert given(load_with_origins(config, {}, {}), [f"file {config}"], []) == []
