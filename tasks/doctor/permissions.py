"""What the account may do, asked by `testIamPermissions`, which needs no permission and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from blocks.bucket_facts import granted
from blocks.errors import NotFound
from tasks.doctor.buckets import names
from tasks.doctor.examine import Look
from tasks.doctor.finding import Code
from tasks.doctor.permission_table import BUCKETS, EVENTS, JOBS, NOT_ASKED, PROJECT, SUBSCRIPTIONS, Need
from tasks.doctor.triggers import seen
from tasks.pipeline.deployed import Deployed
from tasks.remediation.report import listed

MISSING = Code(
    "permission-missing",
    "error",
    "The part of a remediation that the sentence names is refused by Google, in the middle of a run at the latest. "
    "For plans alone the reading permissions are enough.",
    "Grant a role that has it, on that bucket, job, subscription or project (docs/security.md, 'Who may do what').",
)
WITHOUT = Code(
    "permission-not-given",
    "note",
    "It is given only where what it is for is wanted; without it that part is refused when it is asked for.",
    "Nothing, if that is meant so; else grant it (docs/security.md, 'Who may do what').",
)
NOT_TESTED = Code(
    "permission-not-asked",
    "note",
    "Given on each service account by itself, so the first use shows it. What reading needs is proved by this "
    "examination.",
    "Compare the account's roles with the table of docs/security.md, 'Who may do what'.",
)
CODES = (MISSING, WITHOUT, NOT_TESTED)
Ask = Callable[[str, Iterable[str]], set[str]]


def look_at_permissions(deployed: Deployed, look: Look) -> None:
    """Buckets, one deployed job for all, each trigger's subscription of the data bucket, the receiver's, and the project."""
    one = deployed.environment
    for role, bucket in names(deployed).items():
        if bucket:
            judge(
                BUCKETS[role], f"bucket {bucket}", bucket, lambda name, asked: granted(one.storage, name, asked), look
            )
    for job in deployed_jobs(deployed)[:1]:
        judge(JOBS, f"job {job}", job, one.jobs.granted, look)
    for trigger in seen(deployed):
        if trigger.bucket == one.data_bucket and trigger.subscription:
            short = f"subscription {trigger.subscription.rpartition('/')[2]}"
            judge(SUBSCRIPTIONS, short, trigger.subscription, one.delivery.granted, look)
    if name := one.receiver.subscription:
        judge(EVENTS, f"subscription {name.rpartition('/')[2]}", name, one.delivery.granted, look)
    judge(PROJECT, f"project {one.project}", one.project, lambda _, asked: one.access.granted(asked), look)
    names_ = [need.permission for need in NOT_ASKED]
    look.say(NOT_TESTED, "project", f"Not asked: {listed(names_, len(names_))}.")


def deployed_jobs(deployed: Deployed) -> list[str]:
    """The jobs that are there: roles are granted for all of them alike, so one is asked."""
    return [name for name, job in deployed.jobs().items() if job is not None]


def judge(needs: Sequence[Need], shown: str, name: str, ask: Ask, look: Look) -> None:
    """Every need of one resource. One that is not there is said elsewhere."""
    with look.asking(shown):
        try:
            held = ask(name, [need.permission for need in needs])
        except NotFound:
            return
        for need in needs:
            said = f"{need.permission} on {shown} is not granted: {need.without_it}."
            look.judge(
                WITHOUT if need.optional else MISSING,
                f"{need.permission} on {shown}",
                said,
                need.permission not in held,
            )
