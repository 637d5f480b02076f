"""Every kind of entry is one sentence in the timeline, in the order in which things were, and none is left out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from blocks.environment import PipelineEnvironment
from tasks.incidents.entries import (
    SAID,
    Acknowledged,
    Acted,
    Changed,
    Closed,
    Decided,
    Declared,
    Diagnosed,
    Entered,
    Evidence,
    FollowUp,
    Noted,
    Paged,
    Paging,
    Reopened,
    Resolved,
    Scope,
    Updated,
)
from tasks.incidents.fault_entries import Fault, Mended
from tasks.incidents.incident import declare, read_incident
from tasks.incidents.said import Said
from tasks.remediation.times import one_line
from tasks.response.timeline import events, sentence
from tests.response.world import heir, wanted

NOON = datetime(2026, 1, 18, 12, 0, tzinfo=UTC)
SENTENCES: tuple[tuple[Said, str], ...] = (
    (Declared(title="Exports fail"), "Declared: Exports fail (sev3, pipeline, nobody leads yet; scope: not known)"),
    (Declared(title="x", severity="sev1", area="data", commander="bo", scope=Scope(jobs=("j",))), "Declared: x (sev1, data, led by bo; scope: 1 job: j)"),
    (Noted(text="I looked"), "I looked"),
    (Changed(), "Changed: nothing"),
    (Changed(severity="sev1", commander="bo", scope=Scope(scenes=("a",)), began_at=NOON), "Changed: severity sev1; commander bo; scope 1 scene: a; it began 2026-01-18 12:00:00 UTC"),
    (Entered(phase="diagnose"), "Phase: diagnose"),
    (Acted(procedure="pause-intake", outcome="done"), "pause-intake: done"),
    (Acted(procedure="x", outcome="failed", sentence="a: failed - why"), "x: a: failed - why"),
    (Decided(by="", phase="resolve", choice="not_yet"), "somebody decided (resolve): not yet"),
    (Decided(by="bo", phase="mitigate", choice="recover", scenes=("a", "b"), restore_inputs=True, accept_systematic=True), "bo decided (mitigate): recover - a, b; bad inputs are put back; although many scenes show the same"),
    (Evidence(name="n", sha256="s", bytes=12345, what="triggers"), "Evidence: triggers (12,345 bytes)"),
    (Fault(row="stale-lock", subject="x.lock of y", began_at=NOON), "Wrong since 2026-01-18 12:00:00 UTC: stale-lock, x.lock of y"),
    (Fault(row="stale-lock", subject="x.lock of y"), "Wrong since unknown: stale-lock, x.lock of y"),
    (Mended(row="stale-lock", subject="x", ended_at=NOON, exact=True), "Right again since 2026-01-18 12:00:00 UTC: stale-lock, x"),
    (Mended(row="stale-lock", subject="x", ended_at=NOON), "Right again when looked at, 2026-01-18 12:00:00 UTC: stale-lock, x"),
    (Diagnosed(), "Causes: unknown"),
    (Diagnosed(causes=("a", "b", "c"), unknown=("d",)), "Causes: a and 2 more; 1 thing not known"),
    (Updated(impact="i", mitigation=""), "Update: i; no mitigation; ETA unknown"),
    (Updated(impact="i", mitigation="m", eta="noon", next_update_at=NOON), "Update: i; m; ETA noon; next update 2026-01-18 12:00:00 UTC"),
    (Paging(key="k", to="ann", sink="mail", text="wake up"), "Message to ann by mail: wake up"),
    (Paged(key="k", outcome="failed", sentence="no route"), "Message k: failed - no route"),
    (Paged(key="k", outcome="sent"), "Message k: sent"),
    (Acknowledged(by="bo", how="link", identity="verified"), "Acknowledged by bo (link; the name is verified)"),
    (FollowUp(text="alert"), "To do: alert (nobody)"),
    (FollowUp(text="alert", owner="cy", due=NOON), "To do: alert (cy, by 2026-01-18 12:00:00 UTC)"),
    (Resolved(how="rolled back"), "Resolved: rolled back"),
    (Reopened(why="it is back"), "Opened again: it is back"),
    (Closed(), "Closed"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("said", "words"), SENTENCES, ids=[f"{said.kind}-{n}" for n, (said, _) in enumerate(SENTENCES)]
)
def test_an_entry_is_told_in_one_sentence(said: Said, words: str) -> None:
    assert sentence(said) == words


def test_every_kind_of_entry_has_a_sentence_of_its_own() -> None:
    assert {said.kind for said, _ in SENTENCES} == set(SAID)


def test_what_this_version_does_not_know_is_shown_and_hides_nothing(environment: PipelineEnvironment) -> None:
    incident = declare(heir(environment), wanted().declaration())
    incident.case.record("omen", {"bird": "raven"})
    incident.say(Noted(text="after it"))
    told = events(read_incident(heir(environment), incident.id))
    assert [(one.number, one.kind) for one in told] == [(1, "declared"), (2, "omen"), (3, "note")]
    assert told[1].what == "an entry that this version does not know"


def test_things_stand_where_they_were_and_not_where_they_were_written(environment: PipelineEnvironment) -> None:
    incident = declare(heir(environment), wanted().declaration())
    incident.say(Noted(text="now"))
    incident.say(Noted(text="earlier", at=incident.declared_at - timedelta(minutes=1)))
    incident.say(Resolved(how="it ended", at=incident.declared_at + timedelta(days=1)))
    incident.say(Noted(text="later"))
    told = events(incident)
    assert [one.number for one in told] == [3, 1, 2, 5, 4]
    assert told[0].at < told[0].written
    assert told[-1].at > told[-1].written


@pytest.mark.parametrize(
    ("text", "line"), [("a\n b\t c", "a b c"), ("", ""), ("x" * 400, "x" * 400), ("x" * 401, "x" * 396 + " ...")]
)
def test_a_sentence_is_one_line_and_not_too_long(text: str, line: str) -> None:
    assert one_line(text) == line
