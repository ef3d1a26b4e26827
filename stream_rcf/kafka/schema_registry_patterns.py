"""How long a text may be before a pattern of a JSON Schema takes too long on it.

Python's regular expressions try alternatives one by one, which a pattern such as ``(a+)+$`` turns into hours. How
many ways a pattern has of matching is told from its structure; that bounds the length of the texts it may meet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from re import _parser  # type: ignore[attr-defined] # -- the module that re itself parses with
from typing import Any

MOST_WAYS = 10**7  # to try for one text: about a second
LONGEST = 2**20  # characters; no event has more
MAX_PATTERN_CHARACTERS = 2000
SEARCHES = ("^", "\\A")  # a pattern that begins so is tried at one place only


def text_limit(schemas: Iterable[Any]) -> int | None:
    """Return the most characters of a text that the patterns in these documents may meet; None for any number.

    Raises ``ValueError`` or ``re.error`` for a pattern that is none, or too long.
    """
    limits = [limit for pattern in set(_patterns(schemas)) if (limit := pattern_limit(pattern)) < LONGEST]
    return min(limits, default=None)


def longest_text(document: object) -> int:
    """Return the characters of the longest text in a JSON document, names of fields included."""
    longest = 0
    pending: list[object] = [document]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            longest = max(longest, len(item))
        elif isinstance(item, Mapping):
            pending.extend(item)
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
    return longest


def pattern_limit(pattern: str) -> int:
    """Return the most characters for which the pattern takes no more than ``MOST_WAYS``, at most ``LONGEST``."""
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        raise ValueError(f"a pattern has more than {MAX_PATTERN_CHARACTERS} characters")
    re.compile(pattern)  # as it will be used
    parsed = _parser.parse(pattern)
    is_anchored = pattern.startswith(SEARCHES) and "|" not in pattern

    def cost(length: int) -> float:
        return _ways(parsed, length) * (1 if is_anchored else length)

    low, high = 0, LONGEST
    while low < high:  # the greatest length within the bound
        middle = (low + high + 1) // 2
        if cost(middle) <= MOST_WAYS:
            low = middle
        else:
            high = middle - 1
    return low


def _patterns(schemas: Iterable[Any]) -> Iterable[str]:
    """Every pattern anywhere in the documents, also where a keyword's name is only a field's: one too many is safe."""
    pending = list(schemas)
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            if isinstance(item.get("pattern"), str):
                yield item["pattern"]
            if isinstance(item.get("patternProperties"), dict):
                yield from item["patternProperties"]
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)


def _ways(parsed: Any, length: int) -> float:
    """Return how many ways there are at most of matching the pattern within ``length`` characters."""
    ways = 1.0
    for operation, argument in parsed:
        ways = min(ways * _ways_of(str(operation), argument, length), float("1e300"))
    return ways


def _ways_of(operation: str, argument: Any, length: int) -> float:
    if operation in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
        least, most, body = argument
        times = min(int(most), length)
        inner = _ways(body, length)
        if inner <= 1.0:
            return float(max(1, times - min(int(least), times) + 1))
        if times == 1 or _is_delimited(body):
            return inner * times + 1.0
        return _power(inner, times)
    if operation == "BRANCH":
        branches = argument[1]
        inner_ways = [_ways(branch, length) for branch in branches]
        return max(inner_ways) if _begin_differently(branches) else sum(inner_ways)
    if operation == "SUBPATTERN":
        return _ways(argument[-1], length)
    if operation in {"ASSERT", "ASSERT_NOT"}:
        return _ways(argument[1], length)
    if operation == "ATOMIC_GROUP":
        return _ways(argument, length)
    if operation == "GROUPREF_EXISTS":
        _, yes, no = argument
        return _ways(yes, length) + (_ways(no, length) if no else 1.0)
    return 1.0  # one character, or a place


def _begin_differently(branches: list[Any]) -> bool:
    """Whether the first character tells which branch it is, so that no other is tried in earnest."""
    firsts = {branch[0][1] for branch in branches if len(branch) and str(branch[0][0]) == "LITERAL"}
    return len(firsts) == len(branches)


def _is_delimited(body: Any) -> bool:
    """Whether each repetition holds a character that nothing of varying length in it can match, as in ``[a-z]+-``.

    Then there is one way alone of cutting a text into repetitions.
    """
    while len(body) == 1 and str(body[0][0]) == "SUBPATTERN":
        body = body[0][1][-1]
    fixed = {argument for operation, argument in body if str(operation) == "LITERAL"}
    for operation, argument in body:
        if str(operation) in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
            repeated = argument[2]
            if len(repeated) != 1:
                return False
            fixed = {character for character in fixed if not _may_match(repeated[0], character)}
        elif str(operation) not in {"LITERAL", "NOT_LITERAL", "IN", "ANY"}:
            return False
    return bool(fixed)


def _may_match(item: Any, character: int) -> bool:
    """Whether a pattern of one character matches this one; True where that is not told."""
    operation, argument = str(item[0]), item[1]
    if operation == "LITERAL":
        return bool(argument == character)
    if operation == "NOT_LITERAL":
        return bool(argument != character)
    if operation == "RANGE":
        return bool(argument[0] <= character <= argument[1])
    if operation == "CATEGORY":
        text = _CATEGORIES.get(str(argument))
        return text is None or re.fullmatch(text, chr(character)) is not None
    if operation == "IN":
        is_negated = str(argument[0][0]) == "NEGATE"
        listed = any(_may_match(part, character) for part in argument[is_negated:])
        return listed != is_negated
    return True


_CATEGORIES = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}


def _power(base: float, exponent: int) -> float:
    try:
        return float(base**exponent)
    except OverflowError:
        return float("1e300")
