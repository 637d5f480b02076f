"""What is asked for evidence, one kind at a time: plain data, newest first, bounded, without secrets.

"Not deployed" and "none" are answers. What could not be asked is a sentence in `unknown` and never an empty list.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import datetime
from importlib.metadata import version
from itertools import islice
from typing import Any

from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError
from tasks.delivery.pauses import OpenPause, open_pauses
from tasks.remediation.context import Context
from tasks.remediation.ledger import LedgerDamaged
from tasks.remediation.plan import canonical
from tasks.response.active import active_executions

AT_A_TIME = 8
"""Questions of one kind at the same time."""
MOST_OF_ONE = 200
"""Executions of one workflow or job, and revisions of one workflow, that are kept."""
MOST_LINES = 1_000
"""Log entries that are kept: Cloud Logging gives so many in one page."""
MOST_PODS = 500
"""Pods that the cluster block lists: one page."""

Row = dict[str, Any]


@dataclass(slots=True)
class Asked:
    """The answers to one kind of question."""

    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What a reader must know, as that only the newest are here."""
    unknown: list[str] = field(default_factory=list)
    """What could not be asked, one sentence each."""


@dataclass(frozen=True, slots=True)
class Question:
    """One kind of evidence, in a file of its name."""

    name: str
    what: str
    ask: Callable[[Context, datetime], Asked]


def of_each(names: Iterable[str], look: Callable[[str], Sequence[Row]], most: int, what: str) -> Asked:
    """Ask about several things at the same time; one that does not answer hides no other."""
    asked, listed = Asked(), list(names)
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        answers = [(name, pool.submit(look, name)) for name in listed]
        for name, answer in answers:
            try:
                rows = list(answer.result())
            except OutsideError as error:
                asked.unknown.append(str(error))
                continue
            if len(rows) > most:
                asked.notes.append(f"{name}: only the newest {most} {what} are here; there are more.")
            asked.rows += rows[:most]
    return asked


def executions(context: Context, since: datetime) -> Asked:
    """Executions of every workflow of the catalogue, with argument and result."""
    workflows = context.environment.workflows

    def look(name: str) -> list[Row]:
        return [asdict(one) for one in islice(workflows.executions(name, since=since), MOST_OF_ONE + 1)]

    return of_each(context.environment.catalogue.workflows, look, MOST_OF_ONE, "executions")


def active(context: Context, _since: datetime) -> Asked:
    """What runs now, with the locks that a cancelled execution would leave."""
    found, unknown = active_executions(context.environment)
    return Asked([asdict(one) for one in found], unknown=unknown)


def job_executions(context: Context, since: datetime) -> Asked:
    """Executions of every Cloud Run job of the catalogue."""
    jobs = context.environment.jobs

    def look(name: str) -> list[Row]:
        return [asdict(one) for one in islice(jobs.executions(name, since=since), MOST_OF_ONE + 1)]

    return of_each(context.environment.catalogue.jobs, look, MOST_OF_ONE, "executions")


def jobs(context: Context, _since: datetime) -> Asked:
    """Cloud Run jobs as they are deployed, with the digests of their images."""

    def look(name: str) -> list[Row]:
        found = context.environment.jobs.definition(name)
        return [{"name": name, "deployed": False}] if found is None else [{"deployed": True, **asdict(found)}]

    return of_each(context.environment.catalogue.jobs, look, 1, "definitions")


def workflows(context: Context, _since: datetime) -> Asked:
    """Revisions of every workflow; of each source its SHA-256 (the nightly backup keeps the sources)."""

    def look(name: str) -> list[Row]:
        found = context.environment.workflows.revisions(name)[: MOST_OF_ONE + 1]
        if not found:
            return [{"name": name, "deployed": False}]
        return [
            {
                **asdict(one),
                "source": {"sha256": hashlib.sha256(one.source.encode()).hexdigest()},
                "live": one is found[0],
            }
            for one in found
        ]

    return of_each(context.environment.catalogue.workflows, look, MOST_OF_ONE, "revisions")


