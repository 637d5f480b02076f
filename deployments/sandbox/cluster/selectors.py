"""Label and field selectors."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from deployments.sandbox.cluster.errors import Json, refuse
from deployments.sandbox.cluster.resources import Resource

Wanted = Callable[[Json], bool]
_SET = re.compile(r"([\w./-]+)\s+(in|notin)\s*\(([^()]*)\)")
_EQUAL = re.compile(r"(!?)\s*([\w./-]+)\s*(?:(==?|!=)\s*([\w.-]*))?")


def label_selector(text: str) -> Wanted:
    """`a=b`, `a!=b`, `a`, `!a`, `a in (b, c)`, `a notin (b)`, joined by commas. Raises KubernetesError 400."""
    terms = [_term(part.strip()) for part in re.split(r",(?![^()]*\))", text) if part.strip()]
    return lambda item: all(term(item["metadata"].get("labels") or {}) for term in terms)


def _term(part: str) -> Callable[[dict[str, str]], bool]:
    if found := _SET.fullmatch(part):
        key, word, values = found[1], found[2], {value.strip() for value in found[3].split(",")}
        return lambda labels: (labels.get(key) in values) is (word == "in")
    match = _EQUAL.fullmatch(part)
    if match is None or (match[1] and match[3]):
        refuse(400, "BadRequest", f"unable to parse requirement: {part!r} is no requirement on a label")
    negated, name, sign, wanted = match.groups()
    if sign is None:
        return lambda labels: (name in labels) is not bool(negated)
    return lambda labels: (labels.get(name) == (wanted or "")) is (sign != "!=")


def field_selector(text: str, resource: Resource) -> Wanted:
    """`metadata.name=a,status.phase!=b`, with the fields the kind can be selected by. Raises KubernetesError 400."""
    known = ("metadata.name", "metadata.namespace", *resource.fields)
    terms: list[tuple[list[str], bool, str]] = []
    for part in filter(None, text.split(",")):
        match = re.fullmatch(r"([\w.]+)\s*(==?|!=)\s*(.*)", part.strip())
        if match is None:
            refuse(400, "BadRequest", f'invalid field selector: "{part}"; can\'t understand it')
        if match[1] not in known:
            refuse(400, "BadRequest", f"field label not supported: {match[1]}")
        terms.append((match[1].split("."), match[2] != "!=", match[3]))
    return lambda item: all((_text(item, path) == value) is equal for path, equal, value in terms)


def _text(item: Any, path: list[str]) -> str:
    for name in path:
        item = item.get(name) if isinstance(item, dict) else None
    if isinstance(item, bool):
        return str(item).lower()
    return "" if item is None else str(item)


def matches(selector: Json, labels: dict[str, str]) -> bool:
    """Whether a LabelSelector of a spec chooses labels; an empty one chooses nothing here."""
    wanted = selector.get("matchLabels") or {}
    terms = selector.get("matchExpressions") or []
    holds = {
        "In": lambda term: labels.get(term["key"]) in (term.get("values") or []),
        "NotIn": lambda term: labels.get(term["key"]) not in (term.get("values") or []),
        "Exists": lambda term: term["key"] in labels,
        "DoesNotExist": lambda term: term["key"] not in labels,
    }
    return (
        bool(wanted or terms)
        and all(labels.get(key) == value for key, value in wanted.items())
        and all(term.get("operator") in holds and "key" in term and holds[term["operator"]](term) for term in terms)
    )
