"""Which of many patterns fit a key: in few steps for the usual kinds, however many patterns there are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import translate

WILD = re.compile(r"[*?\[]")
Owners = dict[str, set[int]]


class KeyPatterns:
    """Glob patterns, some for each owner: ``*`` is any text, ``?`` one character, ``[ab]`` and ``[!ab]`` one of a set.

    A pattern fits the whole key, with the same capitals. Exact keys, beginnings (``host-*``) and endings (``*.cpu``)
    are looked up; only patterns of other forms are tried one by one.
    """

    def __init__(self, patterns: Sequence[Sequence[str]]) -> None:
        """``patterns[i]`` are those of owner ``i``: it has a key that one of them fits."""
        self._all: set[int] = set()
        self._exact: Owners = {}
        self._beginnings: dict[int, Owners] = {}  # by length
        self._endings: dict[int, Owners] = {}
        others: Owners = {}
        for owner, of_owner in enumerate(patterns):
            for pattern in of_owner:
                if not pattern.strip("*"):
                    self._all.add(owner)
                elif not WILD.search(pattern):
                    self._exact.setdefault(pattern, set()).add(owner)
                elif pattern.endswith("*") and not WILD.search(pattern[:-1]):
                    _add(self._beginnings, pattern[:-1], owner)
                elif pattern.startswith("*") and not WILD.search(pattern[1:]):
                    _add(self._endings, pattern[1:], owner)
                else:
                    others.setdefault(pattern, set()).add(owner)
        self._others = [(re.compile(translate(pattern)).match, owners) for pattern, owners in others.items()]

    def owners(self, key: str) -> tuple[int, ...]:
        """Return the owners that have the key, ascending."""
        found = set(self._all)
        found |= self._exact.get(key, set())
        for length, owners in self._beginnings.items():
            found |= owners.get(key[:length], set())
        for length, owners in self._endings.items():
            found |= owners.get(key[-length:], set())
        for fits, owners_of_pattern in self._others:
            if fits(key):
                found |= owners_of_pattern
        return tuple(sorted(found))


def _add(by_length: dict[int, Owners], text: str, owner: int) -> None:
    by_length.setdefault(len(text), {}).setdefault(text, set()).add(owner)
