"""Files are short, and hold nothing of the machine they were written on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.architecture.source import Breach, Source, all_files, python_sources, report
from tests.support.machine import ROOT

LONGEST = 300  # lines: one idea fits, and a reader holds it in mind
EXCUSE = "Over 300 lines because"
EXCUSE_WITHIN = 15  # lines from the top, where a reader meets it
# Written in two halves each, so that this file does not break its own rule.
MACHINE_PATHS = ["/wo" + "rk/", "/ro" + "ot/", "/tmp/" + "bash_", "/opt/" + "wheels", ".py" + "env/"]
REGISTRIES = [
    "py" + "pi.org",
    "python" + "hosted.org",
    "repo1." + "maven",
    "repo." + "maven",
    "registry." + "npmjs",
    "crates" + ".io",
    "deb." + "debian.org",
    "archive." + "ubuntu.com",
    "proxy." + "golang.org",
]
FORBIDDEN = re.compile("|".join(re.escape(text) for text in MACHINE_PATHS + REGISTRIES))


def length_breaches(sources: Iterable[Source]) -> Iterator[Breach]:
    """Every long file without its reason at the top."""
    for source in sources:
        lines = source.text.splitlines()
        if len(lines) > LONGEST and EXCUSE not in "\n".join(lines[:EXCUSE_WITHIN]):
            complaint = f"{len(lines)} lines, more than {LONGEST}: split it, or say at the top '{EXCUSE} ...'"
            yield Breach(source.path, len(lines), complaint)


def address_breaches(root: Path) -> Iterator[Breach]:
    """Every path of a developer's machine and every address of a package registry, in any text file."""
    for path in all_files(root):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture
        for number, line in enumerate(text.splitlines(), 1):
            if found := FORBIDDEN.search(line):
                complaint = f"{found[0]!r} belongs to a machine or a registry, not in the tree"
                yield Breach(str(path.relative_to(root)), number, complaint)


def test_files_are_short_or_say_why_not() -> None:
    assert report(length_breaches(python_sources("stream_rcf", "tests", "load_tests"))) == ""


def test_no_file_names_a_machine_or_a_registry() -> None:
    assert report(address_breaches(ROOT)) == ""


def test_a_long_file_is_seen_and_a_reason_accepted(tmp_path: Path) -> None:
    line = "x = 1\n"
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_short.py").write_text(line * LONGEST)
    (tmp_path / "tests" / "test_long.py").write_text(line * (LONGEST + 1))
    (tmp_path / "tests" / "test_reason.py").write_text(f'"""{EXCUSE} of a table."""\n' + line * LONGEST)
    (tmp_path / "tests" / "test_late.py").write_text(line * LONGEST + f"# {EXCUSE} it grew\n")

    found = [breach.path for breach in length_breaches(python_sources("tests", root=tmp_path))]

    assert found == ["tests/test_late.py", "tests/test_long.py"]


def test_a_machine_s_path_and_a_registry_are_seen_in_any_file(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / ".cache").mkdir()
    (tmp_path / "docs" / "use.md").write_text(f"fine\ncd {MACHINE_PATHS[0]}main\n")
    (tmp_path / "requirements.lock").write_text(f"--index-url https://{REGISTRIES[0]}/simple\n")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\xff" + MACHINE_PATHS[1].encode())
    (tmp_path / ".cache" / "log").write_text(MACHINE_PATHS[1])

    found = [(breach.path, breach.line) for breach in address_breaches(tmp_path)]

    assert found == [("docs/use.md", 2), ("requirements.lock", 1)]
