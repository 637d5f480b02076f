"""What becomes of an interrupted run: carried on under the same guard, refused, or ended, as its procedure says.

What was allowed when a run began need not be allowed when it is continued, so everything is asked again.
"""

from __future__ import annotations

from typing import Literal, TypeVar

from tasks.remediation.approval import Approval, needs_person, objection
from tasks.remediation.guard import Scope, over_caps, stopped
from tasks.remediation.journal import Journal, read_journal
from tasks.remediation.kind import check_plan
from tasks.remediation.ledger import LedgerDamaged
from tasks.remediation.outcome import CONTINUES, Refused
from tasks.remediation.plan import Plan
from tasks.remediation.procedure import Procedure, Request
from tasks.remediation.run import Run
from tasks.remediation.runs import UNFINISHED, past_runs

LOOKED_BACK_HOURS = 24.0 * 7
"""How far back an interrupted run is looked for."""
UNDO = "undo"
"""The procedure that takes others back (`tasks.remediation.undo`)."""
UNDOES = "undoes"
"""Where the details of an undo's plan name the run it takes back, whatever the undo itself is called."""

R = TypeVar("R", bound=Request)
F = TypeVar("F")


def interrupted(procedure: Procedure[R, F], one: Run) -> Journal | None:
    """This procedure's latest run on the subject, if it has no end and nobody has begun to undo anything since."""
    environment = one.context.environment
    past = past_runs(environment.storage, environment.ops_bucket, one.subject, LOOKED_BACK_HOURS)
    last = next(
        (run for run in reversed(past) if run.procedure in (procedure.name, UNDO) or UNDOES in run.details), None
    )
    if last is None or (last.procedure, last.outcome) != (procedure.name, UNFINISHED):
        return None
    return read_journal(environment.storage, environment.ops_bucket, one.subject, last.run, one.context.actor)


def gives_way(procedure: Procedure[R, F], one: Run, request: R, journal: Journal) -> bool:
    """Whether an interrupted run was ended, because a new plan is to be made instead of carrying it on."""
    if procedure.unfinished == "replan":
        why = "interrupted; a new plan was made"
    elif not same_request(request, journal) and procedure.may_abandon(one, journal):
        why = f"given up: {one.context.actor} asked for something else"
    elif not readable(procedure, journal) and procedure.may_abandon(one, journal):
        why = "given up: this version cannot carry out its plan; a new plan was made"
    else:
        return False
    end_for(one, journal, why)
    return True


def end_for(one: Run, journal: Journal, why: str) -> None:
    """End a run that nobody shall carry on: it was undone, or given up, by the run `one`, which holds its subject's lease.

    A run that has its end keeps it. Raises `LeaseLost`.
    """
    if not journal.ended:
        one.confirm(goes_on=True)
        journal.end("stopped", [why], by=one.id or one.leases[0].holder.run)


def same_request(request: Request, journal: Journal) -> bool:
    """Whether the interrupted run was asked for the same; earlier versions did not record it."""
    return journal.begin.data.get("asked", request.asked()) == request.asked()


def readable(procedure: Procedure[R, F], journal: Journal) -> bool:
    """Whether this version can carry out the journal's plan."""
    try:
        check_journal(procedure, journal)
    except (Refused, LedgerDamaged):
        return False
    return True


def check_journal(procedure: Procedure[R, F], journal: Journal) -> Plan:
    """The journal's plan, if this version can carry it out and it is the one that was begun.

    Raises `Refused` for kinds or parameters that this version does not know, and for a plan that is not the one whose
    digest was recorded with it; `LedgerDamaged`.
    """
    plan = journal.plan()
    check_plan(procedure.kinds, plan)
    recorded = journal.begin.data.get("digest", plan.digest)
    if recorded != plan.digest:
        raise Refused(
            f"Run {journal.run} was begun with plan {recorded}, and its journal now holds {plan.digest}: another version "
            "wrote it, or somebody has edited it. Look at it; undo that run, or continue it with the version that began it."
        )
    return plan


def may_continue(procedure: Procedure[R, F], one: Run, request: R, journal: Journal) -> bool:
    """Ask again all that a new run is asked: what was allowed yesterday need not be so today."""
    one.plan, one.continues = journal.plan(), journal.run
    plan = check_journal(procedure, journal)
    rest, finish_first = plan.without(set(journal.outcomes())), "must be finished or undone before"
    if not same_request(request, journal):
        one.end(
            "refused",
            f"Run {journal.run} on {one.subject} was interrupted and {finish_first} anything else is done; run it again "
            "with the options it had, or undo it.",
            *procedure.in_force(one),
        )
    elif request.plan_digest and request.plan_digest != plan.digest:
        one.end(
            "refused",
            f"Run {journal.run} was interrupted and its plan {plan.digest} {finish_first} plan {request.plan_digest} can "
            "be applied; run this without a digest to continue it.",
            *procedure.in_force(one),
        )
    elif reasons := still_guarded(procedure, one, rest, request):
        left = [f"Run {journal.run} stays interrupted. {CONTINUES}", *procedure.in_force(one)]
        one.end("refused", *reasons, *left)
    elif approved(one, plan, request, str(journal.begin.data.get("approved_digest") or "")):
        return True
    return False


def still_guarded(procedure: Procedure[R, F], one: Run, rest: Plan, request: R) -> list[str]:
    """Why the rest of an interrupted plan may not be carried out now. What only gives back is always carried out."""
    changing = [action for action in rest.actions if action.effect != "read" and not action.always]
    policy, own = one.context.policy(), list(procedure.guard(one, None, rest, request)) if changing else []
    if procedure.additive or not changing:
        return own
    return [*stopped(policy), *over_caps(rest, policy, Scope(total_objects=None)), *own]


def approved(one: Run, plan: Plan, request: Request, earlier: str = "") -> bool:
    """Whether the plan may be carried out; if not, the run says why.

    `earlier`: the digest that a person has approved when the run began, for a run that is continued.
    """
    if request.approval is not None:
        unproved = one.context.policy().verified_approvers and identity_of(one, request.approval) != "verified"
        if why := objection(request.approval, plan, one.context.actor, unproved=unproved):
            one.end("refused", why)
            return False
    if request.approval is not None or earlier == plan.digest or not needs_person(plan, one.context.policy()):
        return True
    one.end("needs_approval", f"Plan {plan.digest} has risk {plan.risk}: the policy wants a person's approval for it.")
    return False


def identity_of(one: Run, approval: Approval) -> Literal["verified", "claimed"]:
    """Whether the receiver has seen who approves, or the name is only what somebody typed."""
    secret = one.context.environment.on_call.link_secret.get_secret_value().encode()
    return "verified" if approval.proved(secret, one.context.flow_run_id) else "claimed"
