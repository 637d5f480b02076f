"""One check at a time on a few objects in memory: milliseconds, and no OpenUSD."""

from __future__ import annotations

import copy
from typing import Any

from blocks.catalogue_load import load_catalogue
from tasks.validation.documents.schemas import errors
from tasks.validation.scene_under_test import SceneUnderTest
from tests.validation.scene_builder import MemorySource, Scene

Keys = tuple[str | int, ...]


class Gone:
    """In place of a value: take the key out."""

    def __repr__(self) -> str:
        return "gone"


GONE = Gone()


def view_of(scene: Scene, **source: Any) -> SceneUnderTest:
    """What a check reads from and reports to."""
    return SceneUnderTest(MemorySource(dict(scene), **source), load_catalogue(), "full")


def told(view: SceneUnderTest, *severities: str) -> list[tuple[str, str]]:
    """Code and place of what was reported, in the order of the report; by default all of it."""
    return [(f.code, f.path) for f in view.findings.kept if not severities or f.severity in severities]


def codes(view: SceneUnderTest) -> list[str]:
    """The codes of what was reported."""
    return [found.code for found in view.findings.kept]


def with_value(document: Any, keys: Keys, value: object) -> Any:
    """A copy of a document with another value at a place."""
    changed = copy.deepcopy(document)
    inner = changed
    for key in keys[:-1]:
        inner = inner[key]
    if value is GONE:
        del inner[keys[-1]]
    else:
        inner[keys[-1]] = value
    return changed


def breaches(schema: str, document: Any, keys: Keys, value: object) -> list[tuple[str, Keys]]:
    """What a schema says of a document with another value at a place."""
    return [(found.code, found.path) for found in errors(schema, with_value(document, keys, value))]
