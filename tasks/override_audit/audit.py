"""The audit: everything is asked, several services at the same time, and judged by pure functions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from blocks.catalogue import Catalogue
from blocks.clients import LIBRARIES, OF_OVERRIDES, load_libraries
from blocks.errors import OutsideError
from tasks.override_audit.datasets import judge_datasets
from tasks.override_audit.facts import Decision, Facts
from tasks.override_audit.finding import LONGEST, Finding, finding, plain
from tasks.override_audit.judge_records import judge_record
from tasks.override_audit.judge_scenes import judge_scene, regressed, went_on
from tasks.override_audit.judge_uses import judge_uses
from tasks.override_audit.ledgered import decision_of
from tasks.override_audit.merge import disagreements, merged
from tasks.override_audit.review import Review, reviews
from tasks.override_audit.scenes import look_at_scenes
from tasks.override_audit.stored import Stored, from_firestore, from_folder
from tasks.override_audit.uses import look_at_switches
from tasks.pipeline.override_ledger import ROOT, Recorded, read_all
from tasks.remediation.context import Context
from tasks.remediation.ledger import LedgerDamaged
from tasks.remediation.outcome import Refused
from tasks.remediation.report import counted, listed

UNRECORDED = (
    "gate-passed-silently", "override-too-late", "report-contradicts", "switch-in-run", "switch-in-argument", "nothing-failing",
    "dataset-bypassed",
)  # fmt: skip
"""Findings that say that something is not there."""
DAYS, MOST_DAYS = 30, 400
"""How far back runs, markers and decisions are looked at."""


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit found."""

    facts: Facts
    decisions: list[Decision]
    findings: list[Finding]
    reviews: list[Review]
    unsure: list[Finding] = field(default_factory=list)
    """What may be wrong, and cannot be said while not everything could be read."""
    after: dict[str, str] = field(default_factory=dict)
    """By override, where its scene went since, as its markers say."""
    people: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By override, who asked for it and who approved it."""


def audit(context: Context, days: int = DAYS, now: datetime | None = None) -> Audited:
    """Look and judge. Raises `Refused` for a window that makes no sense."""
    if not 1 <= days <= MOST_DAYS:
        raise Refused(f"{days} days make no sense: name 1 to {MOST_DAYS}.")
    at = now or datetime.now(UTC)
    facts, stored = Facts(at, at - timedelta(days=days)), Stored()
    load_libraries((*LIBRARIES, OF_OVERRIDES))  # before the threads, which would do it in each other's way
    with ThreadPoolExecutor(2) as pool:
        switches = pool.submit(look_at_switches, context.environment, facts)
        _records(context, facts, stored)
        look_at_scenes(context.environment, facts, stored)
        switches.result()
    facts.broken += stored.broken
    if context.environment.catalogue.gates.rules.allowed_overriders is None:
        facts.notes.append(
            "Who may approve is not judged: gates.rules.allowed_overriders of the catalogue names nobody."
        )
    return judged(context.environment.catalogue, facts, stored)


def judged(catalogue: Catalogue, facts: Facts, stored: Stored) -> Audited:
    """A pure function of what was seen. Of `facts.decisions` only those of the ledger count: the others are in `stored`."""
    own = [one for one in facts.decisions if one.form == "ledger"]
    decisions = [*own, *merged(stored.decisions, stored.logged)]
    found = {
        (one.code, one.scene, one.gate, one.override or one.where, one.sentence): one
        for one in _findings(catalogue, facts, stored, decisions)
    }
    sure = [one for one in found.values() if not _unsure(one, facts)]
    unsure = [one for one in found.values() if _unsure(one, facts)]
    if unsure:
        facts.unknown.append(
            f"{counted(len(unsure), 'finding')} about what was not recorded: not every record could be read, so nobody can "
            "say that there is none."
        )
    findings = sorted(sure, key=lambda one: (one.due, one.code, one.scene, one.gate, one.where))
    recent = [one for one in decisions if _recent(one, facts)]
    people = {plain(one.id): one.people for one in decisions}
    after = {
        one.id: _where_it_went(one, facts, catalogue) for one in recent if one.granted and one.scene in facts.scenes
    }
    return Audited(facts, recent, findings, reviews(facts, recent, findings), unsure, after, people)


def _where_it_went(one: Decision, facts: Facts, catalogue: Catalogue) -> str:
    scene = facts.scenes[one.scene]
    went = went_on(scene, one, catalogue, one.at) if one.at else []
    bad = regressed(scene, one, catalogue)
    words = [f"went on to {listed(went)}"] if went else []
    words += [f"{listed(bad)} failed"] if bad else []
    return ", ".join(words) or "no later stage has ended"


def _findings(catalogue: Catalogue, facts: Facts, stored: Stored, decisions: list[Decision]) -> Iterator[Finding]:
    by_scene: dict[str, list[Decision]] = defaultdict(list)
    for one in decisions:
        by_scene[one.scene].append(one)
        if facts.records_known and (_recent(one, facts) or not one.granted):
            facts.looked.add(plain(f"override {one.id}", LONGEST["settled_by"]))
        if one.granted and _recent(one, facts):
            yield from judge_record(one, catalogue.gates.rules, facts.scenes.get(one.scene), facts.now)
    for code, where, sentence in facts.broken:
        yield finding(code, facts.now, where, sentence, settled_by="records")
    yield from disagreements(stored, facts.now)
    for scene in facts.scenes.values():
        if scene.id not in facts.unsure and facts.records_known:
            facts.looked |= {plain(f"after {one.id}", LONGEST["settled_by"]) for one in by_scene[scene.id]}
        yield from judge_scene(scene, by_scene[scene.id], catalogue, facts.now)
        yield from judge_datasets(scene, by_scene[scene.id], facts.now)
    yield from judge_uses(facts.uses, decisions, facts.now)


def _unsure(one: Finding, facts: Facts) -> bool:
    """Whether it says that there is no record, and one may be where nobody could look."""
    return one.code in UNRECORDED and (not facts.records_known or one.scene in facts.unsure)


def _recent(one: Decision, facts: Facts) -> bool:
    """Whether it is of the window, or still holds; one without a time is."""
    return one.at is None or one.at >= facts.since or (one.until is not None and one.until >= facts.since)


def _records(context: Context, facts: Facts, stored: Stored) -> None:
    """What is recorded outside the scenes. `facts.decisions` gets it too, so that its scenes are kept."""
    from_firestore(context.environment, facts, stored)
    from_folder(context.environment, facts, stored)
    facts.decisions += merged(stored.decisions, stored.logged)
    try:
        for id_, one in read_all(context):
            where = f"gs://{context.environment.ops_bucket}/{ROOT}{id_}/"
            if isinstance(one, Recorded):
                facts.decisions.append(decision_of(one, where))
            elif isinstance(one, LedgerDamaged):
                verify = f"remediate journal verify {ROOT}{id_}/"
                said = str(one) if verify in str(one) else f"{one} See `{verify}`."
                facts.broken.append(("ledger-damaged", where, said))
            else:
                facts.records_known = False
                facts.unknown.append(f"The override {id_}: {one}")
    except OutsideError as error:
        facts.records_known = False
        facts.unknown.append(f"The overrides that are recorded here: {error}")
