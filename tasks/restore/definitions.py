"""Restore of a workflow or a job as a night recorded it: the difference is shown first, the live one must not change."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from difflib import unified_diff
from typing import Any

from pydantic import JsonValue

from blocks.workflow_definitions import WorkflowDefinition
from tasks.actions.definitions import (
    Definition,
    DefinitionKind,
    DeployDefinition,
    body_of,
    deploy_definition,
    digest_of,
    keep_definition,
    live_definition,
    read_definition,
    revision_of,
    same,
)
from tasks.remediation.context import Context
from tasks.remediation.journal import Journal
from tasks.remediation.outcome import Refused
from tasks.remediation.plan import Plan
from tasks.remediation.procedure import Procedure, Verdict
from tasks.remediation.report import Section
from tasks.remediation.run import Run
from tasks.restore.observe import night_of
from tasks.restore.report import sections, summary
from tasks.restore.request import SUBJECT, RestoreRequest, check
from tasks.restore.unfinished import unfinished_others
from tasks.snapshots.layout import layout_of
from tasks.snapshots.nights import read_definitions
from tasks.snapshots.summary import DefinitionRecord, Summary

KINDS: Mapping[str, DefinitionKind] = {"workflow": "workflow", "job": "job"}


@dataclass(frozen=True, slots=True)
class DefinitionFacts:
    """What was recorded, and what is live."""

    kind: DefinitionKind
    bucket: str
    night: Summary
    record: DefinitionRecord
    recorded: Definition
    live: Definition | None


class RestoreDefinition(Procedure[RestoreRequest, DefinitionFacts]):
    """Handbook: 'Rolling back'. One workflow or Cloud Run job, from a night's record."""

    name = "restore-definition"
    kinds = (deploy_definition,)

    def subjects(self, context: Context, request: RestoreRequest) -> tuple[str, ...]:
        """Restores."""
        check(context.environment, request)
        if request.kind not in KINDS:
            raise Refused(f"The scope {request.kind} is no definition.")
        return (SUBJECT,)

    def observe(self, run: Run, request: RestoreRequest) -> DefinitionFacts:
        """Compare what was recorded with what is live."""
        environment, kind = run.context.environment, KINDS[request.kind]
        night = night_of(environment, request)
        records = read_definitions(environment, night) if night is not None else []
        record = next((one for one in records if (one.kind, one.name) == (f"{kind}s", request.name)), None)
        if night is None or record is None:
            known = ", ".join(one.name for one in records if one.kind == f"{kind}s") or f"no {kind}"
            raise Refused(f"No {kind} {request.name!r} was recorded by then; that night has {known}.")
        bucket = layout_of(environment).bucket
        recorded = read_definition(environment, kind, bucket, record.object, record.sha256)
        return DefinitionFacts(kind, bucket, night, record, recorded, live_definition(environment, kind, record.name))

    def plan(self, run: Run, facts: DefinitionFacts, request: RestoreRequest) -> Plan:
        """One action: deploy over the revision that was seen."""
        what = f"{facts.kind} {facts.record.name}"
        revision = facts.record.revision
        achieved = f"As night {facts.night.night} recorded it ({revision})."
        details: dict[str, JsonValue] = {"night": facts.night.night, "achieved": achieved}
        run.summary = f"{what}. {achieved}"
        if same(facts.recorded, facts.live):
            return Plan(procedure=self.name, subject=what, details=details)
        action = deploy_definition.action(
            DeployDefinition(
                kind=facts.kind,
                name=facts.record.name,
                bucket=facts.bucket,
                object=facts.record.object,
                sha256=facts.record.sha256,
                expected=revision_of(facts.live),
                former=digest_of(facts.live),
            ),
            step="1 redeploy",
            target=what,
            precondition=f"the live one is still {revision_of(facts.live) or 'not deployed'}",
            undo="undo this run: it deploys the former one, which is kept in the ops bucket",
            why=f"as recorded: {revision or facts.record.sha256[:16]}",
            replaced=1 if facts.live is not None else 0,
            replaced_bytes=len(body_of(facts.live)) if facts.live is not None else 0,
        )
        details["diff"] = diff(facts.recorded, facts.live)
        return Plan(procedure=self.name, subject=what, actions=(action,), risk="medium", details=details)

    def guard(self, run: Run, facts: DefinitionFacts | None, plan: Plan, request: RestoreRequest) -> Iterable[str]:
        """An interrupted restore that holds delivery."""
        return unfinished_others(run) if facts is not None else ()

    def stage(self, run: Run, facts: DefinitionFacts, plan: Plan) -> Mapping[str, JsonValue]:
        """Keeps what is deployed now, for the way back."""
        if facts.live is not None:
            keep_definition(run.context.environment, facts.kind, facts.live)
        return {}

    def verify(self, run: Run, facts: DefinitionFacts | None) -> Verdict:
        """The deployment was read back by its step."""
        run.summary = summary(run.journal.plan())
        return Verdict()

    def may_abandon(self, run: Run, journal: Journal) -> bool:
        """It holds nothing, and what it had deployed is seen by the new plan."""
        return True

    def again(self, subject: str, asked: Mapping[str, JsonValue], reason: str) -> RestoreRequest:
        """The same restore."""
        return RestoreRequest.of(asked, reason)

    def sections(self, run: Run) -> Iterable[Section]:
        """The difference, and what came of it."""
        return sections(run)


def diff(recorded: Definition, live: Definition | None) -> str:
    """From what is live to what was recorded, as a unified diff. Values of environment variables are not shown."""
    before, after = (text_of(live) if live else []), text_of(recorded)
    lines = list(unified_diff(before, after, "live", "recorded", lineterm=""))
    return "\n".join(lines) or "They differ only in values that are not shown."


def text_of(found: Definition) -> list[str]:
    """A definition as lines; secrets are told apart by a digest."""
    if isinstance(found, WorkflowDefinition):
        settings = asdict(found)
        source = settings.pop("source")
        for name in ("revision_id", "revision_create_time"):
            settings.pop(name)
        settings["environment"] = {name: hidden(value) for name, value in found.environment.items()}
        return [*json.dumps(settings, indent=2, sort_keys=True).splitlines(), *str(source).splitlines()]
    return json.dumps(without_values(found.pinned()), indent=2, sort_keys=True).splitlines()


def without_values(value: Any) -> Any:
    """A job with every environment variable's value replaced."""
    value = copy.copy(value)
    if isinstance(value, dict):
        if "name" in value and isinstance(value.get("value"), str):
            return value | {"value": hidden(value["value"])}
        return {key: without_values(item) for key, item in value.items()}
    return [without_values(item) for item in value] if isinstance(value, list) else value


def hidden(text: str) -> str:
    """What stands for a value: equal values look equal."""
    return f"(sha256 {hashlib.sha256(text.encode()).hexdigest()[:12]})"
