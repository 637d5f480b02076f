"""What a Prefect server says of deployments and automations, judged as plain data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tasks.doctor import prefect_deployments, prefect_server
from tasks.doctor.examine import Look
from tasks.doctor.prefect_deployments import differences, judge_deployments
from tasks.doctor.prefect_server import judge_automations, judge_contents
from tests.doctor.told import found
from tests.doctor.world import codes, said

HOME = Path(__file__).resolve().parents[2]
SETTINGS = {
    "concurrency": {"lease_storage": "filesystem"},
    "services": {"task_run_recorder": {"flush_interval": 1.0}},
}
WANTED: dict[str, Any] = {
    "name": "nightly",
    "entrypoint": "flows.nightly.nightly",
    "work_pool": {"name": "remediation"},
    "schedules": [{"cron": "0 2 * * *"}],
    "concurrency_limit": {"limit": 1, "collision_strategy": "CANCEL_NEW"},
    "parameters": {"mode": "apply"},
}
THERE: dict[str, Any] = {
    "name": "nightly",
    "entrypoint": "flows.nightly.nightly",
    "work_pool_name": "remediation",
    "paused": False,
    "schedules": [{"active": True, "schedule": {"cron": "0 2 * * *", "timezone": "UTC"}}],
    "global_concurrency_limit": {"limit": 1},
    "concurrency_options": {"collision_strategy": "CANCEL_NEW"},
    "parameters": {"mode": "apply"},
}
OTHER = [{"active": True, "schedule": {"cron": "0 3 * * *", "timezone": "UTC"}}]


@pytest.mark.parametrize(
    ("there", "differs"),
    [
        ({}, []),
        ({"schedules": OTHER}, ["schedule"]),
        ({"schedules": [{"schedule": {"cron": "0 2 * * *", "timezone": "Europe/Vienna"}}]}, ["schedule"]),
        ({"schedules": []}, ["schedule"]),
        ({"global_concurrency_limit": None}, ["concurrency limit"]),
        ({"global_concurrency_limit": {"limit": 2}}, ["concurrency limit"]),
        ({"concurrency_options": {"collision_strategy": "ENQUEUE"}}, ["collision"]),
        ({"entrypoint": "flows.other.other"}, ["entrypoint"]),
        ({"work_pool_name": "other"}, ["work pool"]),
        ({"parameters": {"mode": "plan"}}, ["parameters"]),
        ({"parameters": None}, ["parameters"]),
        ({"entrypoint": "other", "parameters": {}}, ["entrypoint", "parameters"]),
    ],
)
def test_each_way_in_which_a_deployment_differs_is_seen(there: dict[str, Any], differs: list[str]) -> None:
    assert list(differences(WANTED, THERE | there)) == differs


def test_a_deployment_that_names_no_limit_schedule_or_parameters_is_compared_with_none() -> None:
    bare = {key: WANTED[key] for key in ("name", "entrypoint", "work_pool")}
    nothing = {"schedules": [], "global_concurrency_limit": None, "concurrency_options": None, "parameters": {}}
    assert differences(bare, THERE | nothing) == {}
    assert list(differences(bare, THERE)) == ["schedule", "concurrency limit", "collision", "parameters"]


def test_an_interval_is_a_schedule_too() -> None:
    flat = WANTED | {"schedules": [{"interval": 60}]}
    assert differences(flat, THERE | {"schedules": [{"schedule": {"interval": 60}}]}) == {}


def judged(there: dict[str, dict[str, Any]], wanted: dict[str, Any] | None = None) -> Look:
    look = Look("prefect deployments")
    judge_deployments([wanted or WANTED], there, look)
    return look


@pytest.mark.parametrize(
    ("there", "off"),
    [
        ({}, False),
        ({"paused": True}, True),
        ({"schedules": [THERE["schedules"][0] | {"active": False}]}, True),
        ({"schedules": [THERE["schedules"][0], OTHER[0] | {"active": False}]}, False),
    ],
)
def test_a_schedule_is_off_when_paused_or_when_none_is_active(there: dict[str, Any], off: bool) -> None:
    assert ("prefect-schedule-off" in codes(judged({"nightly": THERE | there}))) is off


def test_a_deployment_without_a_schedule_may_be_paused() -> None:
    wanted = WANTED | {"schedules": []}
    assert codes(judged({"nightly": THERE | {"schedules": [], "paused": True}}, wanted)) == set()


def test_of_a_deployment_that_is_missing_nothing_else_is_said() -> None:
    assert found(judged({"other": THERE})) == [("prefect-deployment-missing", "nightly")]


def test_everything_that_differs_is_said_as_it_is_and_as_it_should_be() -> None:
    look = judged({"nightly": THERE | {"schedules": [], "entrypoint": "other"}})
    assert said(look, "prefect-deployment-differs") == (
        "Of the deployment nightly schedule is none, not 0 2 * * * UTC, entrypoint is other, not flows.nightly.nightly."
    )


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ([], "prefect-automation-missing"),
        ([{"name": "other", "enabled": True}], "prefect-automation-missing"),
        ([{"name": "a", "enabled": False}], "prefect-automation-off"),
        ([{"name": "a", "enabled": False}, {"name": "a", "enabled": True}], ""),
        ([{"name": "a", "enabled": True}, {"name": "a", "enabled": False}], ""),
        ([{"name": "a"}], ""),
    ],
)
def test_an_automation_is_there_when_one_of_its_name_is_switched_on(there: list[dict[str, Any]], expected: str) -> None:
    look = Look("prefect server")
    judge_automations(["a"], there, look)
    assert codes(look) == ({expected} if expected else set())


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ([], set()),
        ([{}], set()),
        ([{}, {"enabled": False}], set()),
        ([{}, {"name": "other", "trigger": {}}], set()),
        ([{}, {}], {"prefect-automation-twice"}),
        ([{"trigger": {"within": 60.0}}], {"prefect-automation-differs"}),
        ([{"actions": []}], {"prefect-automation-differs"}),
        ([{"enabled": False, "actions": []}], set()),
        ([{"description": "Another one."}], set()),
        ([{}, {"trigger": {"within": 60.0}}], {"prefect-automation-twice", "prefect-automation-differs"}),
    ],
)
def test_an_automation_of_ours_is_there_once_and_as_the_file_says(
    there: list[dict[str, Any]], expected: set[str]
) -> None:
    """One that is switched off acts on nothing: of it the doctor says that, and no more."""
    wanted = {"name": "a", "description": "Ours.", "trigger": {"within": 90}, "actions": [{"type": "x"}]}
    look = Look("prefect server")
    judge_contents([wanted], [wanted | {"enabled": True} | one for one in there], look)
    assert codes(look) == expected
    assert len(look.findings) == len(expected)


def test_on_a_server_that_others_use_too_ours_are_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """It gives 200 at most, and ours may not be among the first of a thousand."""
    asked: dict[str, Any] = {}

    def ask(verb: str, path: str, body: dict[str, Any] | None = None) -> Any:
        asked[path] = body
        return {"server": SETTINGS} if verb == "GET" else []

    monkeypatch.setattr(prefect_server, "ask", ask)
    monkeypatch.setattr(prefect_deployments, "ask", ask)
    prefect_server.look_at_server(HOME, Look("prefect server"))
    prefect_deployments.look_at_deployments(HOME, Look("prefect deployments"))
    assert "self-crash-zombie-flow-runs" in asked["/automations/filter"]["automations"]["name"]["any_"]
    assert "doctor" in asked["/deployments/filter"]["deployments"]["name"]["any_"]
