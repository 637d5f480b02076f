"""Documents that list by name what else their stage made: each name must have its objects."""

from __future__ import annotations

from blocks.catalogue_rules import Listing
from tasks.validation.documents.json_values import entries, sequence, text
from tasks.validation.documents.quoting import show
from tasks.validation.scene_under_test import SceneUnderTest

NAMES = ("id", "name", "bundle_id", "episode_id")
"""Under which keys a list of objects has their names."""


def check_listed(view: SceneUnderTest) -> None:
    """Report what a list names and is not there. A warning: some installations list more than they make."""
    for stage, spec in view.catalogue.stages.items():
        for listing in spec.lists:
            if view.has(listing.document) and _is_list(view, listing.document):
                _check(view, stage, listing)


def _is_list(view: SceneUnderTest, path: str) -> bool:
    """A completion marker may be a line of text, which lists nothing."""
    return view.attribution.class_of(path) != "completion_marker" or (view.data(path) or b"").lstrip()[:1] == b"{"


def _check(view: SceneUnderTest, stage: str, listing: Listing) -> None:
    value = view.document(listing.document).value
    listed = sequence(value.get(listing.key)) if isinstance(value, dict) else []
    names = [name for entry in listed if (name := text(entry))]
    for _, entry in entries(value, listing.key):
        names += [name for key in NAMES if (name := text(entry.get(key)))][:1]
    for name in names:
        for template in listing.paths:
            path = template.replace("{name}", name)
            if ".." not in name and view.absent(path) and not view.expired(path, stage):
                message = f"{listing.document} lists {show(name)}, and {path} is not there."
                view.add("listed-missing", path, message, stage=stage)
