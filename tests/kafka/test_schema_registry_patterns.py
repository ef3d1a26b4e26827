from __future__ import annotations

import re

import pytest

from stream_rcf.kafka.schema_registry_patterns import LONGEST, longest_text, pattern_limit, text_limit
from tests.kafka.schema_support import in_time


@pytest.mark.parametrize(
    "pattern",
    ["x", "^host-[0-9]+$", "^[A-Z]{2}$", r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$", "^(disk|cpu|net)$", "^.*$",
     "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", r"^[a-z]{1,63}(\.[a-z]{1,63}){0,8}$"],
)  # fmt: skip
def test_usual_patterns_meet_texts_of_any_length(pattern: str) -> None:
    assert pattern_limit(pattern) == LONGEST


@pytest.mark.parametrize(
    ("pattern", "least"),
    [
        (r"^[^@]+@[^@]+\.[a-z]+$", 100),
        ("^([a-z0-9]+-)*[a-z0-9]+$", 100),
        ("[a-z]+", 1000),
        (r"^(\d{1,3}\.){3}\d{1,3}$", 100),
    ],
)
def test_others_meet_texts_as_long_as_such_texts_are(pattern: str, least: int) -> None:
    assert pattern_limit(pattern) >= least


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+$", "(a*)*$", "(a|a)*$", "(a|aa)+$", "^(([a-z])+.)+[A-Z]([a-z])+$", "(.*a){25}$", "^(a?){40}a{40}$",
     "(?:(?=(a+))a)+$", "^(?:a+?)+?$", "((((a+)+)+)+)+$"],
)  # fmt: skip
def test_patterns_that_explode_meet_short_texts_only(pattern: str) -> None:
    """At the limit itself the search is still done in time; some of these take years at 100 characters."""
    limit = pattern_limit(pattern)
    assert limit < 40
    for text in ("a" * limit + "!", "a" * limit):
        in_time(lambda text=text: re.search(pattern, text[:limit]))


@pytest.mark.parametrize("pattern", [".*.*.*x", "a*b", "^.*.*.*.*x$", r"\s+$"])
def test_patterns_that_grow_are_done_in_time_at_their_limit(pattern: str) -> None:
    limit = pattern_limit(pattern)
    assert 10 <= limit < LONGEST
    in_time(lambda: re.search(pattern, "a" * limit))


def test_patterns_are_found_wherever_they_stand() -> None:
    deep = {"properties": {"a": {"anyOf": [{"items": {"pattern": "(a+)+$"}}]}}}
    assert text_limit([{}, deep]) == pattern_limit("(a+)+$")
    assert text_limit([{"patternProperties": {"(a+)+$": {}}}]) == pattern_limit("(a+)+$")
    assert text_limit([{"pattern": "^a+$"}, {"type": "string"}]) is None
    assert text_limit([{"properties": {"pattern": {"type": "string"}}}]) is None


@pytest.mark.parametrize("pattern", ["(", "[a", "a{99999999999999}", "a" * 3000])
def test_what_is_no_usable_pattern_is_refused(pattern: str) -> None:
    with pytest.raises((ValueError, re.error, OverflowError)):
        text_limit([{"pattern": pattern}])


def test_the_longest_text_may_be_a_name() -> None:
    assert longest_text({"a": ["xx", {"yyy": 1}], "b": None}) == 3
    assert longest_text({}) == 0
