"""What ``stream-rcf plan`` says, beside a service that really has those keys: memory, checkpoint, speed.

The keys are as old as the plan's. The service's end writes its last checkpoint, whose live keys are counted; its memory
is the process's own before that end.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from load_tests.end_to_end import running_service
from load_tests.figures import Arrivals
from load_tests.workload import PARTITIONS, Workload
from stream_rcf.state.checkpoint_store import open_store
from stream_rcf.state.manifest import PartitionId
from stream_rcf.state.saved_keys import SavedKeys
from tests.support.broker import KafkaBroker
from tests.support.service import Topics

FULL = (
    Workload(keys=1000, young=400_000, mature=200_000),
    Workload(keys=100, young=1_540_000, mature=300_000),  # so old that they grow no more
)
QUICK = (Workload(keys=10, young=154_000, mature=30_000),)
TARGET = 0.15
SEED = 20261128


@dataclass(frozen=True)
class PlanCheck:
    """By name what was planned and what was measured: ``memory`` and ``checkpoint`` in bytes, ``speed`` in events/s."""

    keys: int
    events_per_key: int
    planned: Mapping[str, float]
    measured: Mapping[str, float]

    def error(self, name: str) -> float:
        """The plan less what was measured, as a share of that."""
        return self.planned[name] / self.measured[name] - 1.0


def measure_plan_checks(workloads: Sequence[Workload]) -> list[PlanCheck]:
    """A check for each, on a broker of their own."""
    with KafkaBroker(is_for_speed=True) as broker:
        return [check_plan(broker, workload) for workload in workloads]


def check_plan(broker: KafkaBroker, workload: Workload) -> PlanCheck:
    """Run the service until its keys are old, then the plan. Raises ``RuntimeError`` where one fails."""
    topics = Topics(broker, f"plan-{workload.keys}", PARTITIONS)
    with tempfile.TemporaryDirectory(prefix="stream-rcf-load-") as folder:
        arrivals, memory = _run(topics, workload, Path(folder))
        measured = {
            "memory": float(memory),
            "checkpoint": _live_bytes(Path(folder) / "checkpoints", topics),
            "speed": arrivals.rate(*workload.mature_range),
        }
    _, age = workload.mature_ages
    return PlanCheck(workload.keys, age, _planned(workload.keys, age), measured)


def _run(topics: Topics, workload: Workload, folder: Path) -> tuple[Arrivals, int]:
    topics.broker.produce(topics.events, workload.messages(SEED))
    with running_service(topics, folder) as (reader, service):
        arrivals = reader.watch(workload.total, service.check)
        memory = service.resident_bytes()
        service.stop()
    return arrivals, memory


def _live_bytes(checkpoints: Path, topics: Topics) -> float:
    """Of the newest checkpoints of all partitions, what belongs to keys as they are now."""
    store = open_store(checkpoints.absolute().as_uri())
    total = 0
    for number in range(PARTITIONS):
        manifest = store.manifests(PartitionId(topics.group, topics.events, number)).manifests[0]
        saved = SavedKeys(store.indexes(manifest))
        for key in saved.newest_first():
            frame = saved.frame(key)
            total += int(frame.segment.costs()[frame.row])
    return float(total)


def _planned(keys: int, events_per_key: int) -> dict[str, float]:
    command = [sys.executable, "-m", "stream_rcf", "plan", "--keys", str(keys), "--features", "1", "--json"]
    command += ["--events-per-key", str(events_per_key)]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"the plan ended with {done.returncode}:\n{done.stderr.decode(errors='replace')}")
    plan = orjson.loads(done.stdout)
    return {
        "memory": plan["memory_bytes"],
        "checkpoint": plan["checkpoint_bytes"],
        "speed": plan["events_per_second"],
    }


def markdown(checks: Sequence[PlanCheck]) -> str:
    """The report for a reader."""
    units: Sequence[tuple[str, str, float]] = (
        ("memory", "MB", 2**20),
        ("checkpoint", "MB", 2**20),
        ("speed", "events/s", 1.0),
    )
    return "\n".join(
        [
            "## The plan",
            "",
            "`stream-rcf plan` beside a service with so many keys of that age:",
            "",
            f"| keys | events per key | | planned | measured | error (target {100 * TARGET:g} %) |",
            "|---:|---:|---|---:|---:|---:|",
            *[
                f"| {found.keys:,} | {found.events_per_key:,} | {name}, {unit} |"
                f" {found.planned[name] / size:,.1f} | {found.measured[name] / size:,.1f} |"
                f" {100 * found.error(name):+.1f} % |"
                for found in checks
                for name, unit, size in units
            ],
            "",
        ]
    )


def plain_data(checks: Sequence[PlanCheck]) -> list[dict[str, object]]:
    """The same for a program."""
    return [
        {
            "keys": found.keys,
            "events_per_key": found.events_per_key,
            "planned": dict(found.planned),
            "measured": dict(found.measured),
        }
        for found in checks
    ]
