"""Path patterns of the catalogue: `*` within a path segment, `**` across segments, `**/` also nothing at all.

Everything else in a pattern is literal: there is no `?`, no `[...]` and no escaping.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import product
from typing import Final

_TOKEN: Final = re.compile(r"\*\*/|\*\*|\*|[^*]")
_PLACEHOLDER: Final = re.compile(r"\{\w+\}")
_REGEX: Final = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}


def matches(pattern: str, path: str) -> bool:
    """Whether the whole of `path` fits `pattern`. A placeholder such as `{job_id}` is literal: fill it first."""
    return _compiled(pattern).fullmatch(path) is not None


def matches_any(patterns: tuple[str, ...], path: str) -> bool:
    """Whether the whole of `path` fits one of `patterns`; one search however many there are."""
    return _joined(patterns).fullmatch(path) is not None


def widen(pattern: str) -> str:
    """The pattern with every placeholder (`{object_id}`, `{job_id}`) standing for any name."""
    return _PLACEHOLDER.sub("*", pattern)


@lru_cache(maxsize=4096)
def overlap(first: str, second: str) -> bool:
    """Whether some path fits both patterns."""
    return any(_meet(a, b) for a, b in product(_variants(first), _variants(second)))


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(_regex(pattern), re.DOTALL)


@lru_cache(maxsize=256)
def _joined(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{_regex(pattern)})" for pattern in patterns) or r"(?!)", re.DOTALL)


def _regex(pattern: str) -> str:
    return "".join(_REGEX.get(token, re.escape(token)) for token in _TOKEN.findall(pattern))


def _variants(pattern: str) -> list[tuple[str, ...]]:
    """The pattern's tokens; each `**/` once as nothing and once as `**` followed by a slash."""
    choices = [((), ("**", "/")) if token == "**/" else ((token,),) for token in _TOKEN.findall(pattern)]
    return [tuple(token for part in parts for token in part) for parts in product(*choices)]


def _meet(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    """Walk both patterns at once over every way a common path could be read."""
    open_pairs, seen = [(0, 0)], {(0, 0)}
    while open_pairs:
        i, j = open_pairs.pop()
        if i == len(first) and j == len(second):
            return True
        for pair in _steps(first[i : i + 1], second[j : j + 1], i, j):
            if pair not in seen:
                seen.add(pair)
                open_pairs.append(pair)
    return False


def _steps(a: tuple[str, ...], b: tuple[str, ...], i: int, j: int) -> list[tuple[int, int]]:
    """Where to go from here: a wildcard may end, or take the other side's next character if it may hold it."""
    steps: list[tuple[int, int]] = []
    if a and b and a == b:
        steps.append((i + 1, j + 1))
    if a and a[0].startswith("*"):
        steps.append((i + 1, j))
        if b and (a[0] == "**" or b[0] != "/") and not b[0].startswith("*"):
            steps.append((i, j + 1))
    if b and b[0].startswith("*"):
        steps.append((i, j + 1))
        if a and (b[0] == "**" or a[0] != "/") and not a[0].startswith("*"):
            steps.append((i + 1, j))
    return steps
