"""Plan the recovery of one scene: a pure function of what was observed.

Handbook, 'Export missing or corrupt': find the earliest broken stage, remove what would make the rerun skip (completion
and failure markers, stale locks) and its outputs, run the right workflow, check the outputs. Markers of everything made
from that stage go first, so that nothing looks complete while it is being remade; outputs of a later stage go only just
before that stage is run again, so that a failed rerun never leaves later data deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import JsonValue

from blocks.catalogue import Catalogue
from blocks.catalogue_query import class_of, expand, job_env, workflow_argument, writes
from blocks.patterns import matches
from tasks.recovery.candidates import Candidate
from tasks.recovery.escalate import escalations
from tasks.recovery.observe import SceneFacts
from tasks.recovery.options import with_former_options
from tasks.recovery.request import PROCEDURE
from tasks.recovery.rerun import Unit, earliest_broken, fired_by, stages_to_make, startable
from tasks.remediation.plan import Action, Plan, Risk

NEVER_DELETED = ("input", "guard", "idempotency_record")
"""Classes that no clearing deletes. A stale lock and a work record of the job that is made again are named singly."""
MARKERS = ("completion_marker", "failure_marker")


def plan_recovery(facts: SceneFacts, catalogue: Catalogue, bucket: str, restore_inputs: bool = False) -> Plan:
    """What would make the scene whole again, or why a person must act.

    Args:
        facts: What was observed.
        catalogue: The pipeline.
        bucket: The data bucket's name, for the workflows' arguments.
        restore_inputs: Put good copies of bad inputs back first, where there are any.
    """
    stages = stages_to_make(facts.report.stages, catalogue, facts.promised, facts.files)
    made = tuple(dict.fromkeys([*(s for unit in facts.units for s in unit.stages if s in ran(facts)), *stages]))
    restored = facts.candidates if restore_inputs else ()
    builder = Builder(facts, catalogue, bucket)
    actions = [*builder.locks(), *builder.restores(restored), *builder.markers(made)]
    ready = tuple(startable(facts.units, catalogue, facts.job_id))
    for position, unit in enumerate(ready):
        actions += builder.unit(unit, ready[:position], made)
    return Plan(
        procedure=PROCEDURE,
        subject=facts.scene_id,
        actions=tuple(actions),
        escalations=tuple(escalations(facts, catalogue, stages, restored)),
        risk=risk(facts.units, restored, catalogue),
        details={
            "fault": fault(facts, catalogue),
            "restart": list(earliest_broken(facts.report.stages, catalogue) or stages[:1]),
            "stages": list(made),
        },
    )


def ran(facts: SceneFacts) -> set[str]:
    """Stages that ran before, or are owed."""
    return {stage for stage, state in facts.report.stages.items() if state != "never_ran"} | set(facts.promised)


def risk(planned: Iterable[Unit], restored: Iterable[Candidate], catalogue: Catalogue) -> Risk:
    """High when GPU time is spent or inputs are replaced, medium when anything is started, else low."""
    listed = list(planned)
    if any(catalogue.stages[stage].gpu for unit in listed for stage in unit.stages) or list(restored):
        return "high"
    return "medium" if listed else "low"


def fault(facts: SceneFacts, catalogue: Catalogue) -> str:
    """The first broken stage and its first error's code: equal for scenes that broke the same way."""
    for stage in earliest_broken(facts.report.stages, catalogue):
        codes = sorted(f.code for f in facts.report.findings if f.stage == stage and f.severity == "error")
        return f"{stage}:{codes[0] if codes else facts.report.stages[stage]}"
    return ""


