"""Simulator outage: restart once what is out, by what really runs it, and prove that it serves again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import JsonValue

from blocks.catalogue_query import is_trial
from blocks.catalogue_services import Service
from tasks.actions.definitions import keep_body
from tasks.actions.new_gke_job import create_gke_job
from tasks.actions.rollouts import roll_deployment
from tasks.actions.work import set_work
from tasks.remediation.context import Context
from tasks.remediation.guard import Scope
from tasks.remediation.outcome import Refused
from tasks.remediation.plan import Action, Plan
from tasks.remediation.procedure import Procedure, Verdict
from tasks.remediation.report import Section, listed
from tasks.remediation.run import Run
from tasks.simulator_outage.observe import OutageFacts, observe
from tasks.simulator_outage.one import state_now
from tasks.simulator_outage.proofs import OfService, confirm_outage, prove_serving, proved
from tasks.simulator_outage.report import service_rows
from tasks.simulator_outage.request import (
    FAILED,
    GENIE_SIM,
    RECOVER,
    SERVICE,
    SIMULATOR_OUTAGE,
    SMOKE,
    SUBJECT,
    TRIAL,
    OutageRequest,
)
from tasks.simulator_outage.restart import Restart, restart_of


class SimulatorOutage(Procedure[OutageRequest, OutageFacts]):
    """Handbook: 'Isaac Sim or Genie Sim outage'. It ends no running Job, and restarts nothing that somebody restarts."""

    name = SIMULATOR_OUTAGE
    kinds = (confirm_outage, roll_deployment, create_gke_job, set_work, prove_serving)
    unfinished = "replan"  # a plan of then would restart what serves by now

    def subjects(self, context: Context, request: OutageRequest) -> tuple[str, ...]:
        """One at a time. Raises `Refused` without a reason, or for a service that the catalogue does not have."""
        services = context.environment.catalogue.services
        if request.service not in services:
            raise Refused(f"The catalogue has no service {request.service!r}; it has {listed(list(services), 8)}.")
        if request.trial and not is_trial(context.environment.catalogue, request.trial):
            ids = ", ".join(context.environment.catalogue.test_scene_ids) or "none"
            raise Refused(
                f"{request.trial} is no trial's id, and nothing is tried on a real scene: name one that fits the catalogue's "
                f"test_scene_ids ({ids}), or none."
            )
        if request.mode == "apply" and not request.reason.strip():
            raise Refused("Say why with a reason: whoever finds the service restarted must know.")
        return (SUBJECT,)

    def observe(self, run: Run, request: OutageRequest) -> OutageFacts:
        """The service from every side, what runs it, and what failed meanwhile."""
        return observe(run.context.environment, request.service)

    def plan(self, run: Run, facts: OutageFacts, request: OutageRequest) -> Plan:
        """Restart what is out; what is restarted already, or not known to be out, is left alone."""
        state, rule = facts.state, run.context.environment.catalogue.services[request.service]
        run.summary = f"{state.name} is {state.word.replace('_', ' ')}"
        details: dict[str, JsonValue] = {FAILED: list(facts.failed), SERVICE: state.name, "reason": request.reason}
        if rule.gke_jobs:
            details |= {SMOKE: request.smoke, TRIAL: request.trial, RECOVER: request.recover}
        plan = Plan(procedure=self.name, subject=SUBJECT, risk="medium", details=details)
        if facts.unseen:
            blind = "Not everything could be looked at, so nothing is restarted"
            return plan.model_copy(update={"escalations": tuple(f"{blind}: {one}" for one in facts.unseen)})
        if not state.out:
            return self.left_alone(run, plan, facts)
        found = restart(facts, rule)
        if found.action is None:
            return plan.model_copy(update={"escalations": (found.escalation, *recover_words(facts.failed))})
        run.notes += recover_words(facts.failed)
        return plan.model_copy(update={"actions": actions(found.action, request.service)})

    def left_alone(self, run: Run, plan: Plan, facts: OutageFacts) -> Plan:
        """Nothing is done, and the report says why."""
        state = facts.state
        if state.looked and state.word != "unknown":
            run.notes.append(state.sentence)
            return plan
        why = f"{state.sentence} Nobody can tell whether it is out, and nothing is restarted on a guess."
        return plan.model_copy(update={"escalations": (why,)})

    def scope(self, run: Run, facts: OutageFacts) -> Scope:
        """One thing is replaced, whatever there is beside it."""
        return Scope(total_objects=None)

    def stage(self, run: Run, facts: OutageFacts, plan: Plan) -> Mapping[str, JsonValue]:
        """Keeps what is deployed now, and what shall be."""
        service = str(plan.details[SERVICE])
        for one in restart(facts, run.context.environment.catalogue.services[service]).kept:
            keep_body(run.context.environment, one.kind, one.name, one.body)
        return {}

    def verify(self, run: Run, facts: OutageFacts | None) -> Verdict:
        """Ask it again. A server that has no health service can only be reached: a smoke run is its proof."""
        plan = run.journal.plan()
        service = str(plan.details[SERVICE])
        state, unseen = state_now(run.context.environment, service)
        run.summary = f"{service} was restarted and is {state.word.replace('_', ' ')}"
        if unseen or not proved(state, run.context.environment.catalogue.services[service]):
            back = f"Look at its log, or: remediate undo {SUBJECT} {run.id}"
            return Verdict("failed", (state.sentence, *unseen, back))
        if state.word == "unknown":
            run.notes.append(f"{state.sentence} Only a smoke run proves it: remediate e2e TRIAL --apply.")
        return Verdict()

    def again(self, subject: str, asked: Mapping[str, JsonValue], reason: str) -> OutageRequest:
        """The same service, with what shall follow."""
        return OutageRequest(
            mode="apply",
            reason=reason,
            service=str(asked.get(SERVICE, GENIE_SIM)),
            smoke=asked.get(SMOKE) is True,
            trial=str(asked.get(TRIAL, "")),
            recover=asked.get(RECOVER) is True,
        )

    def in_force(self, run: Run) -> Iterable[str]:
        """What it has restarted before it failed."""
        if run.begun and run.done:
            yield f"Done already: {'; '.join(run.done)}: remediate undo {SUBJECT} {run.id} gives back what was."

    def sections(self, run: Run) -> Iterable[Section]:
        """How the service was, and what failed meanwhile."""
        if isinstance(run.facts, OutageFacts):
            yield Section("The service before", rows=tuple(service_rows([run.facts.state])))
            if run.facts.failed:
                yield Section("Failed meanwhile", "\n".join(f"- {one}" for one in recover_words(run.facts.failed)))


def restart(facts: OutageFacts, rule: Service) -> Restart:
    """The way to restart it."""
    return restart_of(facts.state, rule, facts.runs_it, facts.at)


def actions(restarting: Action, service: str) -> tuple[Action, ...]:
    """Look again, restart, and wait until it serves."""
    params = OfService(service=service)
    common = {"precondition": "", "undo": ""}
    before = confirm_outage.action(
        params, step="1 look again", target=f"{service}: out?", why="its client may have begun to restart it", **common
    )
    after = prove_serving.action(
        params, step="3 prove serving", target=f"{service}: serving?", why="a restart proves nothing", **common
    )
    return (before, restarting, after)


def recover_words(failed: Iterable[str]) -> list[str]:
    """The command that makes again what failed; nothing when nothing did."""
    names = list(failed)
    if not names:
        return []
    how = f"remediate recover {' '.join(names)} --accept-systematic --apply"
    return [f"{len(names)} scenes failed in a workflow that simulates. When it serves, begin with one: {how}"]
