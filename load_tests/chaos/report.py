"""What a person reads at the end: Markdown; and the same as plain data."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from load_tests.chaos.driver import Result
from load_tests.chaos.plan import Kind
from load_tests.chaos.recovery import Recovery


def markdown(results: Sequence[Result], kinds: dict[str, Kind]) -> str:
    """Faults injected, recovery times, events verified, and each seed's verdict."""
    green = sum(result.is_green for result in results)
    lines = [
        "## Chaos",
        "",
        f"{green} of {len(results)} seeds green; {sum(len(r.recoveries) for r in results)} faults, "
        f"{sum(result.verified for result in results):,} of {sum(r.events for r in results):,} events verified: each "
        "once, in order within its key, the same bytes as undisturbed.",
        "",
        "Recovery, in seconds: from the fault (for lasting ones that are marked, from its end) until all events that "
        "had been produced by then are scored and committed. Alone: the service had caught up before it, and no other "
        "came in its middle. Among others: it had not, so that the time is that of all of them.",
        "",
        "| fault | alone | median | worst | among others | median | worst |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    recoveries = [recovery for result in results for recovery in result.recoveries]
    for name, kind in kinds.items():
        if any(recovery.kind == name for recovery in recoveries):
            mark = " (from its end)" if kind.from_its_end else ""
            cells = [*_cells(recoveries, name, in_peace=True), *_cells(recoveries, name, in_peace=False)]
            lines.append(f"| {kind.sentence}{mark} | {' | '.join(cells)} |")
    lines += ["", "| seed | verdict | events verified | faults | seconds |", "|---:|---|---:|---:|---:|"]
    for result in results:
        verdict = "green" if result.is_green else "**red**"
        lines.append(
            f"| {result.seed} | {verdict} | {result.verified:,} | {len(result.recoveries)} | {result.seconds:.0f} |"
        )
    endings = [
        f"* seed {result.seed}, {ending.worker}, exit code {ending.exit_code}: {ending.last_words}"
        for result in results
        for ending in result.endings
    ]
    if endings:
        lines += ["", "Workers that gave up by themselves, and were started again:", "", *endings]
    return "\n".join(lines)


def _cells(recoveries: Sequence[Recovery], kind: str, *, in_peace: bool) -> tuple[str, str, str]:
    """How often, median and worst."""
    seconds = [r.seconds for r in recoveries if r.kind == kind and r.in_peace == in_peace]
    ended = [value for value in seconds if value is not None]
    if not seconds:
        return "0", "", ""
    if len(ended) < len(seconds):
        return str(len(seconds)), "-", "never"
    return str(len(seconds)), f"{statistics.median(ended):.1f}", f"{max(ended):.1f}"


def complaint(result: Result, command: str, folder: str) -> str:
    """What is wrong with a red seed, where its logs are, and how to run it again."""
    return "\n".join(
        [
            f"seed {result.seed} is red:",
            *(f"  {problem}" for problem in result.problems),
            f"  logs and faults: {folder}",
            f"  again: {command}",
        ]
    )


def plain_data(results: Sequence[Result]) -> list[dict[str, object]]:
    """Everything, for a file."""
    return [
        {
            "seed": result.seed,
            "green": result.is_green,
            "events": result.events,
            "verified": result.verified,
            "seconds": result.seconds,
            "problems": result.problems,
            "recoveries": [recovery._asdict() for recovery in result.recoveries],
            "endings": [vars(ending) for ending in result.endings],
        }
        for result in results
    ]
