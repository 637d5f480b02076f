"""prefect.yaml: every deployment can be loaded, and its triggers give its flow parameters it takes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
import yaml
from prefect.events.schemas.deployment_triggers import DeploymentTriggerTypes
from prefect.flows import load_flow_from_entrypoint
from prefect.utilities.callables import ParameterSchema
from pydantic import TypeAdapter

HOME = Path(__file__).resolve().parents[2]
DEPLOYMENTS: list[dict[str, Any]] = yaml.safe_load((HOME / "prefect.yaml").read_text())["deployments"]
BY_NAME = {deployment["name"]: deployment for deployment in DEPLOYMENTS}


MUST_BE_GIVEN = {
    "export-recovery": {"scene_ids"},
    "export-recovery-on-failure": {"scene_ids"},
    "undo": {"subject", "run"},
    "restore": {"scope"},
    "rollback": {"kind", "name"},
    "job-deploy": {"scene_id"},
    "generate-scene": {"scene_id"},
    "end-to-end": {"scene_id"},
    "trigger-watch": {"automation"},
    "acknowledge-incident": {"incident", "by"},
}


def form(name: str) -> ParameterSchema:
    """What Prefect makes the form of a deployment of."""
    return load_flow_from_entrypoint(BY_NAME[name]["entrypoint"], use_placeholder_flow=False).parameters


@pytest.fixture(autouse=True)
def from_the_projects_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HOME)


@pytest.mark.parametrize("name", BY_NAME)
def test_its_flow_loads_and_takes_its_parameters(name: str) -> None:
    deployment = BY_NAME[name]
    flow = load_flow_from_entrypoint(deployment["entrypoint"], use_placeholder_flow=False)
    known = set(flow.parameters.properties)
    assert set(deployment.get("parameters", {})) <= known
    for schedule in deployment.get("schedules", []):
        assert set(schedule.get("parameters", {})) <= known
    for trigger in deployment.get("triggers", []):
        TypeAdapter(DeploymentTriggerTypes).validate_python({**trigger, "enabled": True})
        assert set(trigger["parameters"]) <= known


@pytest.mark.parametrize("name", BY_NAME)
def test_its_form_explains_every_parameter_in_a_sentence(name: str) -> None:
    for key, schema in form(name).properties.items():
        said = " ".join(schema.get("description", "").split())
        assert re.fullmatch(r"[\"A-Z].*\.", said), f"{key}: {said}"
        assert len(said.split()) >= 4, f"{key}: {said}"


@pytest.mark.parametrize("name", BY_NAME)
def test_its_form_offers_the_words_that_a_parameter_takes(name: str) -> None:
    flow = load_flow_from_entrypoint(BY_NAME[name]["entrypoint"], use_placeholder_flow=False)
    for key, hint in get_type_hints(flow.fn).items():
        if get_origin(hint) is Literal:
            assert form(name).properties[key]["enum"] == list(get_args(hint))


@pytest.mark.parametrize("name", BY_NAME)
def test_its_form_demands_only_what_nobody_can_guess(name: str) -> None:
    assert set(form(name).required) == MUST_BE_GIVEN.get(name, set())


AT_WORK_BY_ITSELF = {
    "nightly-backup": "apply",
    "escalation": "apply",
    "continue-runs": "continue",
    "gpu-watch": "apply",
    "simulator-check": "answer",
}
"""What these do by their schedule is in the form: Prefect 3.9.1 drops parameters that a schedule has of its own when it is
switched off and on, and a nightly backup would then only plan, and be green."""


@pytest.mark.parametrize("name", sorted(set(BY_NAME) - {"export-recovery-on-failure", "simulator-outage-on-event"}))
def test_its_form_as_it_opens_changes_nothing_and_names_nobody(name: str) -> None:
    """But for those that a schedule has at work anyway, and that says so."""
    filled = {key: schema.get("default") for key, schema in form(name).properties.items()}
    filled |= BY_NAME[name].get("parameters", {})
    if name in AT_WORK_BY_ITSELF:
        assert filled["mode"] == AT_WORK_BY_ITSELF[name]
        assert "Run by hand it does what the schedule does" in " ".join(BY_NAME[name]["description"].split())
    else:
        assert filled.get("mode", "plan") in ("plan", "look")
    assert filled.get("turn", "show") == "show"
    assert not filled.get("requested_by")
    assert [key for key, value in filled.items() if value is True] == []


@pytest.mark.parametrize("name", BY_NAME)
def test_it_says_what_it_is_for_and_checks_its_parameters(name: str) -> None:
    deployment = BY_NAME[name]
    assert deployment["description"].strip().endswith(".")
    assert deployment["enforce_parameter_schema"] is True
    assert deployment["tags"]


@pytest.mark.parametrize("name", BY_NAME)
def test_its_runs_have_names_that_say_something(name: str) -> None:
    flow = load_flow_from_entrypoint(BY_NAME[name]["entrypoint"], use_placeholder_flow=False)
    assert flow.flow_run_name


def test_what_is_not_a_number_of_seconds_is_refused_by_the_form() -> None:
    assert form("continue-runs").properties["patience_seconds"]["minimum"] == 0


def test_a_schedule_that_was_switched_off_and_on_still_does_its_work() -> None:
    assert not [name for name, one in BY_NAME.items() for each in one.get("schedules", []) if "parameters" in each]


def test_many_events_of_one_scene_within_a_minute_make_one_run() -> None:
    (trigger,) = BY_NAME["export-recovery-on-failure"]["triggers"]
    assert (trigger["threshold"], trigger["within"]) == (1, 60)
    assert trigger["for_each"] == ["prefect.resource.id"]


def test_every_schedule_has_a_slug_and_a_time_zone() -> None:
    for deployment in DEPLOYMENTS:
        for schedule in deployment.get("schedules", []):
            assert schedule["slug"]
            assert schedule["timezone"]


def minutes_of(cron: str) -> set[int]:
    """In which minutes of an hour a schedule of every hour starts a run."""
    found: set[int] = set()
    for part in cron.split()[0].split(","):
        span, _, step = part.partition("/")
        first, _, last = ("0-59" if span == "*" else span).partition("-")
        found |= set(range(int(first), int(last or first) + 1, int(step or 1)))
    return found


def test_no_more_than_two_schedules_start_a_run_in_the_same_minute_and_keep_an_event_waiting() -> None:
    crons = [each["cron"] for one in DEPLOYMENTS for each in one.get("schedules", ())]
    hourly = [minutes_of(cron) for cron in crons if cron.split()[1] == "*"]
    assert max(sum(minute in one for one in hourly) for minute in range(60)) <= 2


def test_backups_run_one_at_a_time_by_night_and_are_looked_at_before_the_day_begins() -> None:
    def hour(name: str) -> float:
        (schedule,) = BY_NAME[name]["schedules"]
        minutes, hours, *days = schedule["cron"].split()
        assert days == ["*", "*", "*"]
        assert schedule["timezone"]
        return int(hours) + int(minutes) / 60

    names = ("nightly-backup", "verify-backup", "backup-watch")
    assert [hour(name) for name in names] == sorted(hour(name) for name in names)
    assert hour("nightly-backup") == 2
    assert [BY_NAME[name]["concurrency_limit"]["limit"] for name in names] == [1, 1, 1]
