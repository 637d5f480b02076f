"""From signs to causes: one cause is told once, with what comes of it below it, the heaviest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tasks.diagnosis.signs import Cause, Sign
from tasks.diagnosis.symptoms import Row

MOST_EVIDENCE = 8
"""Pieces of evidence of one cause."""
MOST_CONSEQUENCES = 20
"""Consequences of one cause that are told; the rest are counted."""


@dataclass(slots=True)
class _Root:
    """A sign that nothing heavier explains, and the signs that it explains."""

    sign: Sign
    below: list[Sign] = field(default_factory=list)


def causes(rows: Sequence[Row], signs: Iterable[Sign]) -> list[Cause]:
    """The causes of what was seen.

    A sign is a consequence of another one when its probe says so, or when the other one's row explains its row and both
    concern the same thing (`by`). Only heavier rows explain lighter ones, so nothing explains itself.
    """
    table = {row.id: row for row in rows}
    ordered = sorted(merged(signs), key=lambda sign: -table[sign.row].symptom.weight)
    roots: dict[str, _Root] = {}
    owner: dict[str, str] = {}
    for sign in ordered:
        root = next((one for one in roots.values() if explains(table[one.sign.row], one.sign, sign)), None)
        if root is None:
            roots[sign.key] = _Root(sign)
            owner[sign.key] = sign.key
        else:
            root.below.append(sign)
            owner[sign.key] = root.sign.key
    for root in [one for one in roots.values() if one.sign.because in owner]:
        _put_below(roots, owner, root)
    made = [cause_of(table[one.sign.row], one) for one in roots.values()]
    return sorted(made, key=lambda one: (-one.weight, -len(one.consequences), one.subject))


def _put_below(roots: dict[str, _Root], owner: dict[str, str], root: _Root) -> None:
    """Its probe knows better: it and what it explains come of another sign."""
    target = owner[root.sign.because]
    while target != owner[target]:
        target = owner[target]
    if target == root.sign.key:
        return
    roots[target].below += [root.sign, *root.below]
    owner[root.sign.key] = target
    del roots[root.sign.key]


def explains(row: Row, root: Sign, sign: Sign) -> bool:
    """Whether a sign comes of another one."""
    if sign.row not in row.symptom.explains:
        return False
    kinds = tuple(f"{kind}:" for kind in row.symptom.by)
    return any(tag.startswith(kinds) for tag in root.tags & sign.tags)


def merged(signs: Iterable[Sign]) -> list[Sign]:
    """Signs of one row and subject as one: the first one's words, everybody's evidence and tags, the earliest time."""
    found: dict[str, Sign] = {}
    for sign in signs:
        known = found.get(sign.key)
        if known is None:
            found[sign.key] = sign
            continue
        times = [one.since for one in (known, sign) if one.since]
        found[sign.key] = replace(
            known,
            evidence=tuple(dict.fromkeys([*known.evidence, *sign.evidence])),
            tags=known.tags | sign.tags,
            since=min(times) if times else None,
        )
    return list(found.values())


def cause_of(row: Row, root: _Root) -> Cause:
    """A root with everything below it."""
    said = list(dict.fromkeys(sign.sentence for sign in root.below))
    more = [f"and {len(said) - MOST_CONSEQUENCES} more"] if len(said) > MOST_CONSEQUENCES else []
    times = [sign.since for sign in (root.sign, *root.below) if sign.since]
    return Cause(
        row=row.id,
        subject=root.sign.subject,
        sentence=root.sign.sentence,
        evidence=root.sign.evidence[:MOST_EVIDENCE],
        remedy=filled(row.symptom.remedy, root.sign.values),
        since=root.sign.since or (min(times) if times else None),
        consequences=tuple(said[:MOST_CONSEQUENCES] + more),
        weight=row.symptom.weight,
        area=row.symptom.area,
        symptom=row.symptom.symptom,
    )


def filled(template: str, values: Mapping[str, str]) -> str:
    """A remedy with its parameters. What a value holds is put in as it is, braces and all."""
    return " ".join(template.format_map(values).split())
