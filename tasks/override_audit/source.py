"""Switches in a workflow's source, and in any other value that was parsed: pairs of a name and what it is set to.

A source is YAML or JSON. Many of the pipeline's are neither, because of a colon in an expression: they are read by lines. Only
what is clear is told: an expression is no value, except for a default that an argument has when nobody gives it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any, Final

import yaml

from blocks.catalogue_gates import Gates, GateSwitch

Passed = tuple[GateSwitch, str, str]
"""A switch that passes a gate, with its name and its value there."""
_Loader: Final[Any] = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""Every scalar is the text that stands there."""
_DEFAULT = re.compile(r"""default\(\s*map\.get\([^()]*["'](\w+)["']\s*]?\s*\)\s*,\s*["']?([\w.-]+)["']?\s*\)""")
_NO_VALUE = ("", "~", "null")


def in_source(gates: Gates, source: str) -> list[Passed]:
    """Switches that a workflow's source sets to a value of its own, or has as the default of an argument."""
    parsed = _parsed(source)
    pairs = list(_set(parsed)) if isinstance(parsed, dict | list) else list(_by_lines(gates, source))
    return passed_in(gates, ((name, value) for name, value in pairs if value not in _NO_VALUE and "${" not in value))


def passed_in(gates: Gates, pairs: Iterable[tuple[str, object]]) -> list[Passed]:
    """The switches among these, each value once. One that passes no gate hides no other of the same name."""
    found = {(name, str(value)) for name, value in pairs if value is not None}
    return [one for name, value in sorted(found) for one in gates.passed_by({name: value})]


def flat(value: object) -> Iterator[tuple[str, object]]:
    """Every plain value by its key, however deep it stands, and by its name where it has one."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if isinstance(inner, Mapping | list):
                yield from flat(inner)
            else:
                yield str(key), inner
        if isinstance(value.get("name"), str) and "value" in value:
            yield value["name"], value["value"]
    elif isinstance(value, list):
        for inner in value:
            yield from flat(inner)


def _set(value: object) -> Iterator[tuple[str, str]]:
    """What a parsed source sets, within texts that are JSON too, and the defaults of its expressions."""
    for name, said in flat(value):
        if isinstance(said, str):
            yield name, said
    for text in _texts(value):
        yield from _DEFAULT.findall(text)
        if text.startswith("{"):
            yield from ((name, said) for name, said in flat(_parsed(text)) if isinstance(said, str))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(inner)


def _by_lines(gates: Gates, source: str) -> Iterator[tuple[str, str]]:
    """Each line alone, and a name and a value in two lines of one entry."""
    lines = [line for line in source.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    stems = tuple(one.name.rstrip("*").upper() for one in gates.switches)
    named = [any(stem in line.upper() for stem in stems) for line in lines]
    for line, wanted in zip(lines, named, strict=True):
        if wanted:
            yield from _set(_line(line))
    for number, (one, two) in enumerate(pairwise(lines)):
        if (named[number] or named[number + 1]) and not two.lstrip().startswith(("-", "{")):
            yield from _set(_parsed(f"{_bare(one)}\n{_bare(two)}"))


def _line(line: str) -> object:
    """A line as YAML: as it stands, else without what opens and closes its entry, else its text without the comment."""
    for text in (line.strip(" \t,"), _bare(line)):
        if isinstance(found := _parsed(text), dict | list):
            return found
    return [re.sub(r"\s#.*", "", line)]


def _bare(line: str) -> str:
    return line.strip(" \t,-{}")


def _parsed(text: str) -> object:
    try:
        return yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
