"""The report tells what the record has, to the second and nothing else, once, in a page that needs nothing from outside."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.incidents.entries import Acknowledged, Declared, Evidence, FollowUp, Noted, Resolved
from tasks.incidents.incident import Incident, declare, read_incident
from tasks.remediation.times import clock
from tasks.response.review import markdown_of, newest_report, report_name, report_of, write_review
from tests.response.example import FOLDER, example, files
from tests.response.world import (
    GO_ON,
    OPS,
    OVER,
    RECOVER,
    SCENE,
    TOLD,
    broken,
    carried,
    heir,
    incident_of,
    objects,
    wanted,
)


def text(sandbox: Sandbox, name: str) -> str:
    found = sandbox.store.get(OPS, name)
    assert found is not None
    return found.data.decode()


@pytest.fixture
def incident(environment: PipelineEnvironment) -> Incident:
    return declare(heir(environment), wanted().declaration())


def test_the_example_in_the_documentation_is_what_this_version_writes() -> None:
    for name, said in files().items():
        assert (FOLDER / name).read_text(encoding="utf-8") == said, (
            f"python -m tests.response.example writes {name} anew"
        )


def test_times_actions_evidence_and_chain_of_a_whole_response_are_in_its_report(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    broken(sandbox)
    one = carried(environment, RECOVER, GO_ON, TOLD, OVER)
    incident = incident_of(one)
    said = text(sandbox, f"{report_name(incident)}.md")
    for entry in incident.case.entries:
        assert f"| {entry.sequence} | {clock(entry.at).removesuffix(' UTC')} |" in said
    ((_, acted),) = incident.actions
    assert acted.run in said
    assert "| done |" in said
    for file in incident.evidence:
        assert file.sha256 in said
    assert incident.case.last_hash in said
    assert SCENE.replace("_", "\\_") in said


def test_it_is_one_page_with_the_picture_in_it_and_nothing_from_outside(
    environment: PipelineEnvironment, sandbox: Sandbox, incident: Incident
) -> None:
    name = write_review(heir(environment), incident).removesuffix(".md")
    page = text(sandbox, f"{name}.html")
    assert "<svg" in page
    assert "<table>" in page
    assert not re.search(r"(?:src|href)=[\"'](?!https?://|mailto:)", page)
    assert "<script" not in page
    assert "<link" not in page
    assert f"({name.rpartition('/')[2]}.svg)" in text(sandbox, f"{name}.md")
    assert text(sandbox, f"{name}.svg") in page


def test_the_kind_of_each_file_is_known_to_a_browser(environment: PipelineEnvironment, incident: Incident) -> None:
    name = write_review(heir(environment), incident).removesuffix(".md")
    found = {one.name.rpartition(".")[2]: one.content_type for one in environment.storage.list(OPS, name)}
    assert found == {"md": "text/markdown; charset=utf-8", "html": "text/html; charset=utf-8", "svg": "image/svg+xml"}


def test_a_report_of_the_same_entries_is_written_once_and_of_more_beside_it(
    environment: PipelineEnvironment, sandbox: Sandbox, incident: Incident
) -> None:
    first = write_review(heir(environment), incident)
    before = sandbox.store.get(OPS, first)
    assert write_review(heir(environment), incident) == first
    assert sandbox.store.get(OPS, first) == before
    incident.say(Noted(text="one more"))
    second = write_review(heir(environment), incident)
    assert second != first
    assert len([name for name in objects(sandbox) if "/report/" in name]) == 6


def test_what_the_record_does_not_say_is_unknown(environment: PipelineEnvironment, incident: Incident) -> None:
    said = report_of(heir(environment), incident, datetime.now(UTC))[0]
    assert "| began | unknown |" in said
    assert "| acknowledged | unknown |" in said
    assert "| resolved | not yet |" in said
    assert said.count("| unknown | nobody has recorded") == 3
    assert "Unknown: nobody has looked." in said


def test_follow_ups_have_owner_and_date(environment: PipelineEnvironment, incident: Incident) -> None:
    incident.say(FollowUp(text="alert on it", owner="cy", due=datetime(2026, 2, 1, tzinfo=UTC)))
    incident.say(FollowUp(text="write it down"))
    said = report_of(heir(environment), incident, datetime.now(UTC))[0]
    assert "- alert on it - cy, by 2026-02-01 00:00:00 UTC" in said
    assert "- write it down - nobody, by unknown" in said


def test_what_is_still_paused_is_in_it_with_the_command(environment: PipelineEnvironment) -> None:
    incident = incident_of(carried(environment, pause="yes"))
    said = report_of(heir(environment), incident, datetime.now(UTC))[0]
    assert f"remediate intake resume {incident.actions[0][1].run} --apply" in said


def test_what_cannot_be_asked_is_unknown_in_it_and_it_is_written_all_the_same(
    environment: PipelineEnvironment, sandbox: Sandbox, incident: Incident
) -> None:
    sandbox.faults.add(FaultRule(service="storage", method="objects.list", kind="status", status=403))
    said = report_of(heir(environment), incident, datetime.now(UTC))[0]
    assert said.count("Unknown: Could not list") == 2


def test_a_record_that_was_edited_is_told_in_its_report(
    environment: PipelineEnvironment, sandbox: Sandbox, incident: Incident
) -> None:
    incident.say(
        Evidence(name=f"remediation/incidents/{incident.id}/evidence/x.json", sha256="0" * 64, bytes=1, what="x")
    )
    said = report_of(heir(environment), incident, datetime.now(UTC))[0]
    assert "is missing; the record has 1 bytes of it" in said


def test_what_was_told_later_stands_where_it_was_and_says_so(environment: PipelineEnvironment) -> None:
    incident = declare(heir(environment), wanted().declaration())
    incident.say(Noted(text="first"))
    earlier = incident.declared_at - timedelta(hours=1)
    incident.say(Noted(text="I saw it begin", at=earlier))
    said = report_of(heir(environment), incident, datetime.now(UTC))[0]
    rows = [line for line in said.splitlines() if line.startswith(("| 1 |", "| 2 |", "| 3 |"))]
    assert [row.split(" | ")[0] for row in rows] == ["| 3", "| 1", "| 2"]
    assert "(written " in rows[0]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, Any]] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.mark.parametrize(
    "words",
    ["<img src=x onerror=alert(1)>", "[a](javascript:alert(1))", "a | b | c", "![p](http://x/y.png)", "`code` *b* _c_ # d", "火事 🔥", "a\\|b", "</svg><b>", "{picture}", "-----"],
)  # fmt: skip
def test_words_of_people_break_nothing_and_become_nothing(
    environment: PipelineEnvironment, sandbox: Sandbox, words: str
) -> None:
    incident = declare(heir(environment), Declared(title=words))
    incident.say(Noted(text=words))
    incident.say(Acknowledged(by=words, how="command"))
    incident.say(Resolved(how=words))
    name = write_review(heir(environment), read_incident(heir(environment), incident.id)).removesuffix(".md")
    reader = Tags()
    page = text(sandbox, f"{name}.html")
    reader.feed(page)
    names = {tag for tag, _ in reader.tags}
    assert not names & {"script", "img", "b", "em", "strong", "code"}, names
    assert [attrs["href"] for tag, attrs in reader.tags if tag == "a"] == []
    assert sum(tag == "svg" for tag, _ in reader.tags) == 1
    for table in re.findall(r"<table>(.*?)</table>", page, re.S):
        columns = [len(re.findall(r"<t[hd]", row)) for row in re.findall(r"<tr>(.*?)</tr>", table, re.S)]
        assert len(set(columns)) == 1, columns


def test_a_record_of_ten_thousand_entries_is_told_whole() -> None:
    incident = example()
    entry = incident.case.entries[4]
    incident.case.entries += [entry.model_copy(update={"sequence": 100 + number}) for number in range(10_000)]
    said = markdown_of(incident, datetime(2026, 1, 19, tzinfo=UTC), [], [])
    assert said.count("execution running, none was cancelled") == 10_001


def test_the_report_that_was_written_is_found_although_the_record_has_grown_since(
    environment: PipelineEnvironment,
) -> None:
    context = heir(environment)
    incident = declare(context, Declared(title="Exports fail"))
    assert newest_report(context, incident) == ""
    first = write_review(context, incident)
    incident.say(Noted(text="a page was sent meanwhile"))
    assert f"{newest_report(context, incident)}.md" == first
    second = write_review(context, incident)
    assert first < second == f"{newest_report(context, incident)}.md"
