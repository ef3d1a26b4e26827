"""The report of the service's part: Markdown for a reader, plain data for a program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from load_tests.breakdown import Breakdown
from load_tests.figures import Figure, paired_ratio
from load_tests.workload import Workload

NOISY_SPREAD = 0.15  # of the median; beyond it a figure is marked


@dataclass(frozen=True)
class Results:
    """Everything measured of the service in one run; ``machine``: its broker. Young, mature: the models' states."""

    machine: Mapping[str, str]
    workload: Workload
    service_young: Figure
    service_mature: Figure
    quix: Figure
    bare: Figure
    forest_young: Figure
    forest_mature: Figure
    forest_scattered: Figure
    one_key: Figure
    breakdown: Breakdown

    @property
    def figures(self) -> Sequence[Figure]:
        """All rates, as the report lists them."""
        return (
            self.service_young,
            self.service_mature,
            self.quix,
            self.bare,
            self.forest_young,
            self.forest_mature,
            self.forest_scattered,
            self.one_key,
        )

    @property
    def ratios(self) -> Sequence[Figure]:
        """What stands against what, repetition by repetition."""
        return (
            paired_ratio(self.service_young, self.quix),
            paired_ratio(self.service_mature, self.quix),
            paired_ratio(self.service_young, self.bare),
            paired_ratio(self.service_mature, self.bare),
            paired_ratio(self.service_young, self.forest_young),
            paired_ratio(self.service_mature, self.forest_mature),
            paired_ratio(self.forest_mature, self.one_key),
        )


def facts_lines(facts: Mapping[str, str]) -> list[str]:
    """Facts as a list."""
    return [f"* {name}: {value}" for name, value in facts.items()]


def markdown(results: Results) -> str:
    """The report for a reader."""
    workload = results.workload
    first, last = workload.mature_range
    youngest, oldest = workload.mature_ages
    lines = [
        "## The service",
        "",
        f"{workload.keys:,} keys in random order, {workload.total:,} events of one number, 50 trees of 256, shingle 8, "
        f"default batches and commits, 4 partitions. Young: events {workload.skipped:,} to {workload.young:,} "
        f"(up to {workload.young // workload.keys} per key: samples fill, and take in most of what they see); mature: "
        f"events {first:,} to {last:,} ({youngest:,} to {oldest:,} per key). The peers process the first "
        f"{workload.peers_total:,}: in them nothing grows. Client, broker and "
        "reader share the machine; the service is measured at its reader, the bare loop by its commits. The input is a "
        "backlog, which the client hands over a partition at a time; live events come scattered over all keys. "
        "The bare loop copies the events as they are, about a ninth of a score record's bytes.",
        "",
        *facts_lines(results.machine),
        "",
        "| measured | events/s, median | us per event | lowest | highest | spread | repetitions |",
        "|---|---:|---:|---:|---:|---:|---:|",
        *[_row(figure) for figure in results.figures],
        "",
        "| ratio, by repetition | median | lowest | highest |",
        "|---|---:|---:|---:|",
        *[
            f"| {ratio.name} | {ratio.median:.3f} | {min(ratio.samples):.3f} | {max(ratio.samples):.3f} |"
            for ratio in results.ratios
        ],
        "",
        f"Where the service's time goes, mature models, one profiled run of {results.breakdown.events:,} events:",
        "",
        "| step | us per event | share |",
        "|---|---:|---:|",
        *[
            f"| {step} | {microseconds:.1f} | {100 * microseconds / results.breakdown.total:.0f} % |"
            for step, microseconds in sorted(results.breakdown.steps.items(), key=lambda entry: -entry[1])
        ],
        f"| all, wall clock | {results.breakdown.total:.1f} | 100 % |",
        f"| the kernel, beside them | {results.breakdown.kernel:.1f} | |",
        "",
    ]
    return "\n".join(lines)


def _row(figure: Figure) -> str:
    mark = " (noisy)" if figure.spread > NOISY_SPREAD else ""
    return (
        f"| {figure.name} | {figure.median:,.0f} | {figure.microseconds:.1f} | {min(figure.samples):,.0f} | "
        f"{max(figure.samples):,.0f} | {100 * figure.spread:.0f} %{mark} | {len(figure.samples)} |"
    )


def plain_data(results: Results) -> dict[str, object]:
    """The same for a program: every sample, in events/s, and the ratios."""
    return {
        "machine": dict(results.machine),
        "workload": {
            "keys": results.workload.keys,
            "young": results.workload.young,
            "mature": results.workload.mature,
        },
        "events_per_second": {figure.name: figure_data(figure) for figure in results.figures},
        "ratios": {ratio.name: figure_data(ratio) for ratio in results.ratios},
        "microseconds_per_event": {
            **results.breakdown.steps,
            "all, wall clock": results.breakdown.total,
            "kernel, beside": results.breakdown.kernel,
        },
    }


def figure_data(figure: Figure) -> dict[str, object]:
    """A figure for a program."""
    return {"median": figure.median, "spread": figure.spread, "samples": list(figure.samples)}
