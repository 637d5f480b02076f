"""Dataset export is missing or corrupt, as the parts the runner puts together. Reads top to bottom as the handbook does."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from blocks.catalogue_query import class_of
from blocks.errors import PermanentError
from tasks.actions.job_runs import run_job
from tasks.actions.markers import write_object
from tasks.actions.objects import OBJECT_KINDS, kept
from tasks.actions.workflow_runs import start_workflow
from tasks.pipeline.activity import LiveBoard
from tasks.pipeline.fault_log import record_fault, scenes_lately, scenes_with_fault
from tasks.pipeline.scene_view import scene_view
from tasks.recovery.observe import SceneFacts, observe_scene
from tasks.recovery.plan import plan_recovery
from tasks.recovery.report import sections
from tasks.recovery.request import PROCEDURE, RecoveryRequest
from tasks.recovery.verify import verify_stages
from tasks.remediation.context import Context
from tasks.remediation.guard import Scope
from tasks.remediation.journal import Journal
from tasks.remediation.outcome import Refused
from tasks.remediation.plan import Plan
from tasks.remediation.procedure import Procedure, Verdict
from tasks.remediation.report import Section
from tasks.remediation.run import Run
from tasks.validation.findings import SceneReport
from tasks.validation.scene import validate_scene

STALE = "stage-stale"
"""Validation's code for a stage that was completed before one it is made from."""
CHANGING = (STALE, "object-unreadable")
"""What a scene shows while something is just writing it."""
SETTLING_SECONDS = 900.0
"""How long at most work that triggers have started is waited for in the final look."""


class ExportRecovery(Procedure[RecoveryRequest, SceneFacts]):
    """Handbook: 'Dataset export failure'."""

    name = PROCEDURE
    kinds = (*OBJECT_KINDS, write_object, start_workflow, run_job, verify_stages)
    observe_task = "validate_manifests"

    def subjects(self, context: Context, request: RecoveryRequest) -> tuple[str, ...]:
        """The scene."""
        try:
            scene_view(context.environment, request.scene_id)
        except PermanentError as error:
            raise Refused(str(error)) from error
        if request.make and request.make not in context.environment.catalogue.stages:
            known = ", ".join(context.environment.catalogue.stages)
            raise Refused(f"{request.make!r} is no stage of the catalogue; make takes one of: {known}.")
        return (request.scene_id,)

    def observe(self, run: Run, request: RecoveryRequest) -> SceneFacts:
        """Validate the scene and look at what works on it."""
        facts = observe_scene(run.context, request.scene_id, make=request.make)
        if request.unattended:
            facts = replace(facts, lately=scenes_lately(run.context.environment, 60, but=request.scene_id))
        run.details["before"] = dict(facts.report.stages)
        run.details["errors"] = [
            f.message if f.object in f.message else f"{f.object}: {f.message}"
            for f in facts.report.findings
            if f.severity == "error"
        ]
        return facts

    def plan(self, run: Run, facts: SceneFacts, request: RecoveryRequest) -> Plan:
        """Find the earliest broken stage; clear, rerun, check."""
        environment = run.context.environment
        plan = plan_recovery(facts, environment.catalogue, environment.data_bucket, request.restore_inputs)
        if not plan.actions and not plan.escalations:
            run.details["after"] = run.details["before"]
            return plan
        storm = storming(facts, run.context.policy().unattended_per_hour)
        return plan.model_copy(update={"escalations": (*plan.escalations, *storm)})

    def scope(self, run: Run, facts: SceneFacts) -> Scope:
        """The scene's objects, and who is at work on it."""
        return Scope(total_objects=len(facts.files), at_work=(*(work.what for work in facts.live), *held(facts)))

    def guard(self, run: Run, facts: SceneFacts | None, plan: Plan, request: RecoveryRequest) -> Iterable[str]:
        """Tried too often, or broken like many others: then the cause is not in this scene."""
        if facts is None:
            yield from strangers(run)
            return
        yield from kept(run.context, plan)
        yield from too_often(run, facts, plan)
        fault = str(plan.details.get("fault", ""))
        if fault and request.mode == "apply":
            record_fault(run.context.environment, fault, facts.scene_id)
            if request.unattended:  # once more: others may have been counted since this one has looked
                lately = scenes_lately(run.context.environment, 60, but=facts.scene_id)
                yield from storming(replace(facts, lately=lately), run.context.policy().unattended_per_hour)
        if fault and not request.accept_systematic:
            yield from systematic(run, facts, fault)

    def stage(self, run: Run, facts: SceneFacts, plan: Plan) -> Mapping[str, JsonValue]:
        """Records the generations of the inputs, which nothing may change."""
        catalogue = run.context.environment.catalogue
        prefix = catalogue.scene_prefix(facts.scene_id)
        restored = {action.params["name"] for action in plan.actions if action.kind == "restore_object"}
        inputs: dict[str, JsonValue] = {
            path: file.generation
            for path, file in facts.files.items()
            if class_of(catalogue, path) == "input" and prefix + path not in restored
        }
        return {"inputs": inputs}

    def verify(self, run: Run, facts: SceneFacts | None) -> Verdict:
        """The whole scene once more: only a scene without errors is recovered."""
        report = settled(run)
        run.details["after"] = dict(report.stages)
        left = [f"{f.object}: {f.message}" for f in report.findings if f.severity == "error"]
        if left:
            why = f"The rerun is verified, but the scene still has errors: {'; '.join(left[:3])}"
            return Verdict("failed", (why,))
        if report.healthy is None:
            why = (
                f"The rerun is verified, but {report.undecided[0]} could not be read, so the scene is not proved whole."
            )
            return Verdict("failed", (why,))
        return Verdict()

    def may_abandon(self, run: Run, journal: Journal) -> bool:
        """What was asked for another stage, or cannot be carried out by this version, gives way to a plan of the scene as it is."""
        return True

    def again(self, subject: str, asked: Mapping[str, JsonValue], reason: str) -> RecoveryRequest:
        """The scene, with the stage that was to be made."""
        return RecoveryRequest(scene_id=subject, mode="apply", reason=reason, make=str(asked.get("make", "")))

    def sections(self, run: Run) -> Iterable[Section]:
        """Stages before and after, what was wrong, and what could be brought back."""
        return sections(run)


