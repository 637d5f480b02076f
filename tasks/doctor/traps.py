"""Faults in a workflow's source by which an execution fails, waits for ever or does less than it says."""

from __future__ import annotations

import re

from blocks.execution import WorkflowInfo
from tasks.doctor.builds import unfilled
from tasks.doctor.examine import Look
from tasks.doctor.finding import Code
from tasks.doctor.source import Source
from tasks.pipeline.deployed import Deployed
from tasks.remediation.report import listed

ENV_UNSET = Code(
    "workflow-env-unset",
    "warning",
    "Where a variable is not set and the source says no default, the execution fails there, or goes on with nothing.",
    "Set the variable when deploying (`gcloud workflows deploy NAME --update-env-vars=...`), or give it a default.",
)
OTHER_BUCKET = Code(
    "workflow-other-bucket",
    "error",
    "Where its argument names no bucket (an event's is not looked at), the workflow takes it from a variable, and so looks "
    "for scenes elsewhere: imports and trainings of this installation fail.",
    "Deploy it with GCS_BUCKET (or PRIMARY_BUCKET) set to the data bucket.",
)
REFUSES_EVENT = Code(
    "workflow-refuses-event",
    "error",
    "A recovery starts the workflow with this name; it answers SKIPPED and nothing is made.",
    "Correct event_name and event_regex of the workflow in the catalogue's overlay (the 2026-06 overlay has newer ones).",
)
UNKNOWN_FUNCTION = Code(
    "workflow-unknown-function",
    "warning",
    "The documented library of Workflows has no such function or operator: the step that uses it fails when it is reached.",
    "Use text.to_lower, text.find_all and `and`, then deploy it again.",
)
TIMEOUT_MISPLACED = Code(
    "workflow-timeout-ignored",
    "warning",
    "Cloud Run takes a run's timeout inside `overrides` only, so the job's own timeout counts, or the start is refused.",
    "Move it into `body.overrides.timeout`, or set it on the job.",
)
UNENCODED = Code(
    "workflow-object-unencoded",
    "warning",
    "The storage connector wants slashes in object names encoded. Without that a look for a marker is answered 404 "
    "although it is there: checks never skip, and polls end in vain.",
    "Wrap the name in text.url_encode(...). Flows look at markers themselves and do not rely on it.",
)
REPEATED_STEP = Code(
    "workflow-step-repeated",
    "warning",
    "Two steps of one name in one list: a jump to it goes to one of them only, and the next deployment may be refused.",
    "Give each step a name of its own.",
)
RESULT_BESIDE_TRY = Code(
    "workflow-result-beside-try",
    "warning",
    "Workflows keeps the result of a call, and `try` is none: the next deployment may be refused, or the variable is never "
    "set and the step that reads it fails.",
    "Move `result` into `try`, beside `call`, then deploy it again.",
)
UNFILLED = Code(
    "workflow-build-unfilled",
    "warning",
    "Workflows fills in only what is one expression as a whole, so Cloud Build is given these names as they stand: it "
    "refuses a build with a name in capitals that is none of its own, and a shell puts nothing in the place of the others.",
    'Make the script one expression, as in `${"... --zone=" + zone}`, and write `$$NAME` for what the shell shall fill in.',
)
CODES = (
    ENV_UNSET, OTHER_BUCKET, REFUSES_EVENT, UNKNOWN_FUNCTION, TIMEOUT_MISPLACED, UNENCODED, REPEATED_STEP,
    RESULT_BESIDE_TRY, UNFILLED,
)  # fmt: skip

BUILT_IN = frozenset(
    f"GOOGLE_CLOUD_{name}"
    for name in (
        "PROJECT_ID", "PROJECT_NUMBER", "LOCATION", "WORKFLOW_ID", "WORKFLOW_EXECUTION_ID", "WORKFLOW_REVISION_ID",
        "SERVICE_ACCOUNT_NAME", "WORKFLOW_EXECUTION_ATTEMPT",
    )
)  # fmt: skip
"""Variables that every execution has (Google: "Use environment variables", Workflows)."""
BUCKETS = ("PRIMARY_BUCKET", "GCS_BUCKET")
"""Variables that name the bucket of scenes, the first that is set counts."""


def judge_source(deployed: Deployed, workflow: WorkflowInfo, source: Source, look: Look) -> None:
    """Every fault that can be seen."""
    name = workflow.name
    judge_environment(deployed, workflow, source, look)
    judge_event(deployed, name, source, look)
    unknown = sorted(source.unknown_functions())
    look.judge(UNKNOWN_FUNCTION, name, f"Workflow {name} uses {listed(unknown)}.", unknown)
    steps = source.timeouts_beside_overrides()
    look.judge(
        TIMEOUT_MISPLACED, name, f"Workflow {name} gives a timeout outside overrides in step {listed(steps)}.", steps
    )
    steps = source.unencoded_objects()
    look.judge(UNENCODED, name, f"Workflow {name} names an object unencoded in step {listed(steps)}.", steps)
    steps = source.repeated_steps()
    look.judge(REPEATED_STEP, name, f"Workflow {name} has several steps called {listed(steps)}.", steps)
    steps = source.results_beside_try()
    look.judge(RESULT_BESIDE_TRY, name, f"Workflow {name} has `result` beside `try` in step {listed(steps)}.", steps)
    names = unfilled(source)
    look.judge(UNFILLED, name, f"Workflow {name} gives Cloud Build {listed(names)} as it stands.", names)


def judge_environment(deployed: Deployed, workflow: WorkflowInfo, source: Source, look: Look) -> None:
    """The variables that it reads."""
    name, read, given = workflow.name, source.environment(), workflow.environment
    unset = sorted({one.name for one in read if not one.has_default} - BUILT_IN - set(given))
    look.judge(ENV_UNSET, name, f"Workflow {name} reads {listed(unset)}, which is not set and has no default.", unset)
    wanted = [one for bucket in BUCKETS for one in read if one.name == bucket]
    values = [given.get(one.name, one.default) for one in wanted]
    used = next(filter(None, values), "")
    said = f"Workflow {name} works on the bucket {used}, not on {deployed.environment.data_bucket}."
    look.judge(OTHER_BUCKET, name, said, used and used != deployed.environment.data_bucket)


def judge_event(deployed: Deployed, name: str, source: Source, look: Look) -> None:
    """Whether it would accept the name that a recovery starts it with."""
    known = deployed.catalogue.workflows[name]
    patterns = [one for one in source.event_patterns() if one.startswith("^scenes/")]
    if known.event_name is None or not patterns:
        return
    wanted = f"scenes/any-scene/{known.event_name}"
    said = f"Workflow {name} does not accept {known.event_name}: it tests for {listed(patterns)}."
    look.judge(REFUSES_EVENT, name, said, not any(fits(one, wanted) for one in patterns))


def fits(pattern: str, name: str) -> bool:
    """Whether an object of that name meets a workflow's or a trigger's pattern, or nobody can tell."""
    try:
        return re.search(pattern, name) is not None
    except re.error:  # Google's expressions are RE2's: one that Python cannot read is not judged
        return True
