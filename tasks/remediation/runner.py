"""The one lifecycle of every procedure.

    leases -> an interrupted run? -> observe -> plan -> guard -> digest -> approval -> begin -> steps -> verify -> end

What becomes of an interrupted run, `continuing` says. Whatever happens comes to one word and its sentences (`outcome`).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from prefect import task
from pydantic import JsonValue

from blocks.errors import OutsideError, PermanentError
from blocks.object_protection import ops_bucket_problems
from tasks.remediation import approval
from tasks.remediation.approval_link import link_for
from tasks.remediation.caller import Caller, inline
from tasks.remediation.context import Context, new_run_id
from tasks.remediation.continuing import approved, gives_way, identity_of, interrupted, may_continue
from tasks.remediation.guard import refusals
from tasks.remediation.journal import Journal
from tasks.remediation.kind import check_plan, kind_of
from tasks.remediation.outcome import Refused, StillRunning, outcome_of
from tasks.remediation.plan import Plan, Step
from tasks.remediation.procedure import Procedure, Request
from tasks.remediation.report import plan_markdown
from tasks.remediation.run import Run
from tasks.remediation.steps import carry_out_step
from tasks.remediation.task_settings import STEP_SETTINGS

R = TypeVar("R", bound=Request)
F = TypeVar("F")


def run(
    procedure: Procedure[R, F],
    context: Context,
    request: R,
    call: Caller = inline,
    report: Callable[[Any], None] = lambda _: None,
) -> Run:
    """Carry out a procedure, or show what that would do. Never raises for what can go wrong.

    Args:
        procedure: What to do.
        context: Environment, actor, and how to speak.
        request: Mode and options.
        call: How to call a step.
        report: Told now and then how far a long step is.

    Returns:
        The run with its outcome, reasons and plan.
    """
    one = Run(context, procedure.name, additive=procedure.additive)
    one.report, one.subject = report, procedure.name
    try:
        subjects = procedure.subjects(context, request)
        one.subject = subjects[0]
        with TemporaryDirectory(prefix="remediation-") as folder, ExitStack() as leases:
            one.folder = Path(folder)
            if request.mode == "plan":
                decide(procedure, one, request, call)
            else:
                if unfit := ops_bucket_problems(context.environment):
                    raise Refused(" ".join(unfit))
                id_ = new_run_id()
                one.leases = [leases.enter_context(context.holding(subject, id_)) for subject in subjects]
                apply(procedure, one, request, call)
    except Exception as error:
        outcome, sentence = outcome_of(error)
        one.end(outcome, sentence, *procedure.in_force(one))
    return one


def run_approved(
    procedure: Procedure[R, F],
    context: Context,
    request: R,
    call: Caller = inline,
    report: Callable[[Any], None] = lambda _: None,
    publish: Callable[[Run], None] = lambda _: None,
) -> Run:
    """As `run`, but stop for a person's approval where the policy wants one, after `publish` has shown the plan."""
    one = run(procedure, context, request, call, report)
    if one.outcome != "needs_approval" or one.plan is None:
        return one
    publish(one)
    policy, on_call = context.policy(), context.environment.on_call
    link = link_for(on_call, policy, context.flow_run_id, one.plan.digest, datetime.now(UTC))
    answer = approval.ask(one.plan, policy, context.actor, plan_markdown(one.plan), link)
    return run(procedure, context, replace(request, approval=answer), call, report)


def decide(procedure: Procedure[R, F], one: Run, request: R, call: Caller) -> bool:
    """Observe, plan and guard. Whether to go on; if not, the run says why."""
    words = procedure.observe_task.replace("_", " ")
    look = observe.with_options(name=procedure.observe_task, task_run_name=f"{one.subject}: {words}")
    with one.timed("observe"):
        facts: F = call(look, procedure, one, request, one.subject)
    one.facts = facts
    plan = one.plan = procedure.plan(one, facts, request)
    if plan.escalations:
        one.end("escalated", *plan.escalations)
    elif not plan.actions:
        one.end("failed" if plan.lost else "nothing_to_do", *lost(plan))
    elif reasons := [*guarded(procedure, one, facts, plan), *procedure.guard(one, facts, plan, request)]:
        one.end("refused", *reasons)
    elif request.plan_digest and request.plan_digest != plan.digest:
        one.end(
            "refused", f"The plan is now {plan.digest}, not {request.plan_digest}: something has changed. Review it."
        )
    elif request.mode == "apply" and not approved(one, plan, request):
        return False
    else:
        check_plan(procedure.kinds, plan)
        one.end("planned")
        return True
    return False