class Builder:
    """Makes the actions of one plan; remembers what is to be deleted so that nothing is named twice."""

    def __init__(self, facts: SceneFacts, catalogue: Catalogue, bucket: str) -> None:
        self.facts, self.catalogue, self.bucket = facts, catalogue, bucket
        self.prefix = catalogue.scene_prefix(facts.scene_id)
        self.named: set[str] = set()
        self.copy_first = not facts.protection.undoable
        self.undo = "the bucket's own history" if facts.protection.undoable else "copy in the ops bucket's quarantine"

    def locks(self) -> Iterator[Action]:
        """Locks whose holder has ended."""
        for lock in self.facts.locks:
            if lock.alive is False:
                yield self.delete("remove stale lock", lock.path, f"its holder {lock.holder or '(unnamed)'} has ended")

    def restores(self, candidates: Iterable[Candidate]) -> Iterator[Action]:
        """Good copies over bad inputs."""
        for candidate in candidates:
            live = self.facts.files.get(candidate.object.removeprefix(self.prefix))
            yield Action(
                step="restore inputs",
                kind="restore_object",
                effect="write",
                target=candidate.object,
                precondition=f"generation {live.generation}" if live else "absent",
                undo=self.undo if live else "delete it",
                bytes=candidate.size,
                replaced=1 if live else 0,
                replaced_bytes=live.size if live else 0,
                why=f"the live one is bad; {candidate.source.replace('_', ' ')} holds a good copy",
                params={
                    "name": candidate.object,
                    "live_generation": (live.generation or 0) if live else 0,
                    "source": candidate.source,
                    "source_bucket": candidate.bucket,
                    "source_name": candidate.name,
                    "generation": candidate.generation,
                    "crc32c": candidate.crc32c,
                    **({"copy_first": True} if self.copy_first and live else {}),
                },
            )

    def markers(self, stages: Iterable[str]) -> Iterator[Action]:
        """Completion and failure markers of every stage that is made again."""
        for stage in stages:
            rules = self.catalogue.stages[stage]
            for path in self.matching([*rules.clear.markers, *rules.failure_markers], rules.clear.keep, MARKERS):
                yield self.delete("clear completion markers", path, f"{stage} is made again; it would skip or mislead")

    def unit(self, unit: Unit, earlier: Iterable[Unit], made: tuple[str, ...]) -> Iterator[Action]:
        """Clear the unit's outputs, run it, check what it made, and record what no cloud component records."""
        step = f"clear outputs for {unit.entry}"
        written = self.written(unit)
        for stage in unit.stages:
            rules = self.catalogue.stages[stage]
            for path in self.matching(rules.clear.outputs, rules.clear.keep):
                if path in written or any(matches(pattern, path) for pattern in written if "*" in pattern):
                    yield self.delete(step, path, f"{stage} makes it again")
        for record in self.facts.records:
            if record.stage in unit.stages and record.ours and record.path in self.facts.files:
                yield self.delete(step, record.path, f"{record.stage} would answer SKIPPED", quarantine=True)
        yield self.start(unit, fired_by(unit, earlier, self.catalogue, self.facts.triggers))
        checked = tuple(s for s in unit.stages if s in made or not self.catalogue.stages[s].optional)
        yield Action(
            step=f"check {unit.entry}",
            kind="verify_stages",
            effect="read",
            target=f"{unit.entry} outputs",
            precondition="",
            undo="",
            why="an execution that succeeded proves nothing; its outputs do",
            params={"stages": list(checked), "after": self.start_target(unit)},
        )
        yield from self.records(unit, checked)

    def written(self, unit: Unit) -> frozenset[str]:
        """Paths and patterns of what the unit will write again. A simulation that is run again has another id then."""
        catalogue, facts = self.catalogue, self.facts
        job_id = None if any(catalogue.stages[stage].genie_sim for stage in unit.stages) else facts.job_id
        templates = [path for stage in unit.stages for path in writes(catalogue.stages[stage])]
        wide = [
            path.replace("{object_id}", "*") if facts.object_ids is None or "*" in path else path for path in templates
        ]
        return frozenset(one for path in wide for one in expand(path, facts.object_ids or (), job_id))

    def records(self, unit: Unit, stages: Iterable[str]) -> Iterator[Action]:
        """Markers that a later stage asks for and that no cloud component writes."""
        for stage in stages:
            for name in self.catalogue.stages[stage].markers:
                marker = self.catalogue.markers[name]
                if marker.rewrite:
                    path = marker.paths[0]
                    yield Action(
                        step=f"record {unit.entry}",
                        kind="write_object",
                        effect="write",
                        target=self.prefix + path,
                        precondition="absent",
                        undo="delete it",
                        why=f"{stage} is proved; a later stage asks for this marker and nothing in the cloud writes it",
                        params={
                            "name": self.prefix + path,
                            "payload": {"status": "completed", "scene_id": self.facts.scene_id, "stage": stage},
                            "dated_by": self.proofs(stage),
                        },
                    )

    def proofs(self, stage: str) -> list[JsonValue]:
        """Plainly named required outputs of a stage: the newest of them says when the stage was completed."""
        outputs = [output for output in self.catalogue.stages[stage].outputs if output.required]
        return [self.prefix + output.path for output in outputs if not set("*{") & set(output.path)]

    def start(self, unit: Unit, trigger: str | None) -> Action:
        """Run the unit's workflow with its exact argument, or its job with its variables."""
        stage = self.catalogue.stages[unit.leading_stage]
        common = {"stages": list(unit.stages), "leading_stage": unit.leading_stage}
        if unit.is_job:
            env: dict[str, object] = dict(
                job_env(self.catalogue, unit.leading_stage, bucket=self.bucket, scene_id=self.facts.scene_id)
            )
            if former := self.facts.options.get(unit.entry):
                env = with_former_options(stage.rerun.env if stage.rerun else {}, env, former)
            params = {**common, "job": unit.entry, "env": env, "timeout_seconds": stage.timeout_seconds}
        else:
            argument = workflow_argument(
                self.catalogue,
                unit.entry,
                bucket=self.bucket,
                scene_id=self.facts.scene_id,
                event_name=unit.event_name,
                job_id=self.facts.job_id,
            )
            if former := self.facts.options.get(unit.entry):
                template = self.catalogue.workflows[unit.entry].argument
                argument = with_former_options(template, argument, former)
            seconds = self.catalogue.workflows[unit.entry].timeout_seconds
            params = {**common, "workflow": unit.entry, "argument": argument, "timeout_seconds": seconds}
            if trigger:
                params["fired_by"] = trigger
        return Action(
            step=f"rerun {unit.entry}",
            kind="run_job" if unit.is_job else "start_workflow",
            effect="start",
            target=self.start_target(unit),
            precondition="nothing else is at work on the scene",
            undo="cancel it, then undo the deletions",
            why=f"makes {', '.join(unit.stages)} again"
            + (f"; trigger {trigger} may start it by itself" if trigger else ""),
            params=params,
        )

    def start_target(self, unit: Unit) -> str:
        return f"{unit.entry} for {self.facts.scene_id}"

    def matching(
        self, patterns: Iterable[str], keep: Iterable[str], classes: tuple[str, ...] | None = None
    ) -> Iterator[str]:
        """Existing files that match, are not kept, were not named yet, and are of a class that may be deleted."""
        kept = (*keep, *(stop.path for stop in self.facts.stops))
        for pattern in (one for template in patterns for one in expand(template, (), self.facts.job_id)):
            for path in sorted(self.facts.files):
                if path in self.named or not matches(pattern, path) or any(matches(k, path) for k in kept):
                    continue
                found = class_of(self.catalogue, path)
                if found in classes if classes else found not in NEVER_DELETED:
                    self.named.add(path)
                    yield path

    def delete(self, step: str, path: str, why: str, *, quarantine: bool = False) -> Action:
        """Delete one object of the generation that was seen; with `quarantine` a copy is kept whatever the bucket does."""
        self.named.add(path)
        file = self.facts.files[path]
        params = {"name": self.prefix + path, "generation": file.generation or 0, "crc32c": file.crc32c or ""}
        return Action(
            step=step,
            kind="delete_object",
            effect="delete",
            target=self.prefix + path,
            precondition=f"generation {file.generation}",
            undo="copy in the ops bucket's quarantine" if quarantine else self.undo,
            why=why,
            bytes=file.size,
            params={**params, "copy_first": True} if self.copy_first or quarantine else params,
        )
