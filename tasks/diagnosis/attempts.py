"""Executions of workflows and of Cloud Run jobs in one shape: what was tried on which scene, and what came of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from blocks.catalogue import Catalogue
from blocks.environment import PipelineEnvironment
from blocks.execution import Execution
from blocks.job_execution import JobExecution
from tasks.actions.workflow_runs import meaning
from tasks.diagnosis.signs import tag, tags
from tasks.pipeline.activity import scene_of_argument, short
from tasks.pipeline.redact import text_without_secrets

Outcome = Literal["running", "success", "partial", "nothing_done", "failed", "cancelled", "unknown"]
GENIE_SIM = "genie-sim"
"""Tag of what a simulator that is not there explains."""
_NO_SIMULATOR = re.compile(r"(?i)genie.?sim.{0,60}(not ready|unavailable|not serving|not running|refused)|no simulator")
"""How its clients say so ("Genie Sim gRPC server is not ready")."""
MOST_TEXT = 300
"""Characters of an error that are shown."""
MOST_READ = 20_000
"""Characters of an error or a line that are looked at: one line of Cloud Logging may have 256 kB."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One execution."""

    entry: str
    """The workflow or the job, by its short name."""
    is_job: bool
    name: str
    """The full name of the execution."""
    scene: str
    """Empty when it worked on no scene, or on one of another bucket."""
    event: str
    """The object whose event started it; empty when none did."""
    outcome: Outcome
    created: datetime
    ended: datetime | None
    text: str
    """What it said at its end, cut short; secrets left out."""
    image: str = ""
    """Of a job: what it ran, by digest."""

    @property
    def id(self) -> str:
        """The short name of the execution."""
        return short(self.name)

    @property
    def kind(self) -> str:
        """`job` or `workflow`."""
        return "job" if self.is_job else "workflow"

    def evidence(self) -> str:
        """It as evidence: what, when, how it ended."""
        when = f"of {self.created:%Y-%m-%d %H:%M:%S} UTC"
        word = {"nothing_done": "answered that it did nothing", "running": "is still running"}.get(self.outcome)
        return f"{self.entry} execution {self.id} {when} {word or self.outcome}{f': {self.text}' if self.text else ''}"

    def tags(self, catalogue: Catalogue) -> frozenset[str]:
        """What it concerns. A job that is named in what a workflow says at its end is what the workflow failed at."""
        own = tags(scene=self.scene, execution=self.id) | {tag(self.kind, self.entry)}
        jobs = {tag("job", job) for job in catalogue.jobs if re.search(rf"(?<![\w-]){re.escape(job)}\b", self.text)}
        return frozenset(own | jobs | service_tags(self.text))


def service_tags(text: str) -> frozenset[str]:
    """The outside service that a message is about."""
    return frozenset({tag("service", GENIE_SIM)}) if _NO_SIMULATOR.search(text) else frozenset()


def of_workflow(execution: Execution, environment: PipelineEnvironment) -> Attempt:
    """An execution of a workflow. Its state is not its outcome: the result is read too."""
    data = execution.argument.get("data")
    return Attempt(
        entry=execution.workflow,
        is_job=False,
        name=execution.name,
        scene=scene_of_argument(execution, environment) or "",
        event=str(data.get("name", "")) if isinstance(data, dict) else "",
        outcome=_outcome(execution, environment.catalogue),
        created=execution.created,
        ended=execution.ended,
        text=cut(execution.error or _words(execution.result)),
    )


def of_job(execution: JobExecution) -> Attempt:
    """An execution of a Cloud Run job."""
    outcomes: dict[str, Outcome] = {"succeeded": "success", "failed": "failed", "cancelled": "cancelled"}
    return Attempt(
        entry=execution.job,
        is_job=True,
        name=execution.name,
        scene=execution.env.get("SCENE_ID", ""),
        event="",
        outcome=outcomes.get(execution.state, "running"),
        created=execution.created,
        ended=execution.completed,
        text=cut(execution.message),
        image=execution.images[0] if execution.images else "",
    )


def _outcome(execution: Execution, catalogue: Catalogue) -> Outcome:
    if execution.live:
        return "running"
    if execution.state != "SUCCEEDED":
        ended: dict[str, Outcome] = {"FAILED": "failed", "CANCELLED": "cancelled"}
        return ended.get(execution.state, "unknown")
    return cast("Outcome", meaning(execution.result, catalogue.workflows[execution.workflow].result))


def _words(result: object) -> str:
    """What a result says of failure or of doing nothing; empty for one that is good."""
    if isinstance(result, Mapping):
        said = [result.get(key) for key in ("error", "reason", "message")]
        return "; ".join(str(one) for one in said if one)
    return result if isinstance(result, str) else ""


def cut(text: str) -> str:
    """A text for a report: one line, not too long, and nothing that looks like a secret."""
    line = " ".join(text_without_secrets(text[:MOST_READ]).split())
    return line if len(line) <= MOST_TEXT else f"{line[:MOST_TEXT]}…"


def newest_first(attempts: Iterable[Attempt]) -> list[Attempt]:
    """By when they began."""
    return sorted(attempts, key=lambda one: one.created, reverse=True)
