"""The Protobuf compiler on a foreign text: a process of its own, with little time and memory, in a folder of its own.

The text is data to the compiler: it may make it work for long or crash, but names no file to write. File names come
from references, and are checked here.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from stream_rcf.errors import UnreachableError
from stream_rcf.kafka.schema_registry import SchemaRefused
from stream_rcf.pipeline.event_errors import EventError, printable

MAIN_FILE = "stream_rcf_event.proto"  # not a name that references may have
CPU_SECONDS = 5  # a usual schema takes 0.1 s, most of it Python's start
WALL_SECONDS = 60.0  # the same on a machine that does other things too
MEMORY_BYTES = 2 * 2**30  # of addresses
FILE_BYTES = 32 * 2**20  # of what the compiler writes
MAX_NAME_CHARACTERS = 200
SHOWN_BYTES = 2000  # of what the compiler says
DETAIL_CHARACTERS = 200
LOG_LINE = re.compile(
    r"WARNING: All log messages|[IWEF][0-9]{4} "
)  # with times, which a dead letter must not hold
# Isolated from the environment and the current folder; the limits hold before the compiler is loaded.
PROGRAM = f"""\
import resource, sys
resource.setrlimit(resource.RLIMIT_CPU, ({CPU_SECONDS}, {CPU_SECONDS}))
resource.setrlimit(resource.RLIMIT_AS, ({MEMORY_BYTES}, {MEMORY_BYTES}))
resource.setrlimit(resource.RLIMIT_FSIZE, ({FILE_BYTES}, {FILE_BYTES}))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
from grpc_tools import protoc
sys.exit(protoc.main(["protoc", *sys.argv[1:]]))
"""


def require_compiler() -> None:
    """Raise ``ImportError`` where the compiler is not installed."""
    if importlib.util.find_spec("grpc_tools") is None:
        raise ImportError("no grpc_tools", name="grpc_tools")


def compile_texts(
    main: str | FileDescriptorProto,
    references: Mapping[str, str | FileDescriptorProto],
    known: Mapping[str, FileDescriptorProto],
) -> list[FileDescriptorProto]:
    """Return the compiled files, each after those it imports; the last one is ``main``.

    Raises ``SchemaRefused`` for what does not compile, and ``UnreachableError`` where no process or folder for
    it can be had.
    """
    for name in references:
        check_name(name)
    files = {**references, MAIN_FILE: main}
    ready = FileDescriptorSet(file=known.values())
    try:
        with tempfile.TemporaryDirectory(prefix="stream-rcf-protoc-") as folder:
            sources = Path(folder) / "sources"
            sources.mkdir()
            for name, content in files.items():
                if isinstance(content, str):
                    _write(sources, name, content)
                else:
                    ready.file.add().CopyFrom(content)
                    ready.file[-1].name = name
            return _compile(Path(folder), ready)
    except OSError as error:
        raise UnreachableError(
            f"a Protobuf schema cannot be compiled in {tempfile.gettempdir()}: {error}"
        ) from None


def check_name(name: str) -> None:
    """Raise ``SchemaRefused`` for a name that does not lead to a file inside the folder of the sources."""
    path = PurePosixPath(name)
    if (
        len(name) > MAX_NAME_CHARACTERS
        or not name.isprintable()
        or "\\" in name
        or path.is_absolute()
        or str(path) != name
        or ".." in path.parts
        or path.suffix != ".proto"
        or name == MAIN_FILE
    ):
        raise SchemaRefused(
            EventError.INVALID_SCHEMA,
            f"the schema refers to {printable(name)!r}, which is not the name of a .proto file to import",
        )


def _write(sources: Path, name: str, text: str) -> None:
    path = sources / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except (FileExistsError, NotADirectoryError, IsADirectoryError, UnicodeEncodeError):
        raise SchemaRefused(
            EventError.INVALID_SCHEMA, f"the reference {printable(name)!r} cannot be a file beside the others"
        ) from None


def _compile(folder: Path, ready: FileDescriptorSet) -> list[FileDescriptorProto]:
    given, output, said = folder / "known.bin", folder / "compiled.bin", folder / "said.txt"
    given.write_bytes(ready.SerializeToString())
    arguments = [
        f"--proto_path={folder / 'sources'}",
        f"--descriptor_set_in={given}",
        f"--descriptor_set_out={output}",
        "--include_imports",
        MAIN_FILE,
    ]
    with said.open("wb") as stream:
        try:
            done = subprocess.run(  # noqa: S603 -- our own program; the arguments are paths of ours
                [sys.executable, "-I", "-c", PROGRAM, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                cwd=folder,
                env={},
                timeout=WALL_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise _refused(f"compiling it takes more than {WALL_SECONDS:g} s") from None
    if done.returncode != 0 or not output.exists():
        with said.open("rb") as stream:
            words = stream.read(SHOWN_BYTES).decode("utf-8", "replace").replace(f"{folder / 'sources'}/", "")
        words = "; ".join(line for line in words.splitlines() if not LOG_LINE.match(line))
        if done.returncode < 0:
            words = f"the compiler was ended by signal {-done.returncode}, as when it takes more than {CPU_SECONDS} s"
        raise _refused(words)
    return list(FileDescriptorSet.FromString(output.read_bytes()).file)


def _refused(detail: str) -> SchemaRefused:
    shown = printable(detail, DETAIL_CHARACTERS)
    return SchemaRefused(EventError.INVALID_SCHEMA, f"the schema does not compile: {shown}")
