"""prefect.yaml: every deployment can be loaded, and its triggers give its flow parameters it takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.events.schemas.deployment_triggers import DeploymentTriggerTypes
from prefect.flows import load_flow_from_entrypoint
from pydantic import TypeAdapter

HOME = Path(__file__).resolve().parents[2]
DEPLOYMENTS: list[dict[str, Any]] = yaml.safe_load((HOME / "prefect.yaml").read_text())["deployments"]
BY_NAME = {deployment["name"]: deployment for deployment in DEPLOYMENTS}


@pytest.fixture(autouse=True)
def from_the_projects_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HOME)


@pytest.mark.parametrize("name", BY_NAME)
def test_its_flow_loads_and_takes_its_parameters(name: str) -> None:
    deployment = BY_NAME[name]
    flow = load_flow_from_entrypoint(deployment["entrypoint"], use_placeholder_flow=False)
    known = set(flow.parameters.properties)
    assert set(deployment.get("parameters", {})) <= known
    for trigger in deployment.get("triggers", []):
        TypeAdapter(DeploymentTriggerTypes).validate_python({**trigger, "enabled": True})
        assert set(trigger["parameters"]) <= known


@pytest.mark.parametrize("name", BY_NAME)
def test_every_parameter_is_explained_in_the_form(name: str) -> None:
    flow = load_flow_from_entrypoint(BY_NAME[name]["entrypoint"], use_placeholder_flow=False)
    missing = [key for key, schema in flow.parameters.properties.items() if not schema.get("description")]
    assert missing == []


@pytest.mark.parametrize("name", BY_NAME)
def test_it_says_what_it_is_for_and_checks_its_parameters(name: str) -> None:
    deployment = BY_NAME[name]
    assert deployment["description"].strip()
    assert deployment["enforce_parameter_schema"] is True
    assert deployment["tags"]


def test_by_hand_and_by_schedule_nothing_changes_unless_told_to() -> None:
    assert BY_NAME["export-recovery"]["parameters"]["mode"] == "plan"
    assert BY_NAME["undo"]["parameters"]["mode"] == "plan"
    assert BY_NAME["pause-intake"]["parameters"]["mode"] == BY_NAME["resume-intake"]["parameters"]["mode"] == "plan"
    assert BY_NAME["export-sweep"]["parameters"]["mode"] == "look"


def test_many_events_of_one_scene_within_a_minute_make_one_run() -> None:
    (trigger,) = BY_NAME["export-recovery-on-failure"]["triggers"]
    assert (trigger["threshold"], trigger["within"]) == (1, 60)
    assert trigger["for_each"] == ["prefect.resource.id"]


def test_every_schedule_has_a_slug_and_a_time_zone() -> None:
    for deployment in DEPLOYMENTS:
        for schedule in deployment.get("schedules", []):
            assert schedule["slug"]
            assert schedule["timezone"]


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
    assert BY_NAME["nightly-backup"]["parameters"]["mode"] == "apply"
