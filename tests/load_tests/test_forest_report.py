from __future__ import annotations

from dataclasses import replace
from typing import Any

from load_tests.forest.report import markdown, plain_data
from tests.load_tests.forest_results import forest_results


def rows(text: str, beginning: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(f"| {beginning} |")]


def test_each_row_has_both_rates_their_ratio_and_the_target() -> None:
    text = markdown(forest_results())

    assert rows(text, "50 x 256, 1, 8") == [
        "| 50 x 256, 1, 8 | 20,000 | 100,000 | **5.00** | 5.00 to 6.25 | 4.5, reached |"
    ]
    assert rows(text, "50 x 256, 4, 8") == [
        "| 50 x 256, 4, 8 | 10,000 | 40,000 | **4.00** (disturbed) | 4.00 to 5.00 | 5.5, missed |"
    ]
    assert rows(text, "100 keys in turn, 50 x 256, 1, 8, AWS without boxes") == [
        "| 100 keys in turn, 50 x 256, 1, 8, AWS without boxes | 4,000 | 40,000 | **10.00** | 10.00 to 12.50 | - |"
    ]
    assert "has learned 5,120 records before, each of many 600" in text
    assert "Medians of 3 repetitions." in text


def test_a_size_is_at_most_its_target_or_missed_it() -> None:
    text = markdown(forest_results())

    assert rows(text, "mature") == ["| mature | 1,200,000 | 250,000 | at most 300,000, reached |"]
    assert rows(text, "saved") == ["| saved | 160,000 | 100,000 | at most 90,000, missed |"]
    assert rows(text, "growth of the process") == ["| growth of the process | - | 280,000 | - |"]


def test_a_peer_for_scale_is_beside_the_first_row() -> None:
    assert rows(markdown(forest_results()), "rrcf") == ["| rrcf | 100 | 80 to 125 | 1,000.0 |"]


def test_growth_says_where_memory_was_too_small_and_what_was_disturbed() -> None:
    text = markdown(forest_results())

    assert rows(text, "4") == ["| 4 | 80.0 | 20.0 (disturbed) | 4.00 |"]
    assert rows(text, "10,000") == ["| 10,000 | - | too little memory | - |"]


def test_threads_are_reported_or_why_not() -> None:
    results = forest_results()

    assert "40,000 events/s on one thread, 60,000 on two: 1.50 times as many (1.50 to 1.88)." in markdown(
        results
    )
    assert "this machine gives us one core" in markdown(replace(results, threads=None))


def test_the_data_hold_every_sample() -> None:
    data: Any = plain_data(forest_results())

    assert data["table"][1]["ratio"]["samples"] == [4.0, 5.0, 4.0]
    assert data["table"][1]["target"] == 5.5
    assert data["table"][1]["least_share_on_core"] == 0.5
    assert data["bytes_per_key"][0] == {
        "name": "mature",
        "target": 300_000,
        "ours": 250_000,
        "aws": 1_200_000,
    }
    assert data["python_peers"]["rrcf"]["samples"] == [100.0, 125.0, 80.0]
    assert data["growth"]["keys"]["points"][1] == {
        "value": 10_000,
        "ours": None,
        "aws": None,
        "disturbed": False,
    }
    assert data["threads"]["ratio"]["median"] == 1.5
