"""The schedulers: there, enabled, starting the right workflow, and heard."""

from __future__ import annotations

from blocks.schedulers import SchedulerInfo
from tasks.doctor.examine import Look
from tasks.doctor.finding import Code
from tasks.pipeline.deployed import Deployed

MISSING = Code(
    "scheduler-missing",
    "warning",
    "What it should start by the clock is started by nobody.",
    "Create it as the pipeline's scripts do, or remove it in the catalogue's overlay.",
)
PAUSED = Code(
    "scheduler-paused",
    "warning",
    "Nothing is started while it is paused, and nobody is told so.",
    "See whether intake is paused (`remediate intake status`); else `gcloud scheduler jobs resume NAME`.",
)
PAUSED_AS_CREATED = Code(
    "scheduler-paused-as-created",
    "note",
    "The pipeline creates it paused: whoever wants it by the clock enables it.",
    "Nothing, unless it should run.",
)
BROKEN = Code(
    "scheduler-broken",
    "error",
    "Cloud Scheduler itself has switched it off after an error, or did not take its last change: it starts nothing.",
    "Look at its last error, mend that, and update or resume it.",
)
WRONG_TARGET = Code(
    "scheduler-wrong-target",
    "error",
    "It starts something else than the catalogue says, and what should be started is not.",
    "Correct its target, or the catalogue's overlay.",
)
NO_TARGET = Code(
    "scheduler-target-missing",
    "error",
    "Each call is answered 404, and Cloud Scheduler only counts that.",
    "Deploy the workflow, or pause the scheduler.",
)
OTHER_TIME = Code(
    "scheduler-other-time",
    "note",
    "It runs at another time than the catalogue says, which matters to whoever plans around it.",
    "Nothing, or correct the catalogue's overlay.",
)
LAST_FAILED = Code(
    "scheduler-last-failed",
    "error",
    "What it should have started was not started; the next call will most likely fail alike.",
    "Code 7 is a missing permission (`roles/workflows.invoker` for its account), 5 a missing workflow; then run it by hand.",
)
DELETES = Code(
    "scheduler-deletes",
    "note",
    "It deletes by age through a mount and leaves no trace in the bucket: parts of old scenes are missing and not lost. "
    "Recoveries know the windows from the catalogue (retention).",
    "Compare the catalogue's retention with the variables of the job.",
)
UNKNOWN = Code(
    "scheduler-not-in-catalogue",
    "note",
    "Flows do not know of it: a pause of intake leaves it alone, and it goes on starting work.",
    "Add it to the catalogue's overlay if it belongs to the pipeline.",
)
CODES = (
    UNKNOWN, MISSING, PAUSED, PAUSED_AS_CREATED, BROKEN, WRONG_TARGET, NO_TARGET, OTHER_TIME, LAST_FAILED, DELETES,
)  # fmt: skip


def look_at_schedulers(deployed: Deployed, look: Look) -> None:
    """Each scheduler of the catalogue."""
    found = {one.name: one for one in deployed.schedulers()}
    for name, known in deployed.catalogue.schedulers.items():
        region = deployed.environment.schedulers.region
        if name not in found and not known.deployed:
            continue  # an installation may do without it
        if not look.judge(MISSING, name, f"Scheduler {name} is not there in {region}.", name not in found):
            judge_scheduler(deployed, found[name], look)
    for one in found.values():
        if (
            one.name not in deployed.catalogue.schedulers
            and one.state == "ENABLED"
            and one.target in deployed.catalogue.workflows
        ):
            look.say(UNKNOWN, one.name, f"Scheduler {one.name} starts {one.target} at '{one.cron}' {one.timezone}.")


def judge_scheduler(deployed: Deployed, one: SchedulerInfo, look: Look) -> None:
    """One that is there."""
    known = deployed.catalogue.schedulers[one.name]
    judge_state(one, known.created_paused, look)
    said = f"Scheduler {one.name} starts {one.target}, and not {known.target}."
    if not look.judge(WRONG_TARGET, one.name, said, one.target != known.target):
        missing = deployed.workflows().get(one.target, one) is None
        look.judge(NO_TARGET, one.name, f"Scheduler {one.name} starts {one.target}, which is not deployed.", missing)
    said = f"Scheduler {one.name} runs at '{one.cron}' {one.timezone}; the catalogue has '{known.cron}'."
    look.judge(OTHER_TIME, one.name, said, one.cron.split() != known.cron.split())
    status = one.definition.get("status") or {}
    said = f"The last call of scheduler {one.name} failed with code {status.get('code')} {status.get('message', '')}".rstrip()
    look.judge(LAST_FAILED, one.name, f"{said}.", status.get("code"))
    workflow = deployed.catalogue.workflows.get(one.target)
    destructive = [job for job in (workflow.jobs if workflow else ()) if deployed.catalogue.jobs[job].destructive]
    if destructive and one.state == "ENABLED":
        look.say(DELETES, one.name, f"Scheduler {one.name} is enabled and runs {destructive[0]}.")


def judge_state(one: SchedulerInfo, created_paused: bool, look: Look) -> None:
    """Whether it starts anything."""
    if one.state == "PAUSED":
        look.say(PAUSED_AS_CREATED if created_paused else PAUSED, one.name, f"Scheduler {one.name} is paused.")
    else:
        look.judge(BROKEN, one.name, f"Scheduler {one.name} is {one.state}.", one.state != "ENABLED")
