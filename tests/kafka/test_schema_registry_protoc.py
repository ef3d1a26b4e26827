from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto

from stream_rcf.errors import UnreachableError
from stream_rcf.kafka import schema_registry_protoc
from stream_rcf.kafka.schema_registry import SchemaRefused
from stream_rcf.kafka.schema_registry_protobuf_files import known_files
from stream_rcf.kafka.schema_registry_protoc import MAIN_FILE, check_name, compile_texts

EVENT = 'syntax = "proto3"; import "a/host.proto"; message Event { Host host = 1; }'
HOST = 'syntax = "proto3"; message Host { string name = 1; }'


def complaint(main: str, **references: str) -> str:
    with pytest.raises(SchemaRefused) as failure:
        compile_texts(main, references, known_files())
    assert str(failure.value).isprintable()
    return str(failure.value)


def test_files_come_after_those_they_import() -> None:
    files = compile_texts(EVENT, {"a/host.proto": HOST}, known_files())
    assert [file.name for file in files] == ["a/host.proto", MAIN_FILE]
    assert files[-1].message_type[0].name == "Event"


def test_a_reference_may_be_compiled_already() -> None:
    (host,) = compile_texts(HOST, {}, known_files())
    assert isinstance(host, FileDescriptorProto)
    host.name = "somebody elses.proto"
    files = compile_texts(EVENT, {"a/host.proto": host}, known_files())
    assert [file.name for file in files] == ["a/host.proto", MAIN_FILE]


def test_common_files_need_no_reference() -> None:
    for name in (
        "google/protobuf/timestamp.proto",
        "google/type/money.proto",
        "confluent/type/decimal.proto",
    ):
        files = compile_texts(f'syntax = "proto3"; import "{name}"; message A {{}}', {}, known_files())
        assert files[-1].dependency == [name]


@pytest.mark.parametrize("name", ["a.proto", "a/b.proto", "google/type/mine.proto", "a b.proto", "..a.proto"])
def test_names_of_files_are_accepted(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "a", "/a.proto", "../a.proto", "a/../b.proto", "a/./b.proto", "./a.proto", "a//b.proto", "a\\b.proto",
     "a\n.proto", "a\0.proto", ".proto", "a.proto/", "a.proto/..", "x" * 300 + ".proto", MAIN_FILE, "a.py"],
)  # fmt: skip
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(SchemaRefused):
        check_name(name)


@pytest.mark.parametrize(
    "path", ["../../outside.proto", "/etc/passwd", "sources/../../x.proto", "..\\\\x.proto"]
)
def test_an_import_cannot_lead_out_of_the_folder(path: str) -> None:
    said = complaint(f'syntax = "proto3"; import "{path}"; message A {{}}')
    assert "not allowed in the virtual path" in said or "File not found" in said


def test_nothing_is_left_and_nothing_written_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    compile_texts(EVENT, {"a/host.proto": HOST}, known_files())
    complaint("garbage")
    complaint(EVENT, **{"../host.proto": HOST})
    complaint(EVENT, **{"a.proto": HOST, "a.proto/b.proto": HOST})
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_compile_is_said_the_same_each_time() -> None:
    said = complaint('syntax = "proto3"; message A { Missing m = 1; }')
    assert '"Missing" is not defined' in said
    assert said == complaint('syntax = "proto3"; message A { Missing m = 1; }')
    assert str(tempfile.gettempdir()) not in said
    assert complaint("garbage") == complaint("garbage")


def test_messages_nested_without_end_are_refused() -> None:
    assert "recursion limit" in complaint('syntax = "proto3"; ' + "message A { " * 20_000 + "}" * 20_000)


def test_a_compiler_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    endless = "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (1, 1))\nwhile True: pass"
    monkeypatch.setattr(schema_registry_protoc, "PROGRAM", endless)
    assert "ended by signal" in complaint(HOST)
    monkeypatch.setattr(schema_registry_protoc, "PROGRAM", "import signal\nsignal.pause()")
    monkeypatch.setattr(schema_registry_protoc, "WALL_SECONDS", 0.5)
    assert "takes more than 0.5 s" in complaint(HOST)


def test_a_folder_that_cannot_be_had_is_not_the_schemas_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(UnreachableError, match="gone"):
        compile_texts(HOST, {}, known_files())


def test_the_compiler_sees_neither_our_environment_nor_our_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STREAM_RCF_SCHEMA_REGISTRY__PASSWORD", "hunter2")
    seen_file = str(tmp_path / "seen")
    spy = f"import os\nopen({seen_file!r}, 'w').write(repr(dict(os.environ)) + os.getcwd())\nraise SystemExit(1)"
    monkeypatch.setattr(schema_registry_protoc, "PROGRAM", spy)
    complaint(HOST)
    seen = (tmp_path / "seen").read_text()
    assert "hunter2" not in seen
    assert os.getcwd() not in seen
