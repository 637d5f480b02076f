"""What the kernel's tests share: an action of a run that has begun, carried out without the runner."""

from __future__ import annotations

import itertools
from typing import Any

from tasks.remediation.context import Context
from tasks.remediation.journal import Journal
from tasks.remediation.kind import Doing, Kind, Params
from tasks.remediation.lease import Lease
from tasks.remediation.plan import Action, Plan
from tasks.remediation.run import Run

DATA, OPS, BACKUP = "sandbox-scenes", "sandbox-ops", "sandbox-backup"
COUNT = itertools.count(1)


def begun(context: Context, action: Action, subject: str = "a", leases: tuple[Lease, ...] = ()) -> Doing:
    """An action as its run would carry it out: the run's journal has begun."""
    run = Run(context, "p")
    journal = Journal(context.environment.storage, OPS, subject, f"20990101t000000z-{next(COUNT)}", "tester")
    journal.append("begin", {"plan": Plan(procedure="p", subject=subject, actions=(action,)).model_dump(mode="json")})
    run.journal, run.subject, run.leases = journal, subject, list(leases)
    return Doing(run, action)


def doing(context: Context, kind: Kind[Any], params: Params, subject: str = "a", **fields: Any) -> Doing:
    """An action of that kind and a run for it."""
    told = {"step": "s", "target": "x", "precondition": "", "undo": "", "why": "", **fields}
    return begun(context, kind.action(params, **told), subject)


def apply(kind: Kind[Any], acting: Doing) -> str:
    """Carry it out."""
    return kind.apply(acting, kind.read(acting.action))


def look(kind: Kind[Any], acting: Doing) -> str | None:
    """Ask whether it took effect already."""
    return kind.look(acting, kind.read(acting.action))


def inverse(kind: Kind[Any], acting: Doing, result: str = "done") -> Action | None:
    """What takes it back."""
    return kind.inverse(acting, kind.read(acting.action), result)
