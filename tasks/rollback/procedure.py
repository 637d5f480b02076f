"""Rollback of one thing: found what last worked, deployed over what was seen, proved, and undone by the same means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import JsonValue

from blocks.environment import PipelineEnvironment
from tasks.actions.definitions import deploy_definition, keep_body
from tasks.actions.gke_jobs import recreate_gke_job
from tasks.actions.job_runs import run_job
from tasks.actions.rollouts import roll_deployment
from tasks.pipeline.activity import phrases_on
from tasks.remediation.context import Context
from tasks.remediation.guard import Scope
from tasks.remediation.journal import Journal
from tasks.remediation.kind import Doing, kind_of
from tasks.remediation.plan import Action, Plan
from tasks.remediation.procedure import Procedure, Verdict
from tasks.remediation.report import Section
from tasks.remediation.run import Run
from tasks.rollback.cluster import look_at_deployment, look_at_gke_job
from tasks.rollback.facts import STEP, Facts
from tasks.rollback.jobs import look_at_job
from tasks.rollback.ready import ProveReady, not_ready, prove_ready
from tasks.rollback.report import details_of, sections
from tasks.rollback.request import RollbackRequest, request_of, subject_of
from tasks.rollback.terraform import look_at_terraform
from tasks.rollback.workflows import look_at_workflow


class Rollback(Procedure[RollbackRequest, Facts]):
    """Handbook: 'Rolling back: follow rollback.md to revert jobs or workflows'."""

    name = "rollback"
    kinds = (deploy_definition, roll_deployment, recreate_gke_job, prove_ready, run_job)

    def subjects(self, context: Context, request: RollbackRequest) -> tuple[str, ...]:
        """The thing itself."""
        return (subject_of(request),)

    def observe(self, run: Run, request: RollbackRequest) -> Facts:
        """What is live, what was before, and what ran of each."""
        return look(run.context.environment, request)

    def plan(self, run: Run, facts: Facts, request: RollbackRequest) -> Plan:
        """Deploy, prove that it is ready, and try it where that can be done."""
        what = f"{request.kind} {request.name}"
        run.notes += facts.notes
        plan = Plan(procedure=self.name, subject=what, risk="high", details=details_of(facts))
        if facts.escalations:
            return plan.model_copy(update={"escalations": facts.escalations})
        if facts.change is None or facts.target is None:
            works = (
                f", which works (its last success: {facts.present.last_success:%Y-%m-%d %H:%M} UTC)"
                if facts.present.works
                else ""
            )
            run.summary = f"{what} is at {facts.present.shown}{works}; name another version with --to to leave it"
            return plan
        run.summary = f"{what} to {facts.target.shown}"
        actions = [facts.change.action, proof(request)]
        if facts.canary.action is not None:
            actions.append(facts.canary.action)
        return plan.model_copy(update={"actions": tuple(actions)})

    def scope(self, run: Run, facts: Facts) -> Scope:
        """One thing is replaced, whatever there is beside it."""
        return Scope(total_objects=None)

    def guard(self, run: Run, facts: Facts | None, plan: Plan, request: RollbackRequest) -> Iterable[str]:
        """A canary beside somebody else's work on its scene would prove nothing."""
        scene = facts.canary.scene_id if facts is not None else ""
        for phrase in phrases_on(run.context, scene) if scene else ():
            yield f"{phrase} is at work on the test scene {scene}: wait until it ends, or roll back without a canary."

    def stage(self, run: Run, facts: Facts, plan: Plan) -> Mapping[str, JsonValue]:
        """Keeps what is deployed now, and what shall be."""
        assert facts.change is not None
        for one in facts.change.kept:
            keep_body(run.context.environment, one.kind, one.name, one.body)
        return {}

    def verify(self, run: Run, facts: Facts | None) -> Verdict:
        """Ask the service again: what was deployed is live, and ready."""
        plan, environment = run.journal.plan(), run.context.environment
        details = plan.details
        run.summary = f"{plan.subject} is at {details.get('target')} again, was at {details.get('former')}"
        wrong = [why for action in plan.actions if (why := self.wrong(run, environment, action))]
        return (
            Verdict("failed", (*wrong, f"Look at it, or: remediate undo {run.subject} {run.id}"))
            if wrong
            else Verdict()
        )

    def wrong(self, run: Run, environment: PipelineEnvironment, action: Action) -> str:
        """Why one action has not the effect that it should have; empty: it has, or there is nothing to ask."""
        kind = kind_of(self.kinds, action)
        if action.step == STEP and kind.look(Doing(run, action), kind.read(action)) is None:
            return f"The {action.target} is not what this run has deployed: somebody has changed it since."
        if kind is prove_ready:
            asked = prove_ready.read(action)
            return not_ready(environment, asked.kind, asked.name)
        return ""

    def may_abandon(self, run: Run, journal: Journal) -> bool:
        """It holds nothing, and what it had deployed is seen by the new plan."""
        return True

    def again(self, subject: str, asked: Mapping[str, JsonValue], reason: str) -> RollbackRequest:
        """The same rollback."""
        return request_of(asked, reason)

    def sections(self, run: Run) -> Iterable[Section]:
        """Versions, how sure, and the difference."""
        return sections(run)


def look(environment: PipelineEnvironment, request: RollbackRequest) -> Facts:
    """What there is to know of a thing of that kind. Raises `Refused` when there is no such thing."""
    match request.kind:
        case "job":
            return look_at_job(environment, request)
        case "workflow":
            return look_at_workflow(environment, request)
        case "deployment":
            return look_at_deployment(environment, request)
        case "gke-job":
            return look_at_gke_job(environment, request)
        case "terraform":
            return look_at_terraform(request)


def proof(request: RollbackRequest) -> Action:
    """The question to the service whether it has taken up what was deployed."""
    return prove_ready.action(
        ProveReady(kind=request.kind, name=request.name),
        step="2 prove ready",
        target=f"{request.kind} {request.name}: ready?",
        precondition="",
        undo="",
        why="what is deployed need not be taken up by its service",
    )
