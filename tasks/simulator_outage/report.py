"""What a person sees: each service with its word and what says so, and the switches of jobs that replace the simulation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tasks.remediation.report import Section, listed
from tasks.remediation.table import Cell
from tasks.simulator_outage.facts import ServiceState, SwitchFinding


def summary(states: Sequence[ServiceState]) -> str:
    """One phrase."""
    seen = [one for one in states if one.looked]
    ill = [f"{one.name} {one.word.replace('_', ' ')}" for one in seen if one.word != "serving"]
    if ill:
        return listed(ill)
    return f"serving: {listed([one.name for one in seen])}"


def sections(
    states: Sequence[ServiceState], switches: Sequence[SwitchFinding], unseen: Sequence[str]
) -> Iterator[Section]:
    """The state of the services."""
    yield Section("Services", rows=tuple(service_rows(states)))
    if switches:
        yield Section("Switches that replace the simulation, or leave it unchecked", rows=tuple(switch_rows(switches)))
    if unseen:
        yield Section("What could not be looked at", "\n".join(f"- {one}" for one in unseen))


def service_rows(states: Sequence[ServiceState]) -> Iterator[dict[str, Cell]]:
    """One row a service."""
    for one in states:
        yield {
            "service": one.name,
            "it is": one.word.replace("_", " ") if one.looked else "not looked at",
            "where": one.address or "?",
            "what says so": " ".join((*one.evidence, *one.against, *one.warnings)),
        }


def switch_rows(switches: Sequence[SwitchFinding]) -> Iterator[dict[str, Cell]]:
    """One row a switch."""
    for one in switches:
        yield {
            "where": f"{one.kind} {one.job}",
            "variable": one.variable,
            "value": one.value or "not set",
            "in production": "yes" if one.production else "not said",
        }


def as_data(states: Sequence[ServiceState], switches: Sequence[SwitchFinding], unseen: Sequence[str]) -> dict[str, Any]:
    """The same for programs. Fields stay."""
    return {
        "services": [
            {
                "name": one.name, "address": one.address, "state": one.word, "looked": one.looked,
                "evidence": list(one.evidence), "blocking_signals": list(one.against),
                "warning_signals": list(one.warnings),
            }
            for one in states
        ],
        "switches": [
            {
                "kind": one.kind, "job": one.job, "variable": one.variable, "value": one.value,
                "production": one.production,
            }
            for one in switches
        ],
        "unseen": list(unseen),
    }  # fmt: skip


def text(states: Sequence[ServiceState], switches: Sequence[SwitchFinding], unseen: Sequence[str]) -> str:
    """The same for a terminal."""
    lines: list[str] = []
    for one in states:
        word = one.word.replace("_", " ") if one.looked else "not looked at"
        lines += [f"{one.name}: {word}", *(f"  {said}" for said in (*one.evidence, *one.against, *one.warnings))]
    lines += [one.sentence for one in switches]
    lines += [f"Could not look: {one}" for one in unseen]
    return "\n".join(lines)
