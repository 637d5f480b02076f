"""Restore of Terraform's remote state: one generation of one workspace. Nothing is ever applied."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError
from tasks.actions.terraform_state import StateVersion, lock_of, put_action, read_state, restore_state
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
from tasks.snapshots.nights import read_states
from tasks.snapshots.summary import StateRecord, Summary
from tasks.snapshots.terraform import STATE, folder_of

_WORKSPACE = re.compile(r"[A-Za-z0-9_-]{1,90}")
NEXT = "Now run `terraform plan` in the workspace and read it: nothing was applied."


@dataclass(frozen=True, slots=True)
class StateFacts:
    """The wanted generation and the live one."""

    bucket: str
    name: str
    workspace: str
    target: StateVersion
    live: StateVersion | None
    same: bool
    """Whether the live one has the wanted bytes."""


class RestoreState(Procedure[RestoreRequest, StateFacts]):
    """Handbook: 'Backup and restore'. One workspace of Terraform's remote state."""

    name = "restore-state"
    kinds = (restore_state,)

    def subjects(self, context: Context, request: RestoreRequest) -> tuple[str, ...]:
        """Restores."""
        check(context.environment, request)
        workspace = request.name or "default"
        if request.kind != "terraform-state":
            raise Refused(f"The scope {request.kind} is no Terraform state.")
        if not context.environment.backup.terraform_state_bucket:
            raise Refused(
                "There is no remote Terraform state: terraform_state_bucket of the backup policy is empty. A local state "
                "is a file of whoever ran Terraform; ask them, or name the bucket of the gcs backend there."
            )
        if not _WORKSPACE.fullmatch(workspace):
            raise Refused(f"{workspace!r} is no workspace; give its name, as in 'default'.")
        return (SUBJECT,)

    def observe(self, run: Run, request: RestoreRequest) -> StateFacts:
        """Find the generation of that time and read it beside the live one."""
        environment, workspace = run.context.environment, request.name or "default"
        bucket, name = environment.backup.terraform_state_bucket, folder_of(environment) + workspace + STATE
        stored = environment.storage.stat(bucket, name)
        target = state_at(environment, request, bucket, name)
        if target is None:
            raise Refused(f"No generation of gs://{bucket}/{name} of that time is left; give another time.")
        same = stored is not None and (stored.size, stored.crc32c) == (target.stored.size, target.stored.crc32c)
        live = target if same and stored else read_state(environment, stored, "live") if stored else None
        return StateFacts(bucket, name, workspace, target, live, same)

    def plan(self, run: Run, facts: StateFacts, request: RestoreRequest) -> Plan:
        """One action: lock, look, copy, unlock."""
        stored, what = facts.target.stored, f"Terraform state {facts.workspace}"
        achieved = (
            f"Generation {stored.generation} (serial {facts.target.serial}), written {stored.updated:%Y-%m-%d %H:%M:%S} "
            f"UTC, from {facts.target.source_kind}."
        )
        run.summary = f"{what}. {achieved}"
        actions = () if facts.same else (put_action(facts.name, facts.target, facts.live),)
        run.notes += [] if facts.same else [NEXT]
        details: dict[str, JsonValue] = {"achieved": achieved}
        return Plan(procedure=self.name, subject=what, actions=actions, risk="high", details=details)

    def guard(self, run: Run, facts: StateFacts | None, plan: Plan, request: RestoreRequest) -> Iterable[str]:
        """Another infrastructure, a smaller serial, an interrupted restore that holds delivery."""
        if facts is not None:
            yield from unfinished_others(run)
            yield from forbidden(facts.live, facts.target, request.older_serial)

    def verify(self, run: Run, facts: StateFacts | None) -> Verdict:
        """The state was read back by its step."""
        run.summary = f"{summary(run.journal.plan())} {NEXT}"
        return Verdict()

    def may_abandon(self, run: Run, journal: Journal) -> bool:
        """One that holds Terraform's lock is finished first: nobody else gives that back."""
        return lock_of(run.context.environment, journal) is None

    def again(self, subject: str, asked: Mapping[str, JsonValue], reason: str) -> RestoreRequest:
        """The same restore."""
        return RestoreRequest.of(asked, reason)

    def in_force(self, run: Run) -> Iterable[str]:
        """Terraform's lock."""
        if run.begun:
            try:
                lock = lock_of(run.context.environment, run.journal)
            except OutsideError as error:
                yield f"Whether Terraform's lock is still held could not be asked ({error})."
                return
            if lock is not None:
                yield f"Meanwhile Terraform's lock {lock.uri} is held by this run."

    def sections(self, run: Run) -> Iterable[Section]:
        """What came of it."""
        return sections(run)


def state_at(environment: PipelineEnvironment, request: RestoreRequest, bucket: str, name: str) -> StateVersion | None:
    """The generation that was live then: from the bucket's versions, else the night's copy."""
    held = [one for one in environment.storage.list(bucket, name, versions=True) if one.name == name]
    if request.at is not None:
        at = request.at
        there = [one for one in held if one.created <= at and (one.noncurrent_at is None or at < one.noncurrent_at)]
        if there:
            return read_state(environment, there[-1], "the bucket's versions")
    night = night_of(environment, request)
    record = recorded_state(environment, night, name) if night is not None else None
    if record is None or night is None:
        return None
    there = [one for one in held if one.generation == record.generation]
    if there:
        return read_state(environment, there[0], "the bucket's versions")
    copy = environment.storage.stat(layout_of(environment).bucket, record.object)
    if copy is None or (copy.size, copy.crc32c) != (record.size, record.crc32c):
        return None
    return read_state(environment, copy, f"the copy of night {night.night}")


def recorded_state(environment: PipelineEnvironment, night: Summary, name: str) -> StateRecord | None:
    """The generation that was live that night."""
    return next((one for one in read_states(environment, night) if one.name == name and one.live), None)


def forbidden(live: StateVersion | None, target: StateVersion, older_serial: bool) -> list[str]:
    """Why this generation may not take the live one's place."""
    if live is None:
        return []
    if live.lineage != target.lineage:
        return [
            f"The wanted state has lineage {target.lineage}, the live one {live.lineage}: they are different "
            "infrastructures, so it is not put there."
        ]
    if target.serial < live.serial and not older_serial:
        return [
            f"The wanted state has serial {target.serial}, the live one {live.serial}: Terraform would forget what it "
            "made since. Run it with older_serial if that is what you want."
        ]
    return []
