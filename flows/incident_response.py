"""Incident response: declare, stabilise, diagnose, mitigate, communicate, resolve, review, with a person at each turn.

Handbook: 'Incident response'. Documentation for the person on call: docs/operations/incident-response.md.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from prefect import State, flow, get_run_logger, runtime

from flows.after_incident import report_of
from flows.escalation import come_again
from flows.running import as_task_run, flow_context, flow_wave, side_by_side, state_of
from tasks.incidents.entries import Area, Scope, Severity
from tasks.incidents.incident import Incident
from tasks.remediation.check import check, sections_of
from tasks.remediation.report import publish
from tasks.remediation.run import Run
from tasks.response.forms import ask_in_prefect, nobody
from tasks.response.planned import ShowResponse
from tasks.response.respond import respond, sections
from tasks.response.response import Means
from tasks.response.show import publish_review
from tasks.response.wanted import Pause, Wanted


def run_name() -> str:
    """What the flow run is called in lists, e.g. `incident inc-20260118t120000z-01234567 (apply)`."""
    asked = runtime.flow_run.parameters
    return f"incident {asked.get('incident') or asked.get('title', '')[:60] or 'new'} ({asked.get('mode', 'plan')})"


@flow(name="incident-response", flow_run_name=run_name, task_runner=side_by_side())
def incident_response(
    incident: str = "",
    title: str = "",
    severity: Severity = "sev3",
    area: Area = "pipeline",
    scenes: list[str] = [],  # noqa: B006  Prefect's form shows it, nobody changes it
    workflows: list[str] = [],  # noqa: B006
    jobs: list[str] = [],  # noqa: B006
    mode: Literal["plan", "apply"] = "plan",
    pause: Pause = "by severity",
    commander: str = "",
    channel: str = "",
    unattended: bool = False,
    environment: str = "default",
    requested_by: str = "",
) -> State[Any]:
    """Work on an incident: capture evidence, find causes, do what you decide, and write the report.

    Args:
        incident: Id of an incident to go on with, as `remediate incident list` shows it. Empty: declare a new one.
        title: What is wrong, in one line; needed for a new incident.
        severity: How bad a new one is: sev1 nothing is delivered, sev2 a part is not, sev3 slower, sev4 nobody notices.
        area: Whose a new one is: pipeline, platform (GKE, network, Terraform), simulation (Isaac and Genie Sim) or data.
        scenes: The scenes that a new one is about, one an item; empty when it is not known.
        workflows: The workflows that a new one is about, one an item.
        jobs: The Cloud Run jobs that a new one is about, one an item.
        mode: "plan" writes nothing and shows what each phase would do; "apply" does it and asks you at each turn.
        pause: Whether intake is paused while stabilising; "by severity" does it for sev1 and sev2 only.
        commander: Who leads a new one; may be left empty and named later.
        channel: Link to where people talk about a new one.
        unattended: Leave off by hand. Nobody is there to answer: the run ends at the first question and says how to go on.
        environment: Name of the Remediation Environment block, which says whose buckets these are.
        requested_by: Your name. It is recorded.
    """
    context = flow_context(environment, requested_by)
    scope = Scope(scenes=tuple(scenes), workflows=tuple(workflows), jobs=tuple(jobs))
    wanted = Wanted(
        incident=incident, mode=mode, title=title, severity=severity, area=area, scope=scope,
        commander=commander, channel=channel, pause=pause,
    )  # fmt: skip
    if mode == "plan":
        shown = check(ShowResponse(), context, wanted, as_task_run)
        publish(shown, sections_of(shown), "incident")
        return state_of(shown)

    def show(one: Run) -> None:
        publish(one, [], "incident")

    def tell_people(declared: str) -> None:
        try:
            come_again(environment, datetime.now(UTC), declared)
        except Exception as error:  # no such deployment, no server: the incident is declared all the same
            get_run_logger().warning("The escalation could not be started (%s); its schedule comes soon.", error)

    means = Means(
        declared=tell_people,
        ask=nobody if unattended else ask_in_prefect,
        attended=not unattended,
        call=as_task_run,
        wave=flow_wave,
        publish=show,
    )
    one = respond(context, wanted, means)
    publish(one, sections(one), "incident")
    publish_review(one)
    if isinstance(one.facts, Incident):
        report_of(one.facts, environment)
    return state_of(one)
