"""A backtest as a table for people and as one object for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from stream_rcf.pipeline.event_errors import printable
from stream_rcf.tuning.backtest import Backtest, Side
from stream_rcf.tuning.backtest_counts import Alert, KeyCounts, Total, total_of
from stream_rcf.tuning.words import WEEK, count_of, duration, figure

MOST_KEYS = 20  # in the table, those with the most alerts; --json has all
MOST_ALERTS = 10  # listed for each side
KEY_WIDTH = 40  # characters of a key


def report_text(backtest: Backtest) -> str:
    """Return the whole report; ``backtest`` is finished."""
    total = total_of(backtest.counts)
    lines = [*_head(backtest, total), "", *_table(_total_rows(backtest, total))]
    if total.keys > 1:
        lines += ["", *_table(_key_rows(backtest))]
        if total.keys > MOST_KEYS:
            lines.append(f"and {count_of(total.keys - MOST_KEYS, 'key')} more, with no more alerts")
    for number, side in enumerate(backtest.sides):
        lines += ["", *_first_alerts(backtest, number, side)]
    return "\n".join(lines) + "\n"


def _head(backtest: Backtest, total: Total) -> Iterator[str]:
    yield f"{count_of(total.events, 'event')} of {count_of(total.keys, 'key')}" + (
        f", {duration(total.span_ms)} of all keys together" if total.span_ms else ""
    )
    for side in backtest.sides:
        forest, budget = side.parameters.forest, side.budget
        decision = "its threshold" if budget is None else f"a budget of {figure(budget)} per key and week"
        yield (
            f"{side.name}: shingle {forest.shingle_size}, {forest.trees} trees of {forest.sample_size} samples, "
            f"decided by {decision}"
        )
    if backtest.rejected:
        errors = ", ".join(f"{error} {count}" for error, count in sorted(backtest.rejected.items()))
        yield f"{count_of(backtest.rejected.total(), 'row')} not scored ({errors})"


def _total_rows(backtest: Backtest, total: Total) -> list[list[str]]:
    rows = [["all keys", *(side.name for side in backtest.sides)]]
    sides = total.sides

    def row(name: str, values: Sequence[float]) -> None:
        rows.append([name, *map(figure, values)])

    row("alerts", [side.alerts for side in sides])
    row("incidents", [side.incidents for side in sides])
    row("keys with an alert", [side.keys for side in sides])
    if total.span_ms:
        weeks = total.span_ms / WEEK
        row("alerts per key and week", [side.alerts / weeks for side in sides])
        budgets = [side.budget for side in backtest.sides]
        if any(budget is not None for budget in budgets):
            rows.append(
                ["allowed where all is well", *("-" if one is None else figure(one) for one in budgets)]
            )
    if len(sides) == 2:
        row("incidents that it alone saw", total.only)
        row("incidents that both saw", [total.both, total.both])
    if backtest.has_label:
        row(
            f"hits, of {count_of(total.anomalies, 'labelled anomaly', 'labelled anomalies')}",
            [s.hits for s in sides],
        )
        row("misses", [side.misses for side in sides])
        row("false alarms (incidents)", [side.false_alarms for side in sides])
    return rows


def _key_rows(backtest: Backtest) -> list[list[str]]:
    """Return a row for each of the keys with the most alerts."""
    names = [side.name for side in backtest.sides]
    head = ["key", "events"]
    for what in ("alerts", "incidents", "per week"):
        head += [f"{what} {name}" if len(names) > 1 else what for name in names]
    if len(names) > 1:
        head += [*(f"only {name}" for name in names), "both"]
    if backtest.has_label:
        for what in ("hits", "misses", "false alarms"):
            head += [f"{what} {name}" if len(names) > 1 else what for name in names]
    rows = [head]
    for key, counts in _by_alerts(backtest.counts.keys)[:MOST_KEYS]:
        cells: list[str] = [printable(key, KEY_WIDTH), figure(counts.events)]
        cells += [figure(side.alerts) for side in counts.sides]
        cells += [figure(side.incidents) for side in counts.sides]
        cells += [_per_week(side.alerts, counts) for side in counts.sides]
        if len(names) > 1:
            cells += [*map(figure, counts.only), figure(counts.both)]
        if backtest.has_label:
            cells += [figure(side.hits) for side in counts.sides]
            cells += [figure(counts.misses(number)) for number in range(len(names))]
            cells += [figure(side.false_alarms) for side in counts.sides]
        rows.append(cells)
    return rows


def _by_alerts(keys: Mapping[str, KeyCounts]) -> list[tuple[str, KeyCounts]]:
    return sorted(keys.items(), key=lambda item: -sum(side.alerts for side in item[1].sides))


def _per_week(alerts: int, counts: KeyCounts) -> str:
    return figure(alerts / (counts.span_ms / WEEK)) if counts.span_ms else "-"


def _first_alerts(backtest: Backtest, number: int, side: Side) -> list[str]:
    """List the first alerts of a side over all keys."""
    found = [
        (key, alert) for key, counts in backtest.counts.keys.items() for alert in counts.sides[number].first
    ]
    if not found:
        return [f"{side.name}: no alerts"]
    found.sort(key=lambda item: (item[1].timestamp or 0, item[1].event))
    head = ["time", "key", "likelihood", "score", "grade", "because of"]
    other = backtest.sides[1 - number].name if len(backtest.sides) == 2 else None
    rows = [[*head, f"said by {other}"] if other is not None else head]
    for key, alert in found[:MOST_ALERTS]:
        cells = [
            _time(alert),
            printable(key, KEY_WIDTH),
            f"{alert.likelihood:.6f}",
            f"{alert.score:.3f}",
            f"{alert.grade:.2f}",
            f"{printable(alert.feature, KEY_WIDTH)} {alert.share:.0%}",
        ]
        rows.append([*cells, alert.other] if other is not None else cells)
    return [f"{side.name}: first alerts", *_table(rows)]


def _time(alert: Alert) -> str:
    if alert.timestamp is None:
        return f"event {alert.event:,}"
    return f"{datetime.fromtimestamp(alert.timestamp / 1000, UTC):%Y-%m-%d %H:%M:%S}"


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Align columns: the first to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    is_number = [
        all(row[column][:1].isdigit() or row[column] == "-" for row in rows[1:])
        for column in range(len(widths))
    ]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(row, widths, is_number, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def report_object(backtest: Backtest) -> dict[str, Any]:
    """Return the same and all keys, for JSON; times in epoch ms, rates as alerts per key and week or null."""
    total = total_of(backtest.counts)
    return {
        "events": total.events,
        "keys": total.keys,
        # orjson takes no names of an enumeration.
        "rejected": {str(error): count for error, count in sorted(backtest.rejected.items())},
        "incident_gap_events": backtest.counts.gap,
        "labelled_anomalies": total.anomalies if backtest.has_label else None,
        "settings": [_side_object(backtest, total, number) for number in range(len(backtest.sides))],
        **_joint_object(backtest, total.only, total.both),
        "by_key": {key: _key_object(backtest, counts) for key, counts in _by_alerts(backtest.counts.keys)},
    }


def _side_object(backtest: Backtest, total: Total, number: int) -> dict[str, Any]:
    side, counts = backtest.sides[number], total.sides[number] if total.sides else None
    found: dict[str, Any] = {
        "name": side.name,
        "fingerprint": side.parameters.fingerprint(),
        "shingle_size": side.parameters.forest.shingle_size,
        "alert_budget": side.budget,
    }
    if counts is None:
        return found
    found |= {
        "alerts": counts.alerts,
        "incidents": counts.incidents,
        "keys_with_alerts": counts.keys,
        "alerts_per_key_and_week": counts.alerts / (total.span_ms / WEEK) if total.span_ms else None,
    }
    if backtest.has_label:
        found |= {"hits": counts.hits, "misses": counts.misses, "false_alarms": counts.false_alarms}
    return found


def _joint_object(backtest: Backtest, only: Sequence[int], both: int) -> dict[str, Any]:
    if len(backtest.sides) < 2:
        return {}
    return {"incidents_only": list(only), "incidents_both": both}


def _key_object(backtest: Backtest, counts: KeyCounts) -> dict[str, Any]:
    sides = []
    for number, side in enumerate(counts.sides):
        found: dict[str, Any] = {
            "name": backtest.sides[number].name,
            "alerts": side.alerts,
            "incidents": side.incidents,
            "alerts_per_week": side.alerts / (counts.span_ms / WEEK) if counts.span_ms else None,
            "first_alerts": [_alert_object(alert) for alert in side.first],
        }
        if backtest.has_label:
            found |= {"hits": side.hits, "misses": counts.misses(number), "false_alarms": side.false_alarms}
        sides.append(found)
    return {"events": counts.events, "settings": sides, **_joint_object(backtest, counts.only, counts.both)}


def _alert_object(alert: Alert) -> dict[str, Any]:
    return {
        "event": alert.event,
        "timestamp": alert.timestamp,
        "anomaly_score": alert.score,
        "anomaly_likelihood": alert.likelihood,
        "anomaly_grade": alert.grade,
        "feature": alert.feature,
        "feature_share": alert.share,
        "other": alert.other or None,
    }
