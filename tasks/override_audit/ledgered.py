"""The overrides that are recorded here (`tasks.pipeline.override_ledger`), in the words of the audit."""

from __future__ import annotations

from tasks.override_audit.facts import Decision
from tasks.pipeline.override_ledger import Recorded


def decision_of(recorded: Recorded, where: str) -> Decision:
    """A record as the audit compares it with those of the pipeline. `where`: where it is, for people."""
    asked, yes = recorded.asked, recorded.approved
    return Decision(
        id=recorded.case.id,
        scene=asked.scene,
        gate=asked.gate,
        word="pending" if yes is None else "revoked" if recorded.revoked is not None else "overridden",
        where=where,
        form="ledger",
        requester=asked.requester,
        names_requester=True,
        approver=yes.approver if yes else "",
        verified=bool(yes and yes.verified),
        category=asked.category,
        ticket=asked.ticket,
        justification=asked.justification,
        at=recorded.approved_at,
        until=asked.until,
        revoked=recorded.revoked_at,
        failing=asked.failing,
        switch=asked.switch,
        evidence=tuple(filter(None, (asked.report, asked.execution, *asked.evidence))),
    )
