"""Which object should start which workflow through which trigger, as the catalogue has it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from blocks.catalogue import Catalogue, Trigger, Workflow


class Link(NamedTuple):
    """What should follow an object."""

    path: str
    """Of the object, relative to the scene."""
    trigger: str
    workflow: str


def marker_links(catalogue: Catalogue) -> list[Link]:
    """Every completion marker that somebody writes, and what it should start through a deployed trigger."""
    paths = [path for marker in catalogue.markers.values() if marker.writer != "nobody" for path in marker.paths]
    return [link for name, trigger in deployed(catalogue) for link in links_of(catalogue, name, trigger, paths)]


def all_links(catalogue: Catalogue) -> list[Link]:
    """The same, with the objects that are no markers and start work too, as a layout or a request."""
    paths = [path for marker in catalogue.markers.values() for path in marker.paths]
    paths += [
        path for rule in catalogue.object_classes if rule.object_class == "trigger_object" for path in rule.patterns
    ]
    paths += [one.event_name for one in catalogue.workflows.values() if one.event_name]
    paths = [path for path in dict.fromkeys(paths) if not set("*?[{") & set(path)]
    return [link for name, trigger in deployed(catalogue) for link in links_of(catalogue, name, trigger, paths)]


def deployed(catalogue: Catalogue) -> Iterator[tuple[str, Trigger]]:
    """The triggers that should be there and tell of objects."""
    for name, trigger in catalogue.triggers.items():
        if trigger.deployed and not trigger.forbidden and trigger.event == "object_finalized":
            yield name, trigger


def links_of(catalogue: Catalogue, name: str, trigger: Trigger, paths: list[str]) -> list[Link]:
    """What one trigger should start something for. A bucket-only trigger: what its workflow itself tests for."""
    workflow: Workflow | None = catalogue.workflows.get(trigger.workflow)
    pattern = trigger.name_regex or (workflow.event_regex if workflow else None)
    if not pattern:
        return []
    scene = catalogue.scene_root.format(scene_id="any-scene")
    return [Link(path, name, trigger.workflow) for path in paths if re.search(pattern, scene + path)]
