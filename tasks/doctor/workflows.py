"""The workflows: which are deployed, which can run, who starts them, and whether the jobs they run are there."""

from __future__ import annotations

from blocks.errors import OutsideError
from blocks.execution import WorkflowInfo
from tasks.doctor.examine import UNREADABLE, Look
from tasks.doctor.finding import Code
from tasks.doctor.source import Source
from tasks.doctor.traps import judge_source
from tasks.doctor.triggers import seen
from tasks.doctor.writers import judge_writers
from tasks.pipeline.deployed import Deployed, Unread, readable
from tasks.remediation.report import listed

MISSING = Code(
    "workflow-missing",
    "error",
    "The stages it makes can neither be made nor recovered: a plan that needs them is escalated.",
    "Deploy the workflow, or correct its name in the catalogue's overlay.",
)
OPTIONAL_MISSING = Code(
    "optional-workflow-missing",
    "warning",
    "A scene is whole without what it makes; who counts on it gets nothing.",
    "Deploy the workflow, or remove it in the catalogue's overlay if this installation does not have it.",
)
UNAVAILABLE = Code(
    "workflow-unavailable",
    "error",
    "Workflows refuses to start executions of it until that is mended.",
    "Mend what the sentence says (often a key of Cloud KMS), or go back to a former revision: "
    "`remediate rollback workflow`.",
)
UNPARSABLE = Code(
    "workflow-unparsable",
    "warning",
    "A source that is no YAML is most likely refused when it is deployed again, also by a restore of definitions, and its "
    "steps could not be checked.",
    "Quote the expressions that hold ': ' and deploy it again.",
)
NO_JOB = Code(
    "workflow-job-missing",
    "error",
    "The workflow fails, or waits for ever, at the step that runs this job.",
    "Deploy the job, or correct its name in the workflow.",
)
NOBODY = Code(
    "workflow-started-by-nobody",
    "warning",
    "No trigger, no enabled scheduler and no other workflow starts it: a scene waits here until a person starts it.",
    "Create a trigger, or start it by hand (`remediate recover` does so for the stages that are missing).",
)
CALL_INCOMPLETE = Code(
    "workflow-call-incomplete",
    "warning",
    "The workflow that is called takes each of these keys without asking whether it is there, and Workflows raises KeyError "
    "for one that is not: what is started this way fails at once.",
    "Pass all keys that the catalogue has for it. Remediations do; until then let them start it, or do it by hand.",
)
CODES = (CALL_INCOMPLETE, MISSING, OPTIONAL_MISSING, UNAVAILABLE, UNPARSABLE, NO_JOB, NOBODY)


def look_at_workflows(deployed: Deployed, look: Look) -> None:
    """Each workflow of the catalogue."""
    sources: dict[str, Source] = {}
    for name, workflow in deployed.workflows().items():
        if isinstance(workflow, Unread):
            look.say(UNREADABLE, name, workflow.sentence)
        elif workflow is None:
            judge_missing(deployed, name, look)
        else:
            sources[name] = judge_deployed(deployed, workflow, look)
    judge_jobs(deployed, sources, look)
    judge_calls(deployed, sources, look)
    judge_starters(deployed, sources, look)
    judge_writers(deployed, sources, look)


def judge_missing(deployed: Deployed, name: str, look: Look) -> None:
    """One that is not deployed: what cannot be made then."""
    stages = [one for one in deployed.catalogue.workflows[name].stages if one in deployed.catalogue.stages]
    needed = [one for one in stages if not deployed.catalogue.stages[one].optional]
    made = f", which makes {listed(stages, 4)}," if stages else ""
    look.say(MISSING if needed else OPTIONAL_MISSING, name, f"Workflow {name}{made} is not deployed.")


def judge_deployed(deployed: Deployed, workflow: WorkflowInfo, look: Look) -> Source:
    """Whether it can be started, and what it does as far as its source says."""
    name = workflow.name
    said = f"Workflow {name} is {workflow.state}: {workflow.problem or 'no reason is given'}."
    look.judge(UNAVAILABLE, name, said, workflow.state not in ("ACTIVE", "STATE_UNSPECIFIED"))
    source = Source(workflow.source)
    look.judge(UNPARSABLE, name, f"The source of workflow {name} is no YAML: {source.problem}.", source.problem)
    judge_source(deployed, workflow, source, look)
    return source


def judge_jobs(deployed: Deployed, sources: dict[str, Source], look: Look) -> None:
    """Every job that a source runs."""
    jobs = dict(deployed.jobs())
    for name, source in sources.items():
        for job in sorted(source.jobs() | {job for job in deployed.catalogue.jobs if source.mentions(job)}):
            if job not in jobs:
                jobs[job] = readable(deployed.environment.jobs.get, job)
            said = f"Workflow {name} runs the job {job}, which is not deployed."
            look.judge(NO_JOB, name, said, jobs[job] is None)


def judge_calls(deployed: Deployed, sources: dict[str, Source], look: Look) -> None:
    """Workflows that start another one with direct keys, and leave out some that it reads."""
    for called, source in sources.items():
        argument = deployed.catalogue.workflows[called].argument
        needed = [] if "data" in argument else [key for key in argument if source.reads(key)]
        for name, caller in sources.items():
            if needed and caller.mentions(called):
                lacking = [key for key in needed if not caller.mentions(key)]
                said = f"Workflow {name} starts {called} without {listed(lacking, 12)}."
                look.judge(CALL_INCOMPLETE, name, said, lacking)


def judge_starters(deployed: Deployed, sources: dict[str, Source], look: Look) -> None:
    """Whether anything starts it. What cannot be asked for starters is no reason to say that there are none."""
    try:
        started = {one.workflow for one in seen(deployed)}
        started |= {one.target for one in deployed.schedulers() if one.state == "ENABLED"}
    except OutsideError:  # the parts of triggers and schedulers say so
        return
    paused = {one.target for one in deployed.schedulers() if one.state != "ENABLED"}
    by_hand = {one.workflow for one in deployed.catalogue.triggers.values() if one.forbidden}
    for name in (one for one in sources if one not in by_hand):
        called = any(other != name and source.mentions(name) for other, source in sources.items())
        said = f"Workflow {name} is started by no trigger, scheduler or other workflow"
        said += "; its scheduler is not enabled." if name in paused else "."
        look.judge(NOBODY, name, said, not called and name not in started)
