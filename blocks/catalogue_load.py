"""Reads the catalogue: the shipped YAML, an installation's overlay over it, and every check before anybody uses it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from blocks.catalogue import Catalogue
from blocks.catalogue_checks import problems_of
from blocks.catalogue_names import Problem
from blocks.catalogue_yaml import CatalogueError, KeyPath, Node, Place, merge, read, wrap

__all__ = ["CatalogueError", "load_catalogue"]

SHIPPED: Final = Path(__file__).with_name("catalogue.yaml")
OVERLAY: Final = "overlay"
SHIPPED_OVERLAYS: Final = ("2026-06",)
"""States of the pipeline other than the shipped one: each an overlay beside it, known by its name."""


def load_catalogue(overlay: str | Path | Mapping[str, Any] | None = None) -> Catalogue:
    """The pipeline as shipped, or with an installation's overlay laid over it.

    Args:
        overlay: YAML text, a `Path` of a YAML file, a mapping, or the name of a shipped overlay (`2026-06`). Mappings are merged key by key, everything else
            replaces what was there, and null removes a key.

    Raises:
        CatalogueError: one sentence for each problem, with file, line and key.
    """
    if str(overlay) in SHIPPED_OVERLAYS:
        overlay = SHIPPED.with_name(f"catalogue-{overlay}.yaml")
    if isinstance(overlay, Path):
        return _build(read(_text(overlay), overlay.name))
    if isinstance(overlay, Mapping):
        return _build(wrap(overlay, Place(OVERLAY)))
    return _from_text(overlay or "")


@lru_cache(maxsize=8)
def _from_text(overlay: str) -> Catalogue:
    return _build(read(overlay, OVERLAY) if overlay.strip() else None)


@lru_cache(maxsize=1)
def _shipped() -> Node:
    return read(SHIPPED.read_text(encoding="utf-8"), SHIPPED.name)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueError([f"{path}: the overlay cannot be read: {error}."]) from error


def _build(overlay: Node | None) -> Catalogue:
    node = _shipped() if overlay is None else merge(_shipped(), overlay)
    try:
        catalogue = Catalogue.model_validate(node.plain())
    except ValidationError as error:
        problems = [_from_pydantic(detail) for detail in error.errors(include_url=False)]
        raise CatalogueError([_sentence(node, problem) for problem in problems]) from error
    found = [_sentence(node, problem) for problem in problems_of(catalogue)]
    if found:
        raise CatalogueError(found)
    return catalogue


def _from_pydantic(detail: Any) -> Problem:
    path: KeyPath = tuple(key for key in detail["loc"] if key != "[key]")
    name = dotted(path)
    if detail["type"] == "extra_forbidden":
        return Problem(f"{name} is not a key the catalogue knows; remove it or correct its name", path)
    if detail["type"] == "missing":
        return Problem(f"{dotted(path[:-1]) or 'the catalogue'} lacks the key '{path[-1]}'; add it", path)
    message = detail["msg"].replace("Input should", "It should")
    return Problem(f"{name} is {detail['input']!r:.60}, but {message[:1].lower()}{message[1:]}", path)


def _sentence(node: Node, problem: Problem) -> str:
    """`file line: sentence.` An overlay's line wins over the shipped one: the shipped file is right by itself."""
    places = [node.find(path) for path in problem.paths]
    shipped = SHIPPED.name
    place, _ = min(places, key=lambda found: (found[0].file == shipped, found[0].file != shipped and not found[1]))
    return f"{place}: {problem.text}."


def dotted(path: Iterable[str | int]) -> str:
    """`stages.usd.needs[0]`."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")
