"""A workflow: Google's own list of its revisions, what each execution ran, and going back to one of them.

A revision is the source and the service account: a change of nothing else makes a new one. Labels, variables and log level
stay as they are live. Executions keep the revision that they began with, whatever is deployed meanwhile (Workflows REST
reference, `projects.locations.workflows.patch`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from difflib import unified_diff
from itertools import islice

from blocks.catalogue import ResultWords
from blocks.environment import PipelineEnvironment
from blocks.execution import LIVE_STATES, Execution
from blocks.workflow_definitions import WorkflowDefinition
from tasks.actions.definitions import Kept, body_of, same
from tasks.actions.workflow_runs import meaning
from tasks.pipeline.activity import scene_of_argument, short
from tasks.remediation.narrow import diff_block
from tasks.remediation.outcome import Refused
from tasks.remediation.report import Section, listed
from tasks.rollback.evidence import Ran, Version, with_record
from tasks.rollback.facts import Canary, Change, Facts, chosen, no_evidence
from tasks.rollback.redeploy import redeploy
from tasks.rollback.request import RollbackRequest

MOST_EXECUTIONS = 5000
"""How many are looked at, the newest first: triggers without a name filter start one for every object that is written."""
MOST_LINES = 200
"""Of the difference; the sources themselves are kept in the ops bucket."""
NO_CANARY = Canary(why_not="A workflow writes into its scene's folder and starts others, so none is run to try it.")


def look_at_workflow(environment: PipelineEnvironment, request: RollbackRequest) -> Facts:
    """What is deployed, what ran of each revision, and the way to the target. Raises `Refused` when there is none."""
    workflows = environment.workflows
    live = workflows.definition(request.name)
    if live is None:
        raise Refused(
            f"No workflow {request.name} is deployed in {workflows.project}/{workflows.region}; check the name."
        )
    revisions = distinct([live, *workflows.revisions(request.name)])
    known = environment.catalogue.workflows.get(request.name)
    executions = list(islice(workflows.executions(request.name), MOST_EXECUTIONS))
    words = known.result if known is not None else ResultWords()
    ran = [said for one in executions if (said := told(one, words)) is not None]
    ids = {id_: group[0].revision_id for group in revisions for id_ in (one.revision_id for one in group)}
    present, *former = (with_record(version_of(group), ran, ids) for group in revisions)
    target = chosen(replace(request, to=ids.get(request.to, request.to)), (present, *former))
    found = Facts(
        present, tuple(former), target, canary=NO_CANARY, running=tuple(running(environment, request.name)),
        notes=tuple(notes(len(executions))),
    )  # fmt: skip
    if target is None:
        return replace(found, escalations=(no_evidence(request, tuple(former), len(executions)),))
    if target is present:
        return found
    wanted = next(group[0] for group in revisions if group[0].revision_id == target.id)
    return replace(found, change=change_of(environment, live, wanted))


def distinct(revisions: list[WorkflowDefinition]) -> list[list[WorkflowDefinition]]:
    """Revisions with the same code together, in the order in which they are first met: the live one's first."""
    groups: dict[tuple[str, str], list[WorkflowDefinition]] = {}
    for one in revisions:
        groups.setdefault((one.source, one.service_account), []).append(one)
    return list(groups.values())


def version_of(group: list[WorkflowDefinition]) -> Version:
    """One version, under the name of its newest revision."""
    when = group[0].revision_create_time[:16].replace("T", " ")
    first, *others = dict.fromkeys(one.revision_id for one in group)
    also = f", the same as {', '.join(others)}" if others else ""
    return Version(first, f"revision {first} of {when or 'an unknown time'}{also}")


def told(execution: Execution, words: ResultWords) -> Ran | None:
    """What an execution says of its revision. SUCCEEDED alone proves nothing: many end so without having done anything."""
    at = execution.ended or execution.created
    if not execution.revision:
        return None
    if execution.state == "FAILED":
        return Ran(execution.revision, False, at)
    said = meaning(execution.result, words) if execution.state == "SUCCEEDED" else ""
    return Ran(execution.revision, said != "failed", at) if said in ("success", "partial", "failed") else None


def change_of(environment: PipelineEnvironment, live: WorkflowDefinition, wanted: WorkflowDefinition) -> Change | None:
    """Deploying the wanted code with all else as it is live; None when it is the live code."""
    target = replace(
        wanted, **{name: getattr(live, name) for name in ("description", "labels", "call_log_level", "environment")}
    )
    if same(target, live):
        return None
    action = redeploy(
        environment.ops_bucket, "workflow", target, live, f"revision {wanted.revision_id} instead of {live.revision_id}"
    )
    kept = tuple(Kept("workflow", live.name, body_of(one)) for one in (target, live))
    return Change(action, Section("What is changed", difference(live, wanted)), kept)


def difference(live: WorkflowDefinition, wanted: WorkflowDefinition) -> str:
    """A unified diff of the sources, and in words what else is, or was, different."""
    before, after = live.source.splitlines(), wanted.source.splitlines()
    lines = list(unified_diff(before, after, live.revision_id, wanted.revision_id, lineterm=""))
    more = len(lines) - MOST_LINES
    shown = [*lines[:MOST_LINES], *([f"... and {more:,} more lines"] if more > 0 else [])]
    code = "\n".join(shown) or "The sources are the same."
    return f"{' '.join(beside(live, wanted))}\n\n{diff_block(code)}"


def beside(live: WorkflowDefinition, wanted: WorkflowDefinition) -> Iterator[str]:
    """What is not in the sources. Values of variables are not shown."""
    if live.service_account != wanted.service_account:
        yield f"Service account: {live.service_account} becomes {wanted.service_account}."
    yield "Labels, variables and log level stay as they are."
    now, then = live.environment, wanted.environment
    if other := sorted(name for name in {**now, **then} if now.get(name) != then.get(name)):
        yield f"These variables were different then: {listed(other, 20)}; set them yourself if they are the reason."


def running(environment: PipelineEnvironment, workflow: str) -> Iterator[str]:
    """Executions that are at work: a rollback changes nothing for them."""
    for one in (found for state in LIVE_STATES for found in environment.workflows.executions(workflow, state=state)):
        scene = scene_of_argument(one, environment)
        yield (
            f"Execution {short(one.name)}{f' on {scene}' if scene else ''} goes on to its end with revision "
            f"{one.revision or 'unknown'}; cancel it if it must not."
        )


def notes(seen: int) -> Iterator[str]:
    """What is not known."""
    if seen >= MOST_EXECUTIONS:
        yield f"Only the newest {MOST_EXECUTIONS:,} executions were looked at."
