"""What a scene is judged by and nobody could read: without it no verdict is possible, and unknown is not healthy."""

from __future__ import annotations

from collections.abc import Iterator

from blocks.patterns import matches, widen
from tasks.validation.scene_under_test import SceneUnderTest
from tasks.validation.stages.stages import Line

UNREAD = {"document-too-large", "document-not-looked-into", "object-unreadable"}
"""Codes that mean that nothing at all is known of what an object says."""


def undecided(view: SceneUnderTest, line: Line) -> tuple[str, ...]:
    """Markers and required outputs of which nothing is known: not read, or beyond where the listing was cut short."""
    unread = {found.object for found in view.findings.kept if found.code in UNREAD}
    return tuple(sorted({*(path for path in unread if _decides(view, path)), *_unlisted(view, line)}))


def _decides(view: SceneUnderTest, path: str) -> bool:
    if view.attribution.class_of(path) == "completion_marker":
        return True
    outputs = [output for stage in view.catalogue.stages.values() for output in stage.outputs if output.required]
    return any(matches(widen(known), path) for output in outputs for known in (output.path, *output.or_paths))


def _unlisted(view: SceneUnderTest, line: Line) -> Iterator[str]:
    for name in line.ran:
        for output in view.catalogue.stages[name].outputs:
            plain = output.required and not set("*{") & set(output.path)
            if plain and output.path not in view.files and view.source.unlisted(output.path):
                yield output.path
