"""The plan of a night: few actions, each for many objects, from what was observed."""

from __future__ import annotations

from collections.abc import Iterator

from tasks.backup import kinds
from tasks.backup.night import Night
from tasks.remediation.plan import Action, Plan
from tasks.snapshots.summary import Engine

PROCEDURE = "nightly-backup"
SUBJECT = "@backup"
"""What the lease and the journal of backups are called."""
ONCE = "no object of that name there"
NO_UNDO = "none needed: expiry removes what no kept night names"


def plan_backup(night: Night) -> Plan:
    """What the night would do."""
    actions = (*copying(night), manifest(night), *lists(night), summary(night))
    return Plan(procedure=PROCEDURE, subject=SUBJECT, actions=actions, risk="low")


def engine_for(night: Night) -> Engine:
    """Storage Transfer Service from a configurable size on: one process must not copy petabytes."""
    rules, (objects, size) = night.rules, night.source.counts.to_copy
    many = rules.transfer_above_objects and objects >= rules.transfer_above_objects
    much = rules.transfer_above_bytes and size >= rules.transfer_above_bytes
    return "transfer" if many or much else "copy"


def copying(night: Night) -> Iterator[Action]:
    """One action for each class that has something to copy."""
    for name, count in sorted(night.source.classes.items()):
        if count.to_copy:
            words = [(count.new, "new"), (count.changed, "changed"), (count.again, "with wrong bytes in their copy")]
            why = ", ".join(f"{number:,} {word}" for number, word in words if number)
            yield kinds.copy_objects.action(
                kinds.CopyObjects(object_class=name, objects=count.to_copy, engine=night.engine),
                step="1 copy",
                target=f"{count.to_copy:,} objects of class {name}",
                precondition="each the generation that was listed, no copy of it there",
                undo=NO_UNDO,
                why=why,
                objects=count.to_copy,
                bytes=count.copy_bytes,
            )


def manifest(night: Night) -> Action:
    """The record of every object."""
    objects, size = night.source.counts.seen, sum(count.bytes for count in night.source.classes.values())
    return kinds.write_manifest.action(
        kinds.WriteManifest(objects=objects, bytes=size),
        step="2 write manifest",
        target=f"manifest of {objects:,} objects",
        precondition=ONCE,
        undo=NO_UNDO,
        why="what a restore reads",
    )


def lists(night: Night) -> Iterator[Action]:
    """What is deployed, and Terraform's state."""
    deployed, states = night.deployed, night.states
    for kind, count, new, what in (
        (kinds.capture_definitions, len(deployed.found), len(deployed.new), "definitions of what is deployed"),
        (kinds.capture_terraform, len(states.found), len(states.new), "generations of Terraform's state"),
    ):
        yield kind.action(
            kinds.Capture(found=count, new=new),
            step=f"3 {kind.name.replace('_', ' ')}",
            target=f"{count:,} {what}",
            precondition=ONCE,
            undo=NO_UNDO,
            why=f"{new:,} new or changed",
        )


def summary(night: Night) -> Action:
    """The last object of the night."""
    return kinds.write_summary.action(
        kinds.WriteSummary(signed=bool(night.rules.signing_key.get_secret_value())),
        step="4 write summary",
        target="the night's summary",
        precondition=ONCE,
        undo=NO_UNDO,
        why="a night without it does not exist",
    )
