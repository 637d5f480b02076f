"""`remediate incident`: each command as a person types it, against a real record; sentences and exit codes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from click.testing import Result
from typer.testing import CliRunner

from blocks.environment import PipelineEnvironment
from deployments import cli, cli_flows, cli_incident, cli_incident_entries
from deployments.sandbox.server import Sandbox
from tasks.incidents import entries
from tasks.incidents.entries import Acknowledged, Updated
from tasks.incidents.incident import ID, Incident, incident_ids, read_incident
from tasks.remediation.context import Context
from tests.response.world import OPS, carried, heir, incident_of

Type = Callable[..., Result]


@pytest.fixture
def typed(environment: PipelineEnvironment, monkeypatch: pytest.MonkeyPatch) -> Type:
    """Type a command; what came of it."""
    for module in (cli_flows, cli_incident):
        monkeypatch.setattr(module, "use_running_stack", lambda: None)
    monkeypatch.setattr(PipelineEnvironment, "named", classmethod(lambda cls, name: environment))
    monkeypatch.setattr("getpass.getuser", lambda: "ann")

    def type_it(*words: str, code: int = 0) -> Result:
        done = CliRunner().invoke(cli.app, ["incident", *words])
        assert done.exit_code == code, f"{done.exit_code}: {done.output}"
        assert "Traceback" not in done.output
        return done

    return type_it


@pytest.fixture
def id_(typed: Type) -> str:
    """An incident that was declared on the command line."""
    return typed("declare", "Exports fail", "--scene", "kitchen_001", "--severity", "sev2").stdout.strip()


def read(environment: PipelineEnvironment, id_: str) -> Incident:
    return read_incident(Context(environment, "x"), id_)


def test_to_declare_prints_the_id_and_nothing_else(environment: PipelineEnvironment, id_: str) -> None:
    assert ID.fullmatch(id_)
    first = read(environment, id_).first
    assert (first.title, first.severity, first.scope.scenes) == ("Exports fail", "sev2", ("kitchen_001",))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["declare", "  "], "Give the incident a title"),
        (["declare", "x", "--scene", "../y"], "Correct the scope"),
        (["declare", "x", "--began", "yesterday"], "is no time"),
        (["show", "inc-1"], "`remediate incident list` shows them"),
        (["show", "inc-20260118t120000z-01234567"], "There is no incident"),
        (["verify", "inc-20260118t120000z-01234567"], "There is no incident"),
    ],
)
def test_what_is_not_clear_is_refused_with_what_to_do(
    typed: Type, environment: PipelineEnvironment, words: list[str], says: str
) -> None:
    assert says in typed(*words, code=3).stderr
    assert incident_ids(heir(environment)) == []


def test_a_whole_incident_on_the_command_line(typed: Type, environment: PipelineEnvironment, id_: str) -> None:
    typed("ack", id_)
    typed("change", id_, "--commander", "bo", "--severity", "sev1", "--began", "2026-01-18T12:00:00+01:00")
    typed("note", id_, "looked at the log", "--at", "2026-01-18 11:30")
    typed("update", id_, "--impact", "no exports", "--mitigation", "rerun", "--eta", "noon", "--next", "30")
    typed("follow-up", id_, "alert on it", "--owner", "cy", "--due", "2026-02-01")
    typed("resolve", id_, "--how", "rolled back")
    done = typed("close", id_).stdout
    assert done.split("  ")[:3] == [id_, "closed", "sev1"]
    incident = read(environment, id_)
    assert (incident.first.commander, str(incident.first.began_at)) == ("bo", "2026-01-18 11:00:00+00:00")
    assert [entry.kind for entry in incident.case.entries] == [
        "declared", "acknowledged", "changed", "note", "update", "follow-up", "resolved", "closed",
    ]  # fmt: skip
    assert {entry.actor for entry in incident.case.entries} == {"ann"}
    assert incident.closed is not None
    assert environment.storage.stat(OPS, incident.closed.report) is not None


def test_who_acknowledges_may_be_named(typed: Type, environment: PipelineEnvironment, id_: str) -> None:
    typed("ack", id_, "--by", "cy")
    ((_, said),) = read(environment, id_).all_of(Acknowledged)
    assert (said.by, said.how, said.identity) == ("cy", "command", "claimed")
    assert "you had it already" in typed("ack", id_, "--by", "cy").stdout
    assert len(read(environment, id_).all_of(Acknowledged)) == 1


@pytest.mark.parametrize("words", [["note", "ID", " "], ["follow-up", "ID", ""], ["update", "ID", "--impact", " "], ["resolve", "ID", "--how", ""], ["change", "ID"], ["reopen", "ID", "--why", "x"], ["close", "ID"], ["change", "ID", "--scene", "a b"]])  # fmt: skip
def test_an_entry_that_says_nothing_or_comes_at_the_wrong_time_is_not_written(
    typed: Type, environment: PipelineEnvironment, id_: str, words: list[str]
) -> None:
    typed(*[id_ if word == "ID" else word for word in words], code=3)
    assert len(read(environment, id_).case.entries) == 1


def test_scenes_that_are_named_replace_scenes_and_leave_jobs(
    typed: Type, environment: PipelineEnvironment, id_: str
) -> None:
    typed("change", id_, "--job", "simready-job")
    typed("change", id_, "--scene", "office_001", "--scene", "office_002")
    scope = read(environment, id_).first.scope
    assert (scope.scenes, scope.jobs) == (("office_001", "office_002"), ("simready-job",))


def test_a_resolved_one_is_opened_again(typed: Type, environment: PipelineEnvironment, id_: str) -> None:
    typed("resolve", id_, "--how", "it went away")
    typed("resolve", id_, "--how", "again", code=3)
    typed("reopen", id_, "--why", "it is back")
    assert read(environment, id_).status == "open"


def test_it_is_not_resolved_while_its_pause_is_in_force_unless_one_says_so(
    typed: Type, environment: PipelineEnvironment
) -> None:
    id_ = incident_of(carried(environment, pause="yes")).id
    assert "remediate intake resume" in typed("resolve", id_, "--how", "over", code=3).stderr
    typed("resolve", id_, "--how", "over", "--although-paused")
    incident = read(environment, id_)
    assert incident.status == "resolved"
    assert "Resolved although intake is paused" in str(incident.case.entries[-2].data["text"])


# Looking


def test_the_list_has_a_line_for_each_that_is_not_closed_newest_first(
    typed: Type, environment: PipelineEnvironment, id_: str
) -> None:
    other = typed("declare", "Something else").stdout.strip()
    typed("resolve", id_, "--how", "over")
    typed("close", id_)
    assert [line.split("  ")[0] for line in typed("list").stdout.splitlines()] == [other]
    assert sorted(line.split("  ")[0] for line in typed("list", "--all").stdout.splitlines()) == sorted([id_, other])


def test_a_late_update_is_said_and_is_exit_code_1(typed: Type, environment: PipelineEnvironment, id_: str) -> None:
    late = datetime.now(UTC) - timedelta(minutes=5)
    read(environment, id_).say(Updated(impact="x", mitigation="y", next_update_at=late))
    assert "LATE: the next update was promised" in typed("list", code=1).stdout
    (found,) = json.loads(typed("list", "--json", code=1).stdout)
    assert "5 minutes late" in found["overdue"]


def test_a_damaged_record_is_told_and_hides_no_other(
    typed: Type, sandbox: Sandbox, environment: PipelineEnvironment, id_: str
) -> None:
    other = typed("declare", "Something else").stdout.strip()
    typed("note", id_, "x")
    name = f"remediation/incidents/{id_}/record/000001.json"
    found = sandbox.store.get(OPS, name)
    assert found is not None
    sandbox.store.put(OPS, name, found.data.replace(b"sev2", b"sev4"), quiet=True)
    done = typed("list", code=1)
    assert done.stdout.startswith(other)
    assert f"remediate incident verify {id_}" in done.stderr
    assert "000002.json does not follow" in typed("verify", id_, code=1).stdout
    assert "000002.json does not follow" in typed("show", id_, code=1).stderr


def test_json_has_names_that_stay(typed: Type, id_: str) -> None:
    (listed,) = json.loads(typed("list", "--json").stdout)
    names = {
        "id", "status", "phase", "title", "severity", "area", "commander", "channel", "scope",
        "began_at", "declared_at", "acknowledged_at", "resolved_at", "next_update_at",
    }  # fmt: skip
    assert set(listed) == names | {"overdue"}
    shown = json.loads(typed("show", id_, "--json").stdout)
    assert set(shown) == names | {"seconds", "events"}
    assert shown["events"][0]["kind"] == "declared"
    assert shown["seconds"] == {"Time to detect": None, "Time to acknowledge": None, "Time to resolve": None}


def test_titles_of_any_script_come_through(typed: Type, environment: PipelineEnvironment) -> None:
    id_ = typed("declare", "火事 🔥 ünïcödé\nsecond line").stdout.strip()
    assert json.loads(typed("show", id_, "--json").stdout)["title"] == "火事 🔥 ünïcödé second line"
    assert "火事 🔥 ünïcödé second line" in typed("show", id_).stdout


def test_a_very_long_title_is_cut_to_a_headline(typed: Type, environment: PipelineEnvironment) -> None:
    id_ = typed("declare", "x" * 100_000).stdout.strip()
    assert len(read(environment, id_).first.title) == 200


def test_verify_says_that_all_is_whole(typed: Type, id_: str) -> None:
    assert "one unbroken chain" in typed("verify", id_).stdout


def test_report_writes_three_files_and_prints_where_or_prints_the_report(
    typed: Type, environment: PipelineEnvironment, sandbox: Sandbox, id_: str
) -> None:
    before = len(list(sandbox.store.list(OPS, "")))
    shown = typed("report", id_, "--markdown").stdout
    assert shown.startswith("# Exports fail\n")
    assert len(list(sandbox.store.list(OPS, ""))) == before
    places = typed("report", id_).stdout.split()
    assert [place.rpartition(".")[2] for place in places] == ["md", "html", "svg"]
    for place in places:
        assert sandbox.store.get(OPS, place.removeprefix(f"gs://{OPS}/")) is not None


def test_every_command_explains_itself() -> None:
    page = CliRunner().invoke(cli.app, ["incident", "--help"], env={"COLUMNS": "200"}).output
    for name in ("declare", "list", "show", "note", "ack", "change", "update", "follow-up", "resolve", "reopen", "close", "verify", "report", "respond", "watch"):  # fmt: skip
        assert re.search(rf"{name} +\w+", page), name


@pytest.mark.parametrize(
    ("line", "flow", "parameters"),
    [
        ("respond i1", "incident-response", {"incident": "i1", "mode": "plan", "unattended": True, "pause": "by severity"}),
        ("respond i1 --apply --ask --pause=yes", "incident-response", {"mode": "apply", "unattended": False, "pause": "yes"}),
        ("watch", "incident-watch", {"environment": "default"}),
    ],
)  # fmt: skip
def test_what_is_a_flow_is_run_as_one(
    monkeypatch: pytest.MonkeyPatch, line: str, flow: str, parameters: dict[str, object]
) -> None:
    ran: list[tuple[str, dict[str, object]]] = []

    def outcome(flow: object, **given: object) -> int:
        ran.append((flow.name, given))  # type: ignore[attr-defined]
        return 4

    monkeypatch.setattr(cli_incident, "outcome", outcome)
    monkeypatch.setattr(cli_incident, "use_running_stack", lambda: None)
    assert CliRunner().invoke(cli.app, ["incident", *line.split()]).exit_code == 4
    ((name, given),) = ran
    assert name == flow
    assert {key: given[key] for key in parameters} == parameters


def test_the_words_that_the_commands_take_are_those_of_the_record() -> None:
    """They are written twice, so that a command's help needs nothing loaded."""
    assert get_args(cli_incident_entries.Severity) == get_args(entries.Severity)
    assert get_args(cli_incident_entries.Area) == get_args(entries.Area)
