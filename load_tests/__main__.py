"""The benchmarks, by ``make bench``: ``python -m load_tests --help`` lists the options."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import orjson

from load_tests import checkpoint_cost, handover, latency, more_keys, plan_check, soak
from load_tests.figures import LEAST_SAMPLES
from load_tests.forest import report as forest_report
from load_tests.forest import run as forest_run
from load_tests.machine import machine_facts
from load_tests.quality import ablation, coverage, nab
from load_tests.report import facts_lines, markdown, plain_data
from load_tests.service import measure_service
from load_tests.workload import FULL, QUICK

FOREST, SERVICE, LATENCY, CHECKPOINTS, SOAK = "forest", "service", "latency", "checkpoints", "soak"
# By default. The forest's turns take seconds, a repetition of the service takes minutes.
REPETITIONS = {FOREST: 5, SERVICE: 3, CHECKPOINTS: 3}
QUICK_REPETITIONS = {FOREST: 5, SERVICE: 2, CHECKPOINTS: 2}
ON_REQUEST = {SOAK}  # half an hour that says one thing: only by its name


def main() -> int:
    """Measure, print the report as Markdown and write it as JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m load_tests",
        description="The benchmarks, each beside a named peer measured in the same run.",
    )
    parser.add_argument("--only", choices=tuple(PARTS), help=f"only this part; all but {SOAK} by default")
    parser.add_argument(
        "--quick", action="store_true", help="some minutes: fewer keys, sizes and repetitions"
    )
    parser.add_argument(
        "--repetitions",
        type=int,
        metavar="N",
        help=f"at least {LEAST_SAMPLES}; by default {REPETITIONS[FOREST]} of the forest, {REPETITIONS[SERVICE]} of the "
        "service and its checkpoints",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample there too")
    parser.add_argument(
        "--rate",
        type=float,
        metavar="R",
        help="events/s of the latency's stream; half of the throughput by default",
    )
    given = parser.parse_args()
    repetitions = dict(QUICK_REPETITIONS if given.quick else REPETITIONS)
    if given.repetitions is not None:
        repetitions = dict.fromkeys(repetitions, given.repetitions)
    if min(repetitions.values()) < LEAST_SAMPLES:
        parser.error(f"--repetitions is {given.repetitions}, but a figure needs at least {LEAST_SAMPLES}")
    facts = machine_facts()
    data: dict[str, object] = {"machine": facts}
    print("\n".join(["# stream_rcf benchmark", "", *facts_lines(facts), ""]), flush=True)
    for name, measure in PARTS.items():
        if given.only == name or (given.only is None and name not in ON_REQUEST):
            section, found = measure(given, repetitions)
            data[name] = found
            _hand_out(section, data, given.json)
    return 0


Measured = tuple[str, dict[str, object]]  # for a reader, and for a program
Repetitions = Mapping[str, int]


def _forest(given: argparse.Namespace, repetitions: Repetitions) -> Measured:
    extents = forest_run.QUICK if given.quick else forest_run.FULL
    found = forest_run.measure_forest(extents, repetitions[FOREST])
    return forest_report.markdown(found), forest_report.plain_data(found)


def _service(given: argparse.Namespace, repetitions: Repetitions) -> Measured:
    found = measure_service(QUICK if given.quick else FULL, repetitions[SERVICE])
    return markdown(found), plain_data(found)


def _latency(given: argparse.Namespace, _repetitions: Repetitions) -> Measured:
    workload = latency.QUICK_WORKLOAD if given.quick else latency.FULL_WORKLOAD
    seconds = latency.QUICK_SECONDS if given.quick else latency.FULL_SECONDS
    found = latency.measure_latency(workload, seconds, given.rate)
    return latency.markdown(found), latency.plain_data(found)


def _handover(given: argparse.Namespace, _repetitions: Repetitions) -> Measured:
    found = handover.measure_handover(*(handover.QUICK if given.quick else handover.FULL))
    return handover.markdown(found), handover.plain_data(found)


def _more_keys(given: argparse.Namespace, _repetitions: Repetitions) -> Measured:
    found = more_keys.measure_more_keys(more_keys.QUICK if given.quick else more_keys.FULL)
    return more_keys.markdown(found), more_keys.plain_data(found)


def _checkpoints(given: argparse.Namespace, repetitions: Repetitions) -> Measured:
    workload = checkpoint_cost.QUICK if given.quick else checkpoint_cost.FULL
    found = checkpoint_cost.measure_checkpoint_cost(workload, repetitions[CHECKPOINTS])
    return checkpoint_cost.markdown(found), checkpoint_cost.plain_data(found)


def _plan(given: argparse.Namespace, _repetitions: Repetitions) -> Measured:
    found = plan_check.measure_plan_checks(plan_check.QUICK if given.quick else plan_check.FULL)
    return plan_check.markdown(found), plan_check.plain_data(found)


def _quality(given: argparse.Namespace, _repetitions: Repetitions) -> Measured:
    labelled = nab.measure_nab(nab.QUICK_SEEDS if given.quick else nab.SEEDS)
    quiet = coverage.measure_coverage(coverage.QUICK_EVENTS if given.quick else coverage.EVENTS)
    worth = ablation.measure_ablation(ablation.QUICK_SEEDS if given.quick else ablation.SEEDS)
    data = {
        "nab": nab.plain_data(labelled),
        "quiet": coverage.plain_data(quiet),
        "ablation": ablation.plain_data(worth),
    }
    return "\n".join([nab.markdown(labelled), coverage.markdown(quiet), ablation.markdown(worth)]), data


def _soak(given: argparse.Namespace, _repetitions: Repetitions) -> Measured:
    workload = soak.QUICK_WORKLOAD if given.quick else soak.FULL_WORKLOAD
    found = soak.measure_soak(workload, soak.QUICK_SECONDS if given.quick else soak.FULL_SECONDS)
    return soak.markdown(found), soak.plain_data(found)


PARTS: Mapping[str, Callable[[argparse.Namespace, Repetitions], Measured]] = {
    FOREST: _forest,
    SERVICE: _service,
    LATENCY: _latency,
    CHECKPOINTS: _checkpoints,
    "handover": _handover,
    "more-keys": _more_keys,
    "plan": _plan,
    "quality": _quality,
    SOAK: _soak,
}


def _hand_out(section: str, data: dict[str, object], path: Path | None) -> None:
    """Print a part as soon as it is measured, so that a failure of the next one does not take it along."""
    print(section, flush=True)
    if path is not None:
        path.write_bytes(orjson.dumps(data, option=orjson.OPT_INDENT_2))


if __name__ == "__main__":
    sys.exit(main())