@task(name="observe", task_run_name="{subject}: observe", **STEP_SETTINGS)
def observe(procedure: Procedure[Any, Any], one: Run, request: Any, subject: str) -> Any:
    """Everything the plan depends on. Changes nothing."""
    return procedure.observe(one, request)


def guarded(procedure: Procedure[R, F], one: Run, facts: F, plan: Plan) -> list[str]:
    """The kernel's own reasons not to go."""
    return [] if procedure.additive else refusals(plan, one.context.policy(), procedure.scope(one, facts))


def apply(procedure: Procedure[R, F], one: Run, request: R, call: Caller) -> None:
    """Under the leases: continue what was interrupted, or begin; then every step, the final look, and the end."""
    journal = interrupted(procedure, one)
    if journal is not None and gives_way(procedure, one, request, journal):
        journal = None
    if journal is not None:
        if not may_continue(procedure, one, request, journal):
            return
        one.context.say(f"{one.subject}: continuing run {journal.run}, which was interrupted")
    else:
        if not decide(procedure, one, request, call):
            return
        journal = begin(procedure, one, request)
    one.journal = journal
    finish(procedure, one, call)


def begin(procedure: Procedure[R, F], one: Run, request: R) -> Journal:
    """Put in place what the run needs, and open its journal with the whole plan."""
    assert one.plan is not None
    one.confirm()
    one.id = one.leases[0].holder.run
    staged = procedure.stage(one, one.facts, one.plan)
    environment, answer = one.context.environment, request.approval
    journal = Journal(environment.storage, environment.ops_bucket, one.subject, one.id, one.context.actor)
    said: dict[str, JsonValue] = {
        "plan": one.plan.model_dump(mode="json"),
        "digest": one.plan.digest,
        "subjects": [lease.subject for lease in one.leases],
        "asked": request.asked(),
        "reason": request.reason,
        "case": request.case,
        "flow_run": one.context.flow_run_id,
        "approved_by": answer.approver if answer else "",
        "approver_is": identity_of(one, answer) if answer else "",
        "approved_digest": one.plan.digest if answer else "",
    }
    journal.announce(procedure.name)
    journal.append("begin", {**said, **staged})
    return journal


def finish(procedure: Procedure[R, F], one: Run, call: Caller) -> None:
    """Every step, the final look, and the end. After a final error only what gives back is done."""
    try:
        for step in one.journal.plan().steps():
            do_step(procedure, one, step, call)
        with one.timed("prove"):
            verdict = procedure.verify(one, one.facts)
        one.end(verdict.outcome, *verdict.reasons)
    except StillRunning:
        raise  # the run has not ended either: whoever continues it waits for the same thing
    except PermanentError as error:
        one.end(procedure.failed(one), str(error))
        give_back(procedure, one, call)
        if not procedure.additive:
            one.reasons.append(f"Undo with: remediate undo {one.subject} {one.id}")
        one.reasons += procedure.in_force(one)
    one.journal.end(one.outcome, one.reasons)


def do_step(procedure: Procedure[R, F], one: Run, step: Step, call: Caller) -> None:
    """One step, as a task of the name that its first kind gives."""
    one.context.say(f"{one.subject}: {step.name}")
    named = carry_out_step.with_options(name=kind_of(procedure.kinds, step.actions[0]).task)
    with one.timed(step.name):
        done: dict[str, str] = call(named, one, step, procedure.kinds, one.subject, step.name)
        one.done |= done


def give_back(procedure: Procedure[R, F], one: Run, call: Caller) -> None:
    """Carry out what is done always. What cannot be given back is said, and a watch goes on saying it."""
    for step in one.journal.plan().steps():
        pending = tuple(a for a in step.actions if a.always and a.key not in one.journal.outcomes())
        if pending:
            try:
                do_step(procedure, one, step.model_copy(update={"actions": pending}), call)
            except OutsideError as error:
                one.reasons.append(f"{step.name} could not be done: {error}")


def lost(plan: Plan) -> list[str]:
    """Says what nobody can bring back."""
    return [f"{plan.lost:,} objects cannot be brought back: no good copy is left."] if plan.lost else []
