"""``python -m load_tests.object_storage [--server PATH] [--only tests|speed]``: object storage on a real S3 server.

First all its tests, which ``make test`` runs on moto, races for a name among them; then a server that is killed among
writers; then how fast it is beside a folder. Ends with 1 where anything was wrong.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stream_rcf.state.cloud_objects import CloudObjects
from stream_rcf.state.folder_objects import FolderObjects
from stream_rcf.state.objects import Objects
from tests.support.machine import ROOT
from tests.support.s3_server import PROGRAM_VARIABLE, S3Server

SERVER = ROOT / ".cache" / "tools" / "bin" / "versitygw"
TESTS = ("tests/state/test_cloud_objects.py", "tests/state/test_cloud_credentials.py")
WRITERS = 8
KILLS = 3
OBJECTS_BETWEEN_KILLS = 100
SMALL_BYTES = 100_000
SMALL_OBJECTS = 1_000
LARGE_BYTES = 32 * 2**20
LARGE_OBJECTS = 4
RANGES = 1_000
REPETITIONS = 3


def main() -> int:
    """Run what is asked for; 0 where all was well."""
    parser = argparse.ArgumentParser(
        prog="python -m load_tests.object_storage", description="Object storage on a real S3 server."
    )
    parser.add_argument(
        "--server", type=Path, default=SERVER, metavar="PATH", help=f"versitygw; by default {SERVER}"
    )
    parser.add_argument("--only", choices=("tests", "speed"), help="only this part; both by default")
    given = parser.parse_args()
    with S3Server(given.server) as server:
        os.environ.update(server.environment())
        if given.only != "speed" and not (_tests_pass(given.server) and _kills_lose_nothing(server)):
            return 1
        if given.only != "tests":
            _measure(server)
    return 0


def _tests_pass(server: Path) -> bool:
    environment = {**os.environ, PROGRAM_VARIABLE: str(server)}
    words = [sys.executable, "-m", "pytest", "-q", *TESTS]
    return subprocess.run(words, cwd=ROOT, env=environment, check=False).returncode == 0


def _kills_lose_nothing(server: S3Server) -> bool:
    """Kill the server among writers, start it again, and look whether all that they were told is written is there."""
    objects = CloudObjects(server.url("kills"), retry_seconds=60)
    names = [f"{number:05d}" for number in range(OBJECTS_BETWEEN_KILLS * (KILLS + 1))]

    def content(name: str) -> bytes:
        return name.encode() * 20_000

    with ThreadPoolExecutor(WRITERS) as pool:
        tasks = [pool.submit(objects.create, name, content(name)) for name in names]
        for kill in range(1, KILLS + 1):
            tasks[kill * OBJECTS_BETWEEN_KILLS].result()  # they are begun in order
            server.kill()
            server.start()
        for task in tasks:
            task.result()
    wrong = [name for name in names if objects.read(name, 10**6) != content(name)]
    surplus = set(objects.list("")).symmetric_difference(names)
    print(
        f"{KILLS} kills among {len(names)} writes: {len(wrong)} objects wrong, {len(surplus)} too many or too few"
    )
    return not wrong and not surplus


def _measure(server: S3Server) -> None:
    print("| | folder | versitygw |\n|---|---:|---:|")
    with tempfile.TemporaryDirectory(prefix="objects-", dir=ROOT / ".cache") as folder:
        kinds: list[tuple[str, Objects]] = [
            ("folder", FolderObjects(Path(folder))),
            ("bucket", CloudObjects(server.url("speed"))),
        ]
        rows: dict[str, list[str]] = {}
        for _, objects in kinds:
            for title, run in _runs(objects):
                seconds = sorted(run(repetition) for repetition in range(REPETITIONS))
                rows.setdefault(title, []).append(
                    f"{seconds[len(seconds) // 2]:.2f} s ({seconds[0]:.2f} to {seconds[-1]:.2f})"
                )
    for title, cells in rows.items():
        print(f"| {title} | {' | '.join(cells)} |")


def _runs(objects: Objects) -> list[tuple[str, Callable[[int], float]]]:
    small = os.urandom(SMALL_BYTES)
    large = os.urandom(LARGE_BYTES)

    def create(repetition: int, threads: int) -> float:
        def one(number: int) -> None:
            objects.create(f"small-{threads}-{repetition}/{number}", small)

        started = time.perf_counter()
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(one, range(SMALL_OBJECTS)))
        return time.perf_counter() - started

    def create_large(repetition: int) -> float:
        started = time.perf_counter()
        for number in range(LARGE_OBJECTS):
            objects.create(f"large-{repetition}/{number}", large)
        return time.perf_counter() - started

    def read(step: int) -> float:
        each = RANGES // LARGE_OBJECTS
        ranges = [(start, start + SMALL_BYTES) for start in range(0, each * step, step)]
        started = time.perf_counter()
        for number in range(LARGE_OBJECTS):
            parts = objects.read_ranges(f"large-0/{number}", ranges)
            if any(part != large[start:end] for part, (start, end) in zip(parts, ranges, strict=True)):
                raise RuntimeError("a range is not what was written")
        return time.perf_counter() - started

    def read_alone(_repetition: int) -> float:
        def one(number: int) -> None:
            start = number * SMALL_BYTES % (LARGE_BYTES - SMALL_BYTES)
            objects.read_ranges(f"large-0/{number % LARGE_OBJECTS}", [(start, start + SMALL_BYTES)])

        started = time.perf_counter()
        with ThreadPoolExecutor(WRITERS) as pool:
            list(pool.map(one, range(RANGES)))
        return time.perf_counter() - started

    return [
        ("1,000 x 100 KB created, one after the other", lambda repetition: create(repetition, 1)),
        (f"1,000 x 100 KB created by {WRITERS} threads", lambda repetition: create(repetition, WRITERS)),
        (f"{LARGE_OBJECTS} x 32 MB created, one after the other", create_large),
        ("1,000 ranges of 100 KB of those, 250 a call", lambda _repetition: read(LARGE_BYTES // 250)),
        (f"1,000 ranges of 100 KB, one a call, {WRITERS} threads", read_alone),
    ]


if __name__ == "__main__":
    sys.exit(main())
