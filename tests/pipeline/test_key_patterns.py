from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_rcf.pipeline.key_patterns import KeyPatterns
from tests.support.calls import calls_of


@pytest.mark.parametrize(
    ("pattern", "fits", "does_not"),
    [
        ("*", ["", "a", "a\nb"], []),
        ("web-1", ["web-1"], ["web-10", "Web-1", "xweb-1"]),
        ("web-*", ["web-", "web-1", "web-a\nb"], ["web", "a-web-1", "WEB-1"]),
        ("*.cpu", ["a.cpu", ".cpu"], ["cpu", "a.cpu.b"]),
        ("web-?", ["web-1", "web-é"], ["web-", "web-10"]),
        ("web-[12]", ["web-1"], ["web-3", "web-[12]"]),
        ("web-[!12]", ["web-3"], ["web-1"]),
        ("a*b*c", ["abc", "a1b2c"], ["ab", "abcd"]),
        ("eu|*", ["eu|web"], ["eu", "us|web"]),
        ("**", ["", "a"], []),
        ("[", ["["], ["a"]),
    ],
)
def test_each_kind_of_pattern(pattern: str, fits: list[str], does_not: list[str]) -> None:
    patterns = KeyPatterns([[pattern]])

    assert [key for key in fits + does_not if patterns.owners(key)] == fits


def test_an_owner_has_a_key_that_one_of_its_patterns_fits() -> None:
    patterns = KeyPatterns([["a*", "*b"], ["b"], ["ab", "ab"], []])

    assert patterns.owners("ab") == (0, 2)
    assert patterns.owners("b") == (0, 1)
    assert patterns.owners("c") == ()


TEXTS = st.text("ab[]!*?-|é", max_size=5)


@settings(deadline=None)
@given(st.lists(st.lists(TEXTS.filter(bool), max_size=3), max_size=5), TEXTS)
def test_it_agrees_with_trying_each_pattern(patterns: list[list[str]], key: str) -> None:
    expected = [
        owner
        for owner, of_owner in enumerate(patterns)
        if any(fnmatchcase(key, pattern) for pattern in of_owner)
    ]

    assert KeyPatterns(patterns).owners(key) == tuple(expected)


def test_a_key_is_found_in_few_steps_among_thousands_of_patterns() -> None:
    patterns = KeyPatterns(
        [[f"host-{number}", f"zone-{number:04}-*", f"*.service-{number:04}"] for number in range(1000)]
    )

    calls = calls_of(lambda: patterns.owners("zone-0007-rack.service-0009"))

    assert patterns.owners("zone-0007-rack.service-0009") == (7, 9)
    assert calls < 30
