"""Switches that pass a gate: each use that no override covers is told once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from tasks.override_audit.facts import Decision, Use, Way
from tasks.override_audit.finding import Finding, finding

CODE: dict[Way, str] = {
    "job": "switch-on-job",
    "run": "switch-in-run",
    "argument": "switch-in-argument",
    "variables": "switch-in-variables",
    "definition": "switch-in-definition",
    "schedule": "switch-in-schedule",
}
SETTLED: dict[Way, str] = {"schedule": "schedulers", "run": "", "argument": ""}
"""What shows that a switch is gone, if not its own place. Runs expire: that one is not found any more proves nothing."""


def judge_uses(uses: Sequence[Use], decisions: Sequence[Decision], now: datetime) -> Iterator[Finding]:
    """A use is covered only in one run, for the scene of an override that names the switch and held when the run began."""
    for one in uses:
        if one.at is None or not any(covers(decision, one, one.at) for decision in decisions):
            of = f" for {one.scene}" if one.scene else ""
            gate = one.gates[0] if len(one.gates) == 1 else ""
            place, detail = one.where.partition(", revision ")[0], f"{one.switch}={one.value}"
            sentence = f"{one.where} has {detail}{of}: {one.meaning}."
            known = {
                "scene": one.scene,
                "gate": gate,
                "detail": detail,
                "settled_by": SETTLED.get(one.way, "{}").format(place),
            }
            yield finding(CODE[one.way], now, place, sentence, one.at, **known)


def covers(decision: Decision, use: Use, at: datetime) -> bool:
    """Whether a decision allows that use of a switch."""
    same = decision.switch.strip().upper() == use.switch and decision.scene == use.scene != ""
    return same and decision.at is not None and decision.holds(at)
