from __future__ import annotations

import os
from pathlib import Path

import pytest

from stream_rcf.settings import secret_files as module
from stream_rcf.settings.catalogue import catalogue_of
from stream_rcf.settings.model import Settings, load_with_origins
from stream_rcf.settings.secret_files import MOST_BYTES, secret_files, secrets_directory
from stream_rcf.settings.sources import PREFIX, Gathered, gather

CATALOGUE = catalogue_of(Settings)


def gathered(folder: Path, overrides: dict[str, str] | None = None, **environment: str) -> Gathered:
    return gather(CATALOGUE, None, {"STREAM_RCF_SECRETS_DIR": str(folder), **environment}, overrides or {})


def test_the_folder_is_the_named_one_or_the_usual_one_where_it_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = tmp_path / "usual"
    monkeypatch.setattr(module, "DEFAULT_DIRECTORY", usual)
    assert secrets_directory({}) is None
    usual.mkdir()
    assert secrets_directory({}) == secrets_directory({"STREAM_RCF_SECRETS_DIR": ""}) == usual
    assert secrets_directory({"STREAM_RCF_SECRETS_DIR": "elsewhere"}) == Path("elsewhere")


@pytest.mark.parametrize("name", ["stream_rcf_security__password", "STREAM_RCF_SECURITY__PASSWORD"])
@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"hunter2", "hunter2"),
        (b"hunter2\n", "hunter2"),
        (b"hunter2\r\n", "hunter2"),
        (b"hunter2\n\n", "hunter2\n"),
        (b" hunter2 ", " hunter2 "),
        ("hünter".encode(), "hünter"),
        (b"", ""),
    ],
)
def test_a_file_holds_a_value_but_for_the_last_newline(
    tmp_path: Path, name: str, content: bytes, value: str
) -> None:
    (tmp_path / name).write_bytes(content)
    (found,) = secret_files(tmp_path, PREFIX)
    assert found == (tmp_path / name, value, None)


def test_every_setting_may_be_a_file_and_others_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "stream_rcf_forest__trees").write_text("7\n")
    (tmp_path / "stream_rcf_events__features").write_text('["a", "b"]')
    (tmp_path / "database_password").write_text("not ours")
    (tmp_path / "..data").mkdir()  # as Kubernetes has it
    result = gathered(tmp_path)
    assert result.complaints == []
    assert result.values == {"forest.trees": "7", "events.features": ["a", "b"]}
    assert result.origin("forest.trees") == f"file {tmp_path / 'stream_rcf_forest__trees'}"


def test_a_link_is_followed_as_kubernetes_mounts_them(tmp_path: Path) -> None:
    (tmp_path / "value").write_text("9")
    (tmp_path / "stream_rcf_forest__seed").symlink_to(tmp_path / "value")
    assert gathered(tmp_path).values == {"forest.seed": "9"}


def test_files_win_over_the_config_the_environment_over_files_and_set_over_all(tmp_path: Path) -> None:
    config = tmp_path / "service.toml"
    config.write_text("[forest]\ntrees = 1\nseed = 1\nsample_size = 11\nshingle_size = 1\n")
    for name in ("trees", "seed", "sample_size"):
        (tmp_path / f"stream_rcf_forest__{name}").write_text("12")
    environment = {
        "STREAM_RCF_SECRETS_DIR": str(tmp_path),
        "STREAM_RCF_FOREST__TREES": "13",
        "STREAM_RCF_FOREST__SEED": "13",
    }
    loaded = load_with_origins(config, {"forest.seed": "14"}, environment)
    forest = loaded.settings.forest
    assert (forest.shingle_size, forest.sample_size, forest.trees, forest.seed) == (1, 12, 13, 14)
    assert loaded.origins["forest.sample_size"] == f"file {tmp_path / 'stream_rcf_forest__sample_size'}"


def test_a_name_of_ours_that_is_no_setting_is_a_complaint(tmp_path: Path) -> None:
    (tmp_path / "stream_rcf_security__pasword").write_text("hunter2")
    path = tmp_path / "stream_rcf_security__pasword"
    assert gathered(tmp_path).complaints == [
        f"security.pasword is not a setting (file {path}); did you mean STREAM_RCF_SECURITY__PASSWORD?"
    ]


def test_two_files_for_one_setting_are_a_complaint(tmp_path: Path) -> None:
    for name in ("stream_rcf_forest__seed", "STREAM_RCF_FOREST__SEED"):
        (tmp_path / name).write_text("1")
    (complaint,) = gathered(tmp_path).complaints
    assert complaint.endswith("both set forest.seed: remove one of them")


def test_what_cannot_be_read_is_a_complaint_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "stream_rcf_a").mkdir()
    os.mkfifo(tmp_path / "stream_rcf_b")
    (tmp_path / "stream_rcf_c").write_bytes(b"\xff")
    (tmp_path / "stream_rcf_d").write_bytes(b"x" * (MOST_BYTES + 1))
    (tmp_path / "stream_rcf_e").symlink_to(tmp_path / "gone")
    assert gathered(tmp_path).complaints == [
        f"{tmp_path}/stream_rcf_a: cannot be read: Is a directory",
        f"{tmp_path}/stream_rcf_b: is not a file, but should hold a setting's value",
        f"{tmp_path}/stream_rcf_c: is not UTF-8 text (at its byte 0)",
        f"{tmp_path}/stream_rcf_d: is larger than any setting, over {MOST_BYTES} bytes",
        f"{tmp_path}/stream_rcf_e: cannot be read: No such file or directory",
    ]


def test_a_folder_that_is_not_there_is_a_complaint(tmp_path: Path) -> None:
    (complaint,) = gathered(tmp_path / "none").complaints
    assert complaint == f"{tmp_path / 'none'}: the secrets cannot be listed: No such file or directory"
