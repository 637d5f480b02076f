"""How the pipeline's workflows ran before an incident began and since it is over (handbook: "capture metrics in the report").

Executions are what Google counts and what nobody can embellish; how long each step took is the runtime report's.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import islice
from statistics import median

from blocks.clients import load_libraries
from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError
from tasks.diagnosis.attempts import Attempt, of_workflow
from tasks.incidents.incident import Incident
from tasks.remediation.table import Cell
from tasks.remediation.times import lasted
from tasks.response.times import began_at

BEFORE = timedelta(hours=24)
"""How long before it began is looked at."""
MOST = 1000
"""Executions of one workflow that are looked at, the newest: ten pages of the service."""
AT_A_TIME = 8


def before_after(environment: PipelineEnvironment, incident: Incident) -> tuple[list[dict[str, Cell]], list[str]]:
    """A line for each workflow that ran before or after, and a sentence for each that could not be asked.

    Nothing while it is not over.
    """
    over, began = incident.resolved_at, began_at(incident) or incident.declared_at
    if over is None:
        return [], []
    load_libraries()  # before the threads, which would do it in each other's way
    since, rows, unknown = began - BEFORE, [], []
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        asked = [(name, pool.submit(ended_since, environment, name, since)) for name in environment.catalogue.workflows]
        for name, answer in asked:
            try:
                ran = answer.result()
            except OutsideError as error:
                unknown.append(f"How {name} ran is unknown: {error}")
                continue
            rows += row(name, ran, began, over)
            unknown += [f"Of {name} only the newest {MOST:,} executions were counted."] if len(ran) == MOST else []
    return rows, unknown


def ended_since(environment: PipelineEnvironment, workflow: str, since: datetime) -> list[Attempt]:
    """The executions of a workflow that began since then, newest first."""
    found = islice(environment.workflows.executions(workflow, since=since), MOST)
    return [of_workflow(one, environment) for one in found]


def row(name: str, ran: list[Attempt], began: datetime, over: datetime) -> list[dict[str, Cell]]:
    """One line, if it ran before or after. What began while the incident lasted is of neither."""
    before = [one for one in ran if began - BEFORE <= one.created < began]
    after = [one for one in ran if one.created >= over]
    return (
        [{"workflow": name, "24 h before": words(before), "since it was over": words(after)}] if before or after else []
    )


def words(ran: Iterable[Attempt]) -> str:
    """`12 ended, 1 failed, median 3 min 05 s`; the median is of those that did their work."""
    ended = [one for one in ran if one.outcome != "running"]
    if not ended:
        return "none ended"
    failed = sum(one.outcome == "failed" for one in ended)
    took = [(one.ended - one.created).total_seconds() for one in ended if one.outcome == "success" and one.ended]
    return f"{len(ended)} ended, {failed} failed, median {lasted(round(median(took))) if took else 'unknown'}"