def triggers(context: Context, _since: datetime) -> Asked:
    """Every Eventarc trigger of the project."""
    return Asked(list(context.environment.triggers.definitions()))


def schedulers(context: Context, _since: datetime) -> Asked:
    """Every Cloud Scheduler job of the region."""
    return Asked([asdict(one) for one in context.environment.schedulers.list()])


def errors_logged(context: Context, since: datetime) -> Asked:
    """The newest log entries of severity ERROR and above."""
    found = context.environment.logs.newest("severity>=ERROR", since=since, most=MOST_LINES + 1)
    notes = [f"Only the newest {MOST_LINES:,} entries are here; there are more."] if len(found) > MOST_LINES else []
    return Asked([asdict(one) for one in found[:MOST_LINES]], notes)


def cluster(context: Context, _since: datetime) -> Asked:
    """Kubernetes Jobs of the pipeline's namespace, and their pods."""
    known = context.environment.cluster
    if not known.enabled:
        return Asked(notes=["The environment says that there is no cluster."])
    rows: list[Row] = [{"kind": "Job", **asdict(one)} for one in known.jobs()]
    pods = known.pods()
    notes = [f"Only {MOST_PODS} pods are here; there may be more."] if len(pods) >= MOST_PODS else []
    return Asked([*rows, *({"kind": "Pod", **asdict(one)} for one in pods)], notes)


def intake(context: Context, _since: datetime) -> Asked:
    """Pauses of intake that were not resumed."""
    try:
        return Asked([pause_row(one) for one in open_pauses(context)])
    except LedgerDamaged as error:
        return Asked(unknown=[str(error)])


def pause_row(one: OpenPause) -> Row:
    """What holds and since when; what waits meanwhile `remediate intake status` counts."""
    held = (
        [{"trigger": each.trigger, "subscription": each.subscription} for each in one.ticket.held] if one.ticket else []
    )
    before = one.ticket.schedulers if one.ticket else {}
    return {
        "run": one.run,
        "until": one.deadline,
        "what": one.sentence(),
        "held": held,
        "schedulers_before": before,
        "half_resumed": one.half_resumed,
    }


def switches(context: Context, _since: datetime) -> Asked:
    """Whether remediation may change anything now."""
    policy = context.policy(fresh=True)
    return Asked(
        [{"kill_switch": list(policy.kill_switch), "window_open": policy.open_at(datetime.now().astimezone())}]
    )


def versions(context: Context, _since: datetime) -> Asked:
    """What this remediation is made of."""
    environment: PipelineEnvironment = context.environment
    digest = hashlib.sha256(canonical(environment.catalogue.model_dump(mode="json"))).hexdigest()
    packages = {name: version(name) for name in ("blueprint-remediation", "prefect")}
    where = {"project": environment.project, "region": environment.region, "data_bucket": environment.data_bucket}
    return Asked([{**packages, "python": sys.version.split()[0], "catalogue_sha256": digest, **where}])


QUESTIONS: tuple[Question, ...] = (
    Question("active", "executions that were running, and the locks they would leave", active),
    Question("executions", "executions of workflows in the last 24 h, with argument and result", executions),
    Question("job-executions", "executions of Cloud Run jobs in the last 24 h", job_executions),
    Question("jobs", "Cloud Run jobs as deployed, with the digests of their images", jobs),
    Question("workflows", "revisions of the workflows", workflows),
    Question("triggers", "Eventarc triggers of the project", triggers),
    Question("schedulers", "Cloud Scheduler jobs", schedulers),
    Question("errors", "log entries of severity ERROR and above in the last 24 h", errors_logged),
    Question("cluster", "Kubernetes Jobs and pods", cluster),
    Question("intake", "open pauses of intake", intake),
    Question("switches", "kill switch and change window", switches),
    Question("versions", "versions of the remediation and its catalogue", versions),
)
