"""The documents' JSON schemas, each compiled once, and their errors as findings that name the exact place.

A schema may carry `x-code` beside a rule: the finding then has that code instead of a general one. The schema of the
scene manifest itself carries none: it is the pipeline's own (tools/scene_manifest/manifest_schema.json).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any

import jsonschema_rs

from tasks.validation.documents.documents import Path
from tasks.validation.documents.json_values import entry_name
from tasks.validation.documents.quoting import json_path, show
from tasks.validation.scene_under_test import SceneUnderTest

MAX_ERRORS = 500
"""Schema errors of one document that are looked at."""
MAX_ENTRIES = 2_000
"""Entries of a list that are looked at together."""
PLAIN_CODES = {"Required": "field-missing", "AdditionalProperties": "field-unknown", "Type": "field-wrong-type"}
"""Codes of what is wrong with a document's shape; a wrong value has its rule's `x-code`, or `field-bad-value`."""


@dataclass(frozen=True)
class Rule:
    """One compiled schema."""

    schema: dict[str, object]
    validator: jsonschema_rs.Draft7Validator


@dataclass(frozen=True)
class SchemaError:
    """One breach of a schema."""

    code: str
    path: Path
    message: str
    value: object
    kind: str


@cache
def rule(name: str, changes: str = "") -> Rule:
    """The schema `<name>.schema.json` beside this file, with an installation's changes (a JSON merge patch) to it."""
    schema = json.loads(files("tasks.validation.documents").joinpath(f"{name}.schema.json").read_text("utf-8"))
    if changes:
        schema = patched(schema, json.loads(changes))
    return Rule(schema, jsonschema_rs.Draft7Validator(schema))


def schema_of(view: SceneUnderTest, name: str) -> dict[str, object]:
    """A schema as this installation has it."""
    changes = view.catalogue.schemas.get(name)
    return rule(name, json.dumps(changes, sort_keys=True) if changes else "").schema


def patched(target: object, patch: object) -> Any:
    """`target` after a JSON merge patch: objects are merged key by key, null removes, all else replaces (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = patched(merged.get(key), value)
    return merged


def errors(name: str, value: object, changes: Mapping[str, object] | None = None) -> Iterator[SchemaError]:
    """Every breach of a schema. Raises ValueError when the value is nested too deep to be looked at."""
    compiled = rule(name, json.dumps(changes, sort_keys=True) if changes else "")
    told = set[tuple[Path, str]]()
    if compiled.validator.is_valid(value):
        return
    for part, key, start in _windows(value):
        if compiled.validator.is_valid(part):
            continue
        for error in islice(compiled.validator.iter_errors(part), MAX_ERRORS):
            for one in _translated(compiled.schema, error):
                found = replace(one, path=_moved(one.path, key, start)) if start else one
                if (found.path, found.kind) not in told and len(told) < MAX_ERRORS:
                    told.add((found.path, found.kind))
                    yield found
        if len(told) >= MAX_ERRORS:
            return


def _windows(value: object) -> Iterator[tuple[object, str, int]]:
    """The document in parts, each with `MAX_ENTRIES` of its longest list: (part, the list's name, its first entry).

    The library works out every breach before it gives the first one, a million of them if need be.
    """
    lists = {key: len(item) for key, item in value.items() if isinstance(item, list)} if isinstance(value, dict) else {}
    longest = max(lists, key=lists.__getitem__, default="")
    if not isinstance(value, dict) or lists.get(longest, 0) <= MAX_ENTRIES:
        yield value, "", 0
        return
    for start in range(0, lists[longest], MAX_ENTRIES):
        yield {**value, longest: value[longest][start : start + MAX_ENTRIES]}, longest, start


def _moved(path: Path, key: str, start: int) -> Path:
    if len(path) > 1 and path[0] == key and isinstance(path[1], int):
        return (key, path[1] + start, *path[2:])
    return path


def check(
    view: SceneUnderTest, path: str, name: str, value: object, *, skip: Callable[[SchemaError], bool] | None = None
) -> bool:
    """Report every breach of a document; `skip` says which ones are not to be. True when there was none to report.

    Places where a number is not finite have been reported when the document was parsed.
    """
    known = view.document(path).broken_paths()
    clean = True
    try:
        for error in errors(name, value, view.catalogue.schemas.get(name)):
            if error.path not in known and not (skip and skip(error)):
                clean = False
                view.add(error.code, path, f"{path}: {entry_name(value, error.path)}{error.message}.", at=error.path)
    except ValueError:
        clean = False
        view.add("document-nested-too-deep", path, f"{path}: it is nested too deep to be checked.", at=())
    return clean


def _translated(schema: dict[str, object], error: jsonschema_rs.ValidationError) -> Iterator[SchemaError]:
    rule_kind: Any = error.kind
    kind, path = str(rule_kind.name), tuple(error.instance_path)
    name = type(rule_kind).__name__
    code = PLAIN_CODES.get(name) or _code_at(schema, list(error.evaluation_path)) or "field-bad-value"
    if name == "Required":
        missing = rule_kind.property
        yield SchemaError(code, (*path, missing), f"{json_path((*path, missing))} is missing", None, kind)
    elif name == "AdditionalProperties":
        for key in rule_kind.unexpected:
            place = (*path, key)
            yield SchemaError(code, place, f"{json_path(place)} is no field of the pipeline's format", None, kind)
    else:
        yield SchemaError(code, path, _sentence(error, name), error.instance, kind)


def _code_at(schema: dict[str, object], steps: list[object]) -> str:
    """The innermost `x-code` on the way to the rule that was broken."""
    node: object = schema
    code = ""
    for step in steps:
        if isinstance(node, dict):
            code = str(node.get("x-code", code))
            node = _referred(schema, str(node["$ref"])) if step == "$ref" else node.get(step)
        elif isinstance(node, list) and isinstance(step, int):
            node = node[step]
    return code


def _referred(schema: dict[str, object], reference: str) -> object:
    node: object = schema
    for part in reference.removeprefix("#/").split("/"):
        node = node[part] if isinstance(node, dict) else None
    return node


def _sentence(error: jsonschema_rs.ValidationError, name: str) -> str:
    kind: Any = error.kind
    instance: Any = error.instance
    place, value = json_path(tuple(error.instance_path)), show(instance)
    if name == "Type":
        return f"{place} is {value}, not {' or '.join(_article(allowed) for allowed in kind.types)}"
    if name == "Enum":
        return f"{place} is {value}; it may be {', '.join(str(option) for option in kind.options)}"
    limits = {"Minimum": "at least", "Maximum": "at most", "ExclusiveMinimum": "more than",
              "ExclusiveMaximum": "less than"}  # fmt: skip
    if name in limits:
        return f"{place} is {value}; it must be {limits[name]} {kind.limit}"
    counts = {"MinItems": "at least", "MaxItems": "at most"}
    if name in counts:
        return f"{place} has {len(instance)} entries; it must have {counts[name]} {kind.limit}"
    if name == "Pattern":
        return f"{place} is {value}, which does not fit {kind.pattern}"
    if name in ("MinLength", "MaxLength"):
        return f"{place} has {len(instance)} characters; the limit is {kind.limit}"
    return f"{place} is {value}, which is not allowed there"


def _article(kind: str) -> str:
    return {"null": "null", "array": "a list", "object": "an object", "integer": "a whole number",
            "boolean": "true or false", "string": "a text"}.get(kind, f"a {kind}")  # fmt: skip
