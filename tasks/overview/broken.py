"""What is broken: by the record of the last sweep, which has looked at every scene, and the incidents that are open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import groupby

from tasks.overview.state import Item, State, Unknown
from tasks.recovery.sweep_record import Bad, SweepRecord, read_sweep
from tasks.remediation.context import Context
from tasks.remediation.report import counted, listed

SWEEP = "prefect deployment run export-sweep/export-sweep"
OLD = timedelta(hours=2)
"""A sweep runs every half hour: after three that did not run, what the last one knows is old."""
FEW = 5
"""So many scenes with one fault are recovered by their names; with more of them the cause is looked for first."""


def ask_sweep(context: Context, state: State) -> None:
    """What the last sweep has seen; never the scenes themselves."""
    part, record = state.parts["broken"], read_sweep(context.environment)
    if record is None:
        part.unknown.append(Unknown("No sweep has left a record yet, so nobody knows which scenes are broken.", SWEEP))
        return
    state.sweep = record
    seen = record.seen
    part.notes.append(f"{counted(seen.scenes, 'scene')} looked at by the sweep of {seen.at:%Y-%m-%d %H:%M} UTC.")
    if state.at - seen.at > OLD:
        sentence = f"What has broken since the sweep of {seen.at:%Y-%m-%d %H:%M} UTC is not known."
        part.unknown.append(Unknown(sentence, SWEEP))
    part.items += faults(record)
    if unseen := of_kind(record, "unseen"):
        names = listed([one.scene_id for one in unseen])
        sentence = f"{counted(len(unseen), 'scene')} could not be read ({names}): {unseen[0].what}"
        part.unknown.append(
            Unknown(sentence, f"remediate validate gs://{context.environment.data_bucket}/scenes/{unseen[0].scene_id}")
        )
    state.parts["held"].items += stops(of_kind(record, "stopped"))


def of_kind(record: SweepRecord, kind: str) -> list[Bad]:
    """Those of one kind."""
    return [one for one in record.bad if one.kind == kind]


def faults(record: SweepRecord) -> Iterator[Item]:
    """One item a fault, the most frequent first."""
    ordered = sorted(of_kind(record, "broken"), key=lambda one: (one.fault, one.scene_id))
    groups = [list(group) for _, group in groupby(ordered, key=lambda one: one.fault)]
    for group in sorted(groups, key=lambda group: -len(group)):
        names = [one.scene_id for one in group]
        first = group[0]
        stage, _, code = first.fault.partition(":")
        why = ", ".join(filter(None, (stage and f"stage {stage}", code))) if code else "of unknown cause"
        yield Item(
            what=f"{listed(names)} {'is' if len(names) == 1 else 'are'} broken ({why}). {first.what}",
            since=min(one.since for one in group),
            next=f"remediate recover {' '.join(names)}"
            if len(names) <= FEW
            else f"remediate diagnose {' '.join(names[:3])}",
            subjects=tuple(names),
        )


def stops(stopped: Iterable[Bad]) -> Iterator[Item]:
    """What persons, or the pipeline itself, have stopped, one item a scene and sentence."""
    by_sentence = sorted(stopped, key=lambda one: (one.what, one.scene_id))
    for what, group in groupby(by_sentence, key=lambda one: one.what):
        found = list(group)
        names = [one.scene_id for one in found]
        yield Item(
            what=f"Work on {listed(names)} is stopped: {what}",
            since=min(one.since for one in found),
            whose="whoever has put it there",
            next=f"remediate diagnose {' '.join(names[:3])}",
            acts=False,
            subjects=tuple(names),
        )
