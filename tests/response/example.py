"""The incident that docs/examples shows, with fixed times. `python -m tests.response.example` writes the files anew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from blocks.storage import PipelineStorage
from tasks.incidents.entries import (
    Acknowledged,
    Acted,
    Changed,
    Decided,
    Declared,
    Diagnosed,
    Entered,
    Evidence,
    FollowUp,
    Noted,
    Resolved,
    Scope,
    Updated,
)
from tasks.incidents.incident import ROOT, Incident, record_of, told
from tasks.incidents.said import Said
from tasks.remediation.case import Case
from tasks.remediation.ledger import Entry
from tasks.remediation.report import Section
from tasks.response.review import markdown_of, picture_of, with_link

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "examples"
ID = "inc-20260118t101502z-9f3ac1d2"
BEGIN = datetime(2026, 1, 18, 10, 15, 2, tzinfo=UTC)
PAUSE, RECOVERY = "20260118t101655z-1b2c3d4e", "20260118t103011z-5f6a7b8c"

PAUSED = f"intake is paused by run {PAUSE} (ann) since 2026-01-18 10:16 UTC, until 2026-01-18 22:16 UTC at the latest: incident {ID}; remediate intake resume {PAUSE} --apply"  # fmt: skip


def evidence(kind: str, size: int, what: str) -> Evidence:
    """One file."""
    return Evidence(
        name=f"{ROOT}{ID}/evidence/{kind}.json", sha256=(kind.encode().hex() * 9)[:64], bytes=size, what=what
    )


SAID: tuple[tuple[int, str, Said], ...] = (
    (0, "ann", Declared(title="Exports of two kitchens are missing", severity="sev2", scope=Scope(scenes=("kitchen_001", "kitchen_002")), channel="https://chat.example.com/inc", began_at=BEGIN - timedelta(minutes=11, seconds=40))),
    (3, "ann", Entered(phase="stabilise")),
    (55, "bo", Acknowledged(by="bo", how="command")),
    (113, "ann", Acted(procedure="pause-intake", subject="@intake", run=PAUSE, outcome="done", sentence="@intake: done - 3 schedulers and 9 triggers paused, to be resumed by 2026-01-18 22:16 UTC", seconds=8.4, gives_back=f"remediate intake resume {PAUSE} --apply")),
    (116, "ann", Noted(text="1 execution running, none was cancelled: usd-assembly-pipeline 4f1c on kitchen_001 (cancelled, it would leave gs://example-scenes/scenes/kitchen_001/locks/usd-assembly.lock).")),
    (118, "ann", evidence("active", 512, "executions that were running, and the locks they would leave")),
    (118, "ann", evidence("executions", 48_213, "executions of workflows in the last 24 h, with argument and result")),
    (118, "ann", evidence("errors", 9_730, "log entries of severity ERROR and above in the last 24 h")),
    (119, "ann", evidence("manifest", 1_904, "sizes and checksums of the files")),
    (120, "ann", Entered(phase="diagnose")),
    (131, "ann", Diagnosed(causes=("2 scenes (kitchen_001, kitchen_002) show genie-sim-export:export-missing: geniesim/scene_graph.json is not there. Remedy: remediate recover kitchen_001 kitchen_002",), unknown=("Scenes were validated by their documents and file lists.",))),
    (131, "ann", Entered(phase="mitigate")),
    (140, "bo", Changed(commander="bo")),
    (905, "ann", Decided(by="bo", phase="mitigate", choice="recover", scenes=("kitchen_001", "kitchen_002"))),
    (1490, "ann", Acted(procedure="export-recovery", subject="kitchen_001", run=RECOVERY, outcome="done", sentence="kitchen_001: done - restarted at genie-sim-export", seconds=521.7)),
    (1502, "ann", Acted(procedure="export-recovery", subject="kitchen_002", outcome="refused", sentence="kitchen_002: refused - somebody stopped this scene's export", seconds=1.2)),
    (1700, "ann", Decided(by="bo", phase="mitigate", choice="by_hand", text="asked cy, who lifted the stop of kitchen_002 | it exports again")),
    (1701, "ann", Acted(procedure="by hand", subject="bo", outcome="done", sentence="asked cy, who lifted the stop of kitchen_002 | it exports again")),
    (1740, "ann", Decided(by="bo", phase="mitigate", choice="go_on")),
    (1740, "ann", Entered(phase="communicate")),
    (1802, "ann", Updated(impact="no exports between 10:03 and 10:43", mitigation="both scenes were exported again", eta="over", next_update_at=BEGIN + timedelta(minutes=60))),
    (1803, "ann", Entered(phase="resolve")),
    (2410, "ann", FollowUp(text="Alert when a scene has a stop for more than a day", owner="cy", due=BEGIN + timedelta(days=7))),
    (2466, "ann", Noted(text=f"Resolved although {PAUSED}")),
    (2466, "ann", Resolved(how="both scenes have whole exports", at=BEGIN + timedelta(seconds=2340))),
    (2467, "ann", Entered(phase="review")),
)  # fmt: skip


RAN = Section(
    "How it ran before and after",
    rows=(
        {
            "workflow": "genie-sim-export-pipeline",
            "24 h before": "41 ended, 1 failed, median 12 min 20 s",
            "since it was over": "2 ended, 0 failed, median 12 min 04 s",
        },
    ),
)


def example() -> Incident:
    """The incident, told by its entries."""
    case = Case(PipelineStorage(), "example-ops", record_of(ID), ID, "ann")
    for number, (seconds, actor, said) in enumerate(SAID, 1):
        at, data = BEGIN + timedelta(seconds=seconds), said.model_dump(mode="json")
        case.entries.append(Entry(run=ID, sequence=number, at=at, actor=actor, kind=said.kind, previous="", data=data))
    return told(case)


def files() -> dict[str, str]:
    """The report and its picture, as the project shows them."""
    incident = example()
    proved = [f"The record is one unbroken chain of {len(incident.case.entries)} entries; every file of evidence has the SHA-256 that the record has."]  # fmt: skip
    report = markdown_of(incident, BEGIN + timedelta(seconds=2500), [PAUSED], proved, RAN)
    return {
        "incident-report.md": with_link(report, incident, "incident-report.svg"),
        "incident-report.svg": picture_of(incident),
    }


if __name__ == "__main__":
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
