"""All that is proposed from a sample, with reasons: the settings, and what a person should know about the sample."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from stream_rcf.core.parameters import ForestParameters
from stream_rcf.errors import UsageError
from stream_rcf.files.columns import Columns
from stream_rcf.tuning.budget import propose_budget, propose_decision
from stream_rcf.tuning.features import LeftOut, review
from stream_rcf.tuning.proposals import Proposal
from stream_rcf.tuning.retention import propose_sample_size, propose_time_decay
from stream_rcf.tuning.sample import Sample
from stream_rcf.tuning.shingle import choose_shingle
from stream_rcf.tuning.transforms import WORDS, advise, transformed
from stream_rcf.tuning.words import count_of, duration

LEAST_EVENTS = 100  # fewer say nothing about how events usually are


@dataclass(frozen=True)
class Suggestion:
    """``proposals``: settings. ``remarks``: sentences about the sample. ``sample``: the proposed features of it."""

    proposals: tuple[Proposal, ...]
    remarks: tuple[str, ...]
    sample: Sample


def suggest(
    name: str,
    sample: Sample,
    columns: Columns,
    is_explicit: bool,
    forest: ForestParameters,
    fixed: Collection[str],
) -> Suggestion:
    """Work out a suggestion for what was read from ``name`` by ``columns``.

    ``is_explicit``: the features were named by a person, who is warned of those that are of no use, but keeps them.
    ``forest``: trees and seed, and what ``fixed`` names; settings that it names are not proposed.
    Raises ``UsageError`` where there are too few events, or no feature worth watching.
    """
    if sample.events < LEAST_EVENTS:
        raise UsageError(
            f"{name}: {count_of(sample.events, 'event')} can be read, but a suggestion needs at least {LEAST_EVENTS}"
            + _refusals(sample)
        )
    features, left_out = review(sample)
    features, watched = _watched(name, sample, features, left_out, is_explicit)
    judged = sample.only(features)
    advice = advise(judged)
    proposals = [
        Proposal("events.key", _key(columns), _key_reason(columns)),
        Proposal("events.timestamp", columns.timestamp or "", _time_reason(columns)),
        Proposal("events.features", features, watched),
    ]
    chosen = tuple(one for one in advice if one.transform != "none")
    if "detector.transforms" in fixed:
        chosen = ()
    elif chosen:
        reasons = "; ".join(f"{one.feature}: {one.reason}" for one in chosen)
        named = {one.feature: one.transform for one in chosen}
        clocks = " By UTC's clocks: see detector.time_zone." if set(named.values()) & set(WORDS) else ""
        proposals.append(Proposal("detector.transforms", named, f"{reasons}.{clocks}"))
    proposals += _forest(transformed(judged, chosen), forest, fixed)
    proposals += [one for one in (propose_decision(judged), propose_budget(judged)) if one.name not in fixed]
    return Suggestion(tuple(proposals), tuple(_remarks(sample)), judged)


def _forest(sample: Sample, forest: ForestParameters, fixed: Collection[str]) -> list[Proposal]:
    """Propose the forest's settings one after the other, as each depends on those before."""
    judged_by = replace(forest, dimensions=len(sample.features), shingle_size=1)
    choice = choose_shingle(sample, judged_by, "forest.sample_size" in fixed)
    shingle_size = forest.shingle_size
    proposals = []
    if "forest.shingle_size" not in fixed:
        proposals.append(choice.proposal)
        shingle_size = choice.shingle_size
    sample_size = forest.sample_size
    if "forest.sample_size" not in fixed:
        proposals.append(propose_sample_size(shingle_size, choice.period))
        sample_size = int(str(proposals[-1].value))
    if "forest.time_decay" not in fixed:
        proposals.append(
            propose_time_decay(sample_size, choice.period, choice.period_in_words, sample.step_ms)
        )
    return proposals


def _watched(
    name: str, sample: Sample, worthy: tuple[str, ...], left_out: list[LeftOut], is_explicit: bool
) -> tuple[tuple[str, ...], str]:
    """Return the features to watch, and why these."""
    objections = ", ".join(f"{one.name} {one.reason}" for one in left_out)
    if is_explicit:
        warning = f"; think again of these: {objections}" if left_out else ""
        return sample.features, f"as you named them{warning}."
    if not worthy:
        raise UsageError(f"{name}: no numeric field is worth watching: {objections}; name one by --features")
    if left_out:
        return worthy, f"the numeric fields but those that say nothing about what is unusual: {objections}."
    return worthy, "every numeric field."


def _key(columns: Columns) -> str | tuple[str, ...]:
    if len(columns.keys) == 1:
        return columns.keys[0]
    return columns.keys or ""


def _key_reason(columns: Columns) -> str:
    if columns.keys:
        return "the field that says whose an event is."
    return "all rows of a file are one series; on Kafka the message key says whose an event is."


def _time_reason(columns: Columns) -> str:
    if columns.timestamp:
        return "the field with the event's time."
    return "no field holds a time: the Kafka record's own is taken."


def _remarks(sample: Sample) -> list[str]:
    known = (
        count_of(sample.key_count, "key")
        if sample.counts_all_keys
        else f"more than {sample.key_count:,} keys"
    )
    said = f"{count_of(sample.events, 'event')} of {known}"
    if sample.span_ms:
        said += f" over {duration(sample.span_ms)}"
    if sample.step_ms is not None:
        said += f", an event of a key every {duration(sample.step_ms)}"
    remarks = [said + _refusals(sample)]
    if sample.kept_events < sample.events:
        remarks.append(
            f"judged by the newest {count_of(sample.kept_events, 'event')} of {count_of(len(sample.keys), 'key')}, "
            "which is as many as are kept in memory"
        )
    return remarks


def _refusals(sample: Sample) -> str:
    if not sample.refused:
        return ""
    total = sum(one.rows for one in sample.refused.values())
    each = "; ".join(f"{error} {one.rows:,}, such as: {one.reason}" for error, one in sample.refused.items())
    return f"; {count_of(total, 'row')} cannot be read ({each})"
