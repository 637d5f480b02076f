"""What a person sees: each shortage with its evidence, the pools, what it costs, and what only a person can do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tasks.gpu_capacity.classes import WORDS, Finding
from tasks.gpu_capacity.facts import GpuFacts
from tasks.remediation.report import Section, counted
from tasks.remediation.table import Cell

MOST_EVIDENCE = 6
"""Sentences of evidence that are shown for one shortage."""


def sections(facts: GpuFacts, findings: tuple[Finding, ...]) -> Iterator[Section]:
    """The state of the GPUs."""
    if findings:
        yield Section("What is short", rows=tuple(finding_rows(findings)))
    if facts.pools:
        yield Section("Node pools", rows=tuple(pool_rows(facts)))
    if facts.unseen:
        yield Section("What could not be looked at", "\n".join(f"- {one}" for one in facts.unseen))


def finding_rows(findings: tuple[Finding, ...]) -> Iterator[dict[str, Cell]]:
    """One row a shortage."""
    for one in findings:
        yield {
            "what": one.what,
            "class": one.kind.replace("_", " "),
            "waits for it": len(one.pods) or ("yes" if one.blocks else "nothing"),
            "evidence": " ".join(one.evidence[:MOST_EVIDENCE]),
            "what to do": WORDS[one.kind][1],
        }


def pool_rows(facts: GpuFacts) -> Iterator[dict[str, Cell]]:
    """One row a pool."""
    for pool in facts.pools:
        ready = sum(node.ready and node.gpus > 0 for node in pool.nodes)
        names = {node.name for node in pool.nodes}
        used = sum(pod.gpus for pod in facts.running if pod.node in names)
        yield {
            "pool": pool.name,
            "nodes": f"{len(pool.nodes)} ({ready} ready)",
            "bounds": f"{pool.info.minimum} to {pool.info.maximum}" if pool.info.autoscaling else "no autoscaling",
            "GPUs used": f"{used} of {sum(node.gpus for node in pool.nodes)}",
            "says": ", ".join(code for code, _ in pool.info.conditions) or pool.info.status,
        }


def summary(facts: GpuFacts, findings: tuple[Finding, ...]) -> str:
    """One phrase."""
    stuck = [one for one in findings if one.blocks]
    if stuck:
        return "; ".join(f"{one.what}: {one.kind.replace('_', ' ')}" for one in stuck[:3])
    pods = f"{counted(len(facts.running), 'pod')} with GPUs, {len(facts.waiting)} waiting"
    if facts.unseen:
        return f"no shortage seen, but not everything could be looked at ({pods})"
    return f"GPUs are not short ({pods})"


def as_data(facts: GpuFacts, findings: tuple[Finding, ...], steps: Sequence[str]) -> dict[str, Any]:
    """The same for programs. Fields stay."""
    return {
        "at": facts.at.isoformat(),
        "shortages": [
            {
                "class": one.kind, "what": one.what, "blocks": one.blocks, "pods": list(one.pods),
                "evidence": list(one.evidence), "what_to_do": WORDS[one.kind][1],
            }
            for one in findings
        ],
        "pools": [
            {
                "name": pool.name, "nodes": len(pool.nodes), "minimum": pool.info.minimum, "maximum": pool.info.maximum,
                "accelerator": pool.info.accelerator, "zones": list(pool.info.zones),
            }
            for pool in facts.pools
        ],
        "waiting": [pod.name for pod in facts.waiting],
        "steps": list(steps),
        "unseen": list(facts.unseen),
    }  # fmt: skip


def text(facts: GpuFacts, findings: tuple[Finding, ...], steps: Sequence[str]) -> str:
    """The same for a terminal."""
    said = summary(facts, findings)
    lines = [f"{said[:1].upper()}{said[1:]}."]
    for one in findings:
        lines += [f"{one.what}: {one.kind.replace('_', ' ')}", *(f"  {line}" for line in one.evidence[:MOST_EVIDENCE])]
    lines += [f"{pool.name}: {pool.size}" for pool in facts.pools]
    lines += [f"Could not look: {line}" for line in facts.unseen]
    lines += [f"What to do: {line}" for line in steps]
    return "\n".join(lines)