def settled(run: Run) -> SceneReport:
    """The whole scene, once triggers had the time to make again what this run has outdated.

    A deployed trigger may make a stage by itself while the run makes what that stage is made from; the next event then
    makes it again, a moment after the run's last step.
    """
    environment, began = run.context.environment, time.monotonic()

    def look() -> SceneReport:
        return validate_scene(scene_view(environment, run.subject), environment.catalogue, "full")

    report, quiet = look(), began
    while not report.healthy and any(found.code in CHANGING for found in report.findings):
        busy = LiveBoard.of(run.context).on(run.subject)
        run.check(goes_on=True)
        time.sleep(environment.policy.poll_seconds)
        report, now = look(), time.monotonic()  # after the board: what has just ended is seen
        quiet = now if busy else quiet
        if now - quiet >= environment.policy.trigger_grace_seconds or now - began > SETTLING_SECONDS:
            break
    return report


def storming(facts: SceneFacts, limit: int) -> list[str]:
    """Too many scenes broke within an hour for something that nobody watches."""
    if facts.lately is None or facts.lately < limit:
        return []
    return [
        f"Recoveries were to work on {facts.lately} other scenes within the last hour, and the policy's unattended_per_hour "
        f"is {limit}: look for what they have in common, then recover {facts.scene_id} by hand."
    ]


def held(facts: SceneFacts) -> Iterator[str]:
    """Locks whose holder lives, or of which nobody can tell."""
    for lock in facts.locks:
        if lock.alive is not False:
            yield f"the holder of {lock.path} ({lock.holder or 'it names nobody; remove the lock by hand if it is dead'})"


def strangers(run: Run) -> Iterator[str]:
    """Another remediation's work on the scene. What a trigger has started meanwhile is adopted, or refused, by the step."""
    for work in LiveBoard.of(run.context).on(run.subject):
        if work.run not in ("", run.continues):
            yield f"{work.what} is at work on {run.subject}; wait until it ends."


def too_often(run: Run, facts: SceneFacts, plan: Plan) -> Iterator[str]:
    """Stages that were restarted as often as the policy allows, without lasting success."""
    policy = run.context.policy()
    since = datetime.now(UTC) - timedelta(hours=policy.attempts_hours)
    tried = [past for past in facts.past if past.begun_at > since and past.outcome != "done" and past.started]
    for stage in texts(plan.details.get("restart")):
        times = sum(stage in texts(past.details.get("restart")) for past in tried)
        if times >= policy.attempts_per_stage:
            yield (
                f"{stage} of {plan.subject} was restarted {times} times in {policy.attempts_hours:g} h without lasting "
                "success; find the cause before trying again."
            )


def systematic(run: Run, facts: SceneFacts, fault: str) -> Iterator[str]:
    """The same fault on many scenes lately."""
    policy = run.context.policy()
    same = 1 + scenes_with_fault(run.context.environment, fault, but=facts.scene_id)
    if same >= policy.systematic_scenes:
        yield (
            f"The fault '{fault}' shows on {same} scenes within {policy.systematic_minutes:g} min: look for one common "
            "cause first, then run with accept_systematic if a rerun is right."
        )


def texts(value: JsonValue) -> list[str]:
    """A list of words in a plan's details; nothing when it is none."""
    return [str(one) for one in value] if isinstance(value, list) else []
