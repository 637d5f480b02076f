"""The retrospective of each gate: is its override to become a rule, to be harder to get, or to be stopped?

The handbook ends each audit with it ("codify the override or tighten the gate").
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from tasks.override_audit.facts import Decision, Facts
from tasks.override_audit.finding import Finding

Verdict = Literal["codify", "tighten", "stop", "too few to tell"]
ENOUGH = 3
"""Overrides from which on a gate has a habit."""
SYSTEMATIC = 0.5
"""Share of the scenes on which a gate fails from which on the gate is asked about itself, not the scenes."""
SILENT = ("gate-passed-silently", "report-contradicts")
GRAVE = ("self-approved", "hash-forged", "record-edited", "log-edited", "not-allowed")
AFTERWARDS = ("regressed-downstream", "went-on-after-revoke")


@dataclass(frozen=True, slots=True)
class Review:
    """One gate with its figures."""

    gate: str
    verdict: Verdict
    why: str
    overrides: int
    scenes: int
    silent: int
    regressed: int
    faulty: int
    """Overrides with any finding."""
    failing: int
    """Scenes on which it fails now."""
    judged: int
    """Scenes on which it was asked."""
    categories: str


def reviews(facts: Facts, decisions: Sequence[Decision], findings: Iterable[Finding]) -> list[Review]:
    """Every gate that was overridden or passed, the ones to stop first."""
    listed = [one for one in findings if one.gate]
    granted = [one for one in decisions if one.granted]
    gates = {one.gate for one in granted} | {one.gate for one in listed if one.code in SILENT}
    made = [
        _review(gate, facts, [one for one in granted if one.gate == gate], [one for one in listed if one.gate == gate])
        for gate in gates
    ]
    order: list[Verdict] = ["stop", "tighten", "codify", "too few to tell"]
    return sorted(made, key=lambda one: (order.index(one.verdict), -one.overrides - one.silent, one.gate))


def _review(gate: str, facts: Facts, granted: list[Decision], listed: list[Finding]) -> Review:
    silent = len([one for one in listed if one.code in SILENT])
    regressed = len({one.override for one in listed if one.code in AFTERWARDS})
    faulty = len({one.override for one in listed if one.override})
    failing, judged = facts.failed_on.get(gate, 0), facts.judged_on.get(gate, 0)
    grave = sum(one.code in GRAVE for one in listed)
    verdict, why = _verdict(len(granted), silent, regressed, faulty, grave)
    if judged >= ENOUGH and failing / judged >= SYSTEMATIC:
        why += f"; it fails on {failing} of {judged} scenes, so look at the gate before the scenes"
    counts = Counter(one.category for one in granted if one.category)
    return Review(
        gate=gate,
        verdict=verdict,
        why=why,
        overrides=len(granted),
        scenes=len({one.scene for one in granted} | {one.scene for one in listed}),
        silent=silent,
        regressed=regressed,
        faulty=faulty,
        failing=failing,
        judged=judged,
        categories=", ".join(f"{name} {count}" for name, count in counts.most_common(3)),
    )


def _verdict(overrides: int, silent: int, regressed: int, faulty: int, grave: int) -> tuple[Verdict, str]:
    if silent or grave:
        return "stop", "it is passed without a record, or by records that cannot be believed"
    if regressed and regressed * 3 >= overrides:
        return "stop", "scenes that were let past it failed later: it was right"
    if faulty:
        return "tighten", "records lack facts, or hold longer than they should: ask for them before it is granted"
    if overrides >= ENOUGH:
        return (
            "codify",
            "it is overridden again and again with good records and nothing failed later: change its threshold",
        )
    return "too few to tell", f"{overrides} of at least {ENOUGH}"
