"""``python -m load_tests.chaos``, by ``make chaos``."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
from pathlib import Path
from types import FrameType

import orjson

from load_tests.chaos.driver import Result, run_seed
from load_tests.chaos.extent import FULL, SHORT
from load_tests.chaos.faults import kinds_for
from load_tests.chaos.report import complaint, markdown, plain_data
from load_tests.chaos.storage import clear
from load_tests.chaos.world import Parts, Protocol, storages
from stream_rcf.core.warmup import warm_up
from tests.support.machine import ROOT

PROTOCOLS: tuple[Protocol, ...] = ("consumer", "classic")
DEFAULT_FOLDER = ROOT / ".cache" / "chaos"
MOST_SEEDS = 1000
TERMINATED = 128 + signal.SIGTERM  # exit code, as a shell tells it


def main() -> int:
    """Run the seeds one after the other, print the report; 1 when one of them is red."""
    parser = argparse.ArgumentParser(
        prog="python -m load_tests.chaos",
        description="Faults against the service on a cluster of three brokers, and proof that its outputs are right.",
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the first seed; 1 by default")
    parser.add_argument("--seeds", type=int, default=10, metavar="COUNT", help="how many; 10 by default")
    parser.add_argument("--short", action="store_true", help="40,000 events and each fault once")
    parser.add_argument(
        "--parts",
        choices=("go", "python"),
        default="go",
        help="toxiproxy, versitygw and wrong clocks (tools/chaos_parts.sh), or only what `make test` has",
    )
    parser.add_argument(
        "--storage", choices=("file", "s3"), help="of checkpoints; by the seed where not given"
    )
    parser.add_argument(
        "--protocol", choices=("classic", "consumer"), help="of the group; by the seed where not given"
    )
    parser.add_argument(
        "--folder", type=Path, default=DEFAULT_FOLDER, metavar="DIR", help="for the logs of red seeds"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    given = parser.parse_args()
    if not 1 <= given.seeds <= MOST_SEEDS:
        parser.error(f"--seeds is {given.seeds}, but must be 1 to {MOST_SEEDS}")
    signal.signal(signal.SIGTERM, _end_in_order)
    extent = SHORT if given.short else FULL
    warm_up()  # the workers load what this compiles
    results: list[Result] = []
    kinds = {}
    for seed in range(given.seed, given.seed + given.seeds):
        parts = Parts(
            with_go=given.parts == "go",
            storage=given.storage or storages()[seed // 2 % len(storages())],
            protocol=given.protocol or PROTOCOLS[seed % len(PROTOCOLS)],
        )
        kinds |= kinds_for(extent, parts)
        folder = given.folder / f"seed-{seed}"
        clear(folder)
        folder.mkdir(parents=True)
        result = run_seed(seed, extent, parts, folder, _progress)
        results.append(result)
        if result.is_green:
            shutil.rmtree(folder)
            _progress(f"seed {seed} is green: {result.verified:,} events verified")
        else:
            _progress(complaint(result, _again(given, seed), str(folder)))
        if given.json is not None:
            given.json.write_bytes(orjson.dumps(plain_data(results), option=orjson.OPT_INDENT_2))
    print(markdown(results, kinds), flush=True)
    return 0 if all(result.is_green for result in results) else 1


def _end_in_order(_number: int, _frame: FrameType | None) -> None:
    sys.exit(TERMINATED)  # through every ``with``: brokers and workers end, and the disk is unmounted


def _again(given: argparse.Namespace, seed: int) -> str:
    arguments = [f"--seed {seed} --seeds 1 --parts {given.parts}"]
    arguments += ["--short"] if given.short else []
    arguments += [
        f"--{name} {value}" for name in ("storage", "protocol") if (value := getattr(given, name)) is not None
    ]
    return f'make chaos ARGS="{" ".join(arguments)}"'


def _progress(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
