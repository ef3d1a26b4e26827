"""Imports point upward in the list of docs/architecture.md, and outside parts stay where they belong."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.architecture.planted import plant
from tests.architecture.source import PACKAGE, Breach, Source, imports, python_sources, report
from tests.support.machine import ROOT

# Each package and what it may import of the others; `errors`, `time_zones` and `local_time` are modules that all may,
# `river` one for notebooks.
_UP_TO_SETTINGS = {"errors", "time_zones", "local_time", "core", "state", "pipeline", "settings"}
_UP_TO_KAFKA = _UP_TO_SETTINGS | {"files", "observe", "kafka"}
MAY_IMPORT = {
    "errors": set(),
    "time_zones": set(),
    "local_time": {"time_zones"},
    "core": {"errors", "time_zones", "local_time"},
    "river": {"errors", "core"},
    "state": {"errors", "core"},
    "pipeline": {"errors", "time_zones", "local_time", "core", "state"},
    "settings": _UP_TO_SETTINGS - {"settings"},
    "files": _UP_TO_SETTINGS,
    "tuning": _UP_TO_SETTINGS | {"files"},
    "observe": _UP_TO_SETTINGS,
    "kafka": _UP_TO_SETTINGS | {"observe"},
    "service": _UP_TO_KAFKA,
    "demo": _UP_TO_KAFKA | {"service"},
    "cli": _UP_TO_KAFKA | {"tuning", "service", "demo"},
    "__main__": {"cli"},
}
# What few may import, and who: the rest of the program must work, and start, without it.
KEPT_IN = {
    "confluent_kafka": {"kafka"},
    "fastavro": {"kafka"},
    "google": {"kafka"},
    "grpc_tools": {"kafka"},
    "httpx": {"kafka"},
    "jsonschema": {"kafka"},
    "referencing": {"kafka"},
    "numba": {"core"},
    "dateutil": {"pipeline"},
    "icalendar": {"pipeline"},
    "prometheus_client": {"observe"},
    "matplotlib": {"files"},
    "pyarrow": {"files"},
    "pydantic": {"settings"},
    "pydantic_core": {"settings"},
    "pydantic_settings": {"settings"},
    "recurring_ical_events": {"pipeline"},
    "river": {"river"},
}
# The same by file, where even of a package only one part may: for cold keys, for calendars, and for buckets.
KEPT_IN_MODULES = {
    "icalendar": "stream_rcf.pipeline.quiet_calendar",
    "lmdb": "stream_rcf.state.spill",
    "obstore": "stream_rcf.state.cloud",
    "recurring_ical_events": "stream_rcf.pipeline.quiet_calendar",
}
# The core does arithmetic: no input or output, no clock, no logging, no randomness but its own.
CORE_STANDARD_LIBRARY = {
    "__future__",
    "collections",
    "dataclasses",
    "enum",
    "hashlib",
    "operator",
    "zlib",
    "math",
    "struct",
    "typing",
}
CORE_OUTSIDE = {"numpy", "numba", "llvmlite"}
# Started by hand or in an image's build, and reports seconds; no detector imports it.
CORE_PROGRAMS = {"stream_rcf.core.warmup"}
# The kernels' cache reads the kernels' own sources, to tell a stale one.
KERNEL_CACHE = "stream_rcf.core.kernel_cache"


def import_breaches(sources: list[Source]) -> Iterator[Breach]:
    """Every import that points the wrong way, and every package the list does not know."""
    for source in sources:
        if source.package not in MAY_IMPORT and source.module != PACKAGE:
            yield Breach(source.path, 1, f"the package {source.package!r} is not in docs/architecture.md")
            continue
        allowed = MAY_IMPORT.get(source.package, {"core"}) | {source.package}
        for name, line in imports(source):
            first, *rest = name.split(".")
            if first == PACKAGE:
                # `from stream_rcf import __version__` is for all.
                if rest and rest[0] in MAY_IMPORT and rest[0] not in allowed:
                    yield Breach(source.path, line, f"{source.package or PACKAGE} must not import {rest[0]}")
            elif source.package not in KEPT_IN.get(first, {source.package}):
                yield Breach(source.path, line, f"only {', '.join(KEPT_IN[first])} imports {first}")
            elif not source.module.startswith(KEPT_IN_MODULES.get(first, "")):
                yield Breach(source.path, line, f"only {KEPT_IN_MODULES[first]} imports {first}")
            elif not _core_allows(source, first):
                yield Breach(source.path, line, f"core must not import {first}")
            elif first in {"tests", "load_tests"}:
                yield Breach(source.path, line, f"the product must not import {first}")


def _core_allows(source: Source, outside: str) -> bool:
    if source.package != "core" or source.module in CORE_PROGRAMS | {KERNEL_CACHE}:
        return True
    return outside in CORE_STANDARD_LIBRARY | CORE_OUTSIDE


def test_imports_point_upward() -> None:
    sources = python_sources(PACKAGE)

    assert len(sources) > 30
    assert report(import_breaches(sources)) == ""


def test_no_detector_imports_a_program_of_the_core() -> None:
    core = [source for source in python_sources(PACKAGE) if source.package == "core"]

    imported = {name.rpartition(".")[0] for source in core for name, _ in imports(source)}
    assert imported & CORE_PROGRAMS == set()


def test_every_package_of_the_list_is_in_the_document() -> None:
    document = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")

    packages = set(MAY_IMPORT) - {"errors", "time_zones", "local_time", "river", "__main__"}
    assert {name for name in packages if f"`{PACKAGE}/{name}/`" not in document} == set()


def test_the_client_is_imported_by_one_package_and_not_at_start() -> None:
    clients = {
        source.package
        for source in python_sources(PACKAGE)
        for name, _ in imports(source)
        if name.split(".")[0] == "confluent_kafka"
    }

    assert clients == {"kafka"}


def test_only_the_known_standard_library_counts_as_such() -> None:
    assert sys.stdlib_module_names >= CORE_STANDARD_LIBRARY


def breaches_of(root: Path, files: Mapping[str, str]) -> list[str]:
    return [str(breach) for breach in import_breaches(python_sources(PACKAGE, root=plant(root, files)))]


def test_a_core_that_imports_the_state_is_seen(tmp_path: Path) -> None:
    found = breaches_of(tmp_path, {"stream_rcf/core/box.py": "import stream_rcf.state.key_table\n"})

    assert found == ["stream_rcf/core/box.py:1: core must not import state"]


def test_an_import_inside_a_function_or_for_types_is_seen(tmp_path: Path) -> None:
    text = """
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            from stream_rcf.service import worker
        def late():
            from stream_rcf import kafka
    """
    found = breaches_of(tmp_path, {"stream_rcf/files/rows.py": text})

    assert found == [
        "stream_rcf/files/rows.py:4: files must not import service",
        "stream_rcf/files/rows.py:6: files must not import kafka",
    ]


def test_a_relative_import_is_seen(tmp_path: Path) -> None:
    found = breaches_of(
        tmp_path,
        {
            "stream_rcf/state/table.py": "from ..cli import main\n",
            "stream_rcf/state/__init__.py": "from ..pipeline.events import Event\nfrom . import table\n",
        },
    )

    assert found == [
        "stream_rcf/state/__init__.py:1: state must not import pipeline",
        "stream_rcf/state/table.py:1: state must not import cli",
    ]


def test_an_outside_part_in_the_wrong_place_is_seen(tmp_path: Path) -> None:
    found = breaches_of(
        tmp_path,
        {
            "stream_rcf/demo/cluster.py": "from confluent_kafka import Producer\n",
            "stream_rcf/core/clock.py": "import time\nimport orjson\nfrom numba import types\nimport math\n",
            "stream_rcf/cli/run.py": "from tests.support import broker\n",
        },
    )

    assert found == [
        "stream_rcf/cli/run.py:1: the product must not import tests",
        "stream_rcf/core/clock.py:1: core must not import time",
        "stream_rcf/core/clock.py:2: core must not import orjson",
        "stream_rcf/demo/cluster.py:1: only kafka imports confluent_kafka",
    ]


def test_an_outside_part_in_the_wrong_file_is_seen(tmp_path: Path) -> None:
    found = breaches_of(
        tmp_path,
        {
            "stream_rcf/state/key_table.py": "import lmdb\nfrom obstore.store import S3Store\n",
            "stream_rcf/state/spill.py": "import lmdb\n",
            "stream_rcf/state/cloud_objects.py": "def late():\n    import obstore\n",
            "stream_rcf/service/worker.py": "import obstore\n",
        },
    )

    assert found == [
        "stream_rcf/service/worker.py:1: only stream_rcf.state.cloud imports obstore",
        "stream_rcf/state/key_table.py:1: only stream_rcf.state.spill imports lmdb",
        "stream_rcf/state/key_table.py:2: only stream_rcf.state.cloud imports obstore",
    ]


def test_a_package_that_nobody_placed_is_seen(tmp_path: Path) -> None:
    found = breaches_of(tmp_path, {"stream_rcf/helpers/misc.py": "import os\n"})

    assert found == ["stream_rcf/helpers/misc.py:1: the package 'helpers' is not in docs/architecture.md"]


def test_what_the_list_allows_passes(tmp_path: Path) -> None:
    found = breaches_of(
        tmp_path,
        {
            "stream_rcf/__init__.py": "from stream_rcf.core.forest import RandomCutForest\n",
            "stream_rcf/kafka/source.py": "import confluent_kafka\nimport stream_rcf.observe.metrics\n",
            "stream_rcf/cli/main.py": "from stream_rcf import __version__\nfrom stream_rcf import demo\n",
            "stream_rcf/core/forest.py": "import numpy as np\nfrom stream_rcf.errors import UsageError\n",
        },
    )

    assert found == []
