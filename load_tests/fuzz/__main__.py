"""``python -m load_tests.fuzz``, by ``make fuzz``: ten million inputs by default, shared out among the targets."""

from __future__ import annotations

import argparse
import faulthandler
import resource
import sys
import time
from pathlib import Path

from load_tests.fuzz.mutation import Mutator
from load_tests.fuzz.targets import Target, all_targets

DECODER_SHARE = 0.9  # of all inputs; the checkpoint's are ten times as slow
HANG_SECONDS = 30.0  # for a thousand inputs, after which the stack is printed and the program ends
BATCH = 1000
MOST_GROWTH_BYTES = 300 * 2**20  # of the process, by all inputs together


def main() -> int:
    """Fuzz every target; 1 where an input was answered wrongly, which is then written to a file."""
    parser = argparse.ArgumentParser(prog="python -m load_tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000_000, metavar="N", help="10 million by default")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="another seed makes other inputs")
    given = parser.parse_args()
    targets = all_targets()
    decoders = [target for target in targets if target.name.startswith("decoder")]
    others = [target for target in targets if target not in decoders]
    for target in targets:
        share = DECODER_SHARE / len(decoders) if target in decoders else (1 - DECODER_SHARE) / len(others)
        if not fuzz(target, max(1, round(given.inputs * share)), given.seed):
            return 1
    return 0


def fuzz(target: Target, inputs: int, seed: int, folder: Path = Path()) -> bool:
    """Give a target so many inputs; false, and the input in a file of ``folder``, where one was answered wrongly."""
    began = time.perf_counter()
    before = _resident_bytes()
    try:
        if not _all_answered(target, inputs, seed, folder):
            return False
    finally:
        faulthandler.cancel_dump_traceback_later()
    grown = _resident_bytes() - before
    seconds = time.perf_counter() - began
    print(
        f"{target.name}: {inputs:,} inputs in {seconds:.0f} s, memory grew by {grown / 2**20:.0f} MB",
        flush=True,
    )
    return grown < MOST_GROWTH_BYTES


def _all_answered(target: Target, inputs: int, seed: int, folder: Path) -> bool:
    """Leaves the clock running that ends the process when an input is not answered."""
    mutator = Mutator(target.corpus, seed)
    for first in range(0, inputs, BATCH):
        faulthandler.dump_traceback_later(HANG_SECONDS, exit=True)
        for _ in range(min(BATCH, inputs - first)):
            data = mutator.next()
            try:
                target.check(data)
            except BaseException as error:
                path = folder / f"fuzz-{target.name.replace(' ', '-').replace(',', '')}.bin"
                path.write_bytes(data)
                print(
                    f"{target.name}: {type(error).__name__}: {error}\nthe input is in {path}", file=sys.stderr
                )
                if isinstance(error, Exception):
                    return False
                raise
    return True


def _resident_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    sys.exit(main())
