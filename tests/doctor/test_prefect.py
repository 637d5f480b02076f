"""What the doctor says of a Prefect server: its settings, automations, deployments, worker and blocks."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.settings import PREFECT_API_URL, temporary_settings
from pydantic import Field

import blocks
from blocks.base import RemediationBlock
from tasks.doctor.examine import Look
from tasks.doctor.prefect_blocks import judge_blocks, look_at_blocks
from tasks.doctor.prefect_deployments import look_at_deployments
from tasks.doctor.prefect_server import expected_automations, judge_settings, look_at_server
from tests.deployments.world import RunningStack
from tests.doctor.world import codes, said

HOME = Path(__file__).resolve().parents[2]


@pytest.fixture
def asked(stack: RunningStack) -> Iterator[RunningStack]:
    """The server of a running stack is the one that is asked."""
    with temporary_settings({PREFECT_API_URL: stack.api_url}):
        yield stack


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A checkout whose files a test may change."""
    (tmp_path / "deployments").mkdir()
    for name in ("prefect.yaml", "deployments/automations.yaml"):
        shutil.copy(HOME / name, tmp_path / name)
    return tmp_path


def change(home: Path, how: Callable[[dict[str, Any]], object]) -> None:
    """Change the deployment `doctor` in a checkout."""
    path = home / "prefect.yaml"
    tree = yaml.safe_load(path.read_text())
    how(next(one for one in tree["deployments"] if one["name"] == "doctor"))
    path.write_text(yaml.safe_dump(tree))


def deployments(home: Path) -> Look:
    look = Look("prefect deployments")
    look_at_deployments(home, look)
    return look


def server(home: Path) -> Look:
    look = Look("prefect server")
    look_at_server(home, look)
    return look


def settings(storage: str, flush: float) -> dict[str, Any]:
    services = {"task_run_recorder": {"flush_interval": flush}}
    return {"server": {"concurrency": {"lease_storage": storage}, "services": services}}


@pytest.mark.parametrize(
    ("storage", "flush", "wrong"),
    [
        ("prefect.server.concurrency.lease_storage.memory", 1.0, ["prefect-leases-in-memory"]),
        ("prefect.server.concurrency.lease_storage.filesystem", 1.0, []),
        ("prefect_redis.lease_storage", 2.0, []),
        ("prefect.server.concurrency.lease_storage.filesystem", 0.5, ["prefect-recorder-spins"]),
        (
            "prefect.server.concurrency.lease_storage.memory",
            0.0,
            ["prefect-leases-in-memory", "prefect-recorder-spins"],
        ),
    ],
)
def test_each_wrong_setting_is_found_and_says_which_variable_mends_it(
    storage: str, flush: float, wrong: list[str]
) -> None:
    look = Look("prefect server")
    judge_settings(settings(storage, flush), look)
    assert [one.code.name for one in look.findings] == wrong
    assert all("PREFECT_SERVER_" in one.code.todo for one in look.findings)


def test_the_automations_that_make_events_start_deployments_are_expected_too() -> None:
    assert {"self-crash-zombie-flow-runs", "export-failed", "self-trigger-watch"} <= set(expected_automations(HOME))


def test_a_stack_is_as_the_checkout_says(asked: RunningStack) -> None:
    """But for the schedules, which the tests of a shared stack switch off."""
    assert [one.what for one in server(HOME).findings] == []
    assert [one.what for one in deployments(HOME).findings if one.code.name != "prefect-schedule-off"] == []
    look = Look("prefect blocks")
    look_at_blocks(look)
    assert (look.good, look.findings) == (len(blocks.__all__), [])


def test_a_schedule_that_somebody_switched_off_is_found(asked: RunningStack) -> None:
    found = asked.prefect("GET", "deployments/name/doctor/doctor")
    path = f"deployments/{found['id']}/schedules/{found['schedules'][0]['id']}"
    asked.prefect("PATCH", path, {"active": True})
    assert "deployment doctor " not in said(deployments(HOME), "prefect-schedule-off")
    asked.prefect("PATCH", path, {"active": False})
    assert "deployment doctor is off" in said(deployments(HOME), "prefect-schedule-off")


def test_an_automation_that_is_off_or_gone_is_found(asked: RunningStack, home: Path) -> None:
    (zombie,) = [one for one in asked.prefect("POST", "automations/filter", {}) if "zombie" in one["name"]]
    asked.prefect("PATCH", f"automations/{zombie['id']}", {"enabled": False})
    try:
        assert zombie["name"] in said(server(HOME), "prefect-automation-off")
    finally:
        asked.prefect("PATCH", f"automations/{zombie['id']}", {"enabled": True})
    assert codes(server(HOME)) == set()
    path = home / "deployments" / "automations.yaml"
    path.write_text(path.read_text().replace(zombie["name"], "another-one"))
    assert "'another-one'" in said(server(home), "prefect-automation-missing")


def test_an_automation_that_is_there_twice_or_acts_otherwise_is_found(asked: RunningStack) -> None:
    """As a second `prefect automation create --from-file` leaves it."""
    (zombie,) = [one for one in asked.prefect("POST", "automations/filter", {}) if "zombie" in one["name"]]
    copy = {key: zombie[key] for key in ("name", "description", "enabled", "actions")}
    copy["trigger"] = {key: value for key, value in zombie["trigger"].items() if key != "id"} | {"within": 45}
    made = asked.prefect("POST", "automations/", copy)
    try:
        look = server(HOME)
        assert codes(look) == {"prefect-automation-twice", "prefect-automation-differs"}
        assert f"'{zombie['name']}' 2 times" in said(look, "prefect-automation-twice")
        assert "trigger.within is 45.0, not 90" in said(look, "prefect-automation-differs")
    finally:
        asked.prefect("DELETE", f"automations/{made['id']}")
    assert codes(server(HOME)) == set()


@pytest.mark.parametrize(
    ("how", "what"),
    [
        (lambda one: one["schedules"][0].update(cron="0 1 * * *"), "schedule is 30 6 * * * UTC, not 0 1 * * * UTC"),
        (lambda one: one["schedules"][0].update(timezone="Europe/Vienna"), "not 30 6 * * * Europe/Vienna"),
        (lambda one: one["schedules"][0].update(parameters={"environment": "b"}), "not 30 6 * * * UTC, environment b"),
        (lambda one: one["concurrency_limit"].update(limit=3), "concurrency limit is 1, not 3"),
        (lambda one: one["concurrency_limit"].update(collision_strategy="ENQUEUE"), "collision is CANCEL_NEW"),
        (lambda one: one.update(entrypoint="flows.undo.undo"), "entrypoint is flows.doctor.doctor"),
        (lambda one: one.update(parameters={"environment": "b"}), "parameters is none, not {'environment': 'b'}"),
    ],
)
def test_a_deployment_that_differs_from_the_checkout_says_in_what(
    asked: RunningStack, home: Path, how: Callable[[dict[str, Any]], object], what: str
) -> None:
    change(home, how)
    assert what in said(deployments(home), "prefect-deployment-differs")


def test_an_installed_package_says_that_it_has_nothing_to_compare_with(asked: RunningStack, tmp_path: Path) -> None:
    assert codes(deployments(tmp_path)) == {"prefect-not-compared"}
    assert codes(server(tmp_path)) == set()


def test_a_deployment_that_is_not_on_the_server_is_found(asked: RunningStack, home: Path) -> None:
    change(home, lambda one: one.update(name="newer"))
    assert "newer is not on the server" in said(deployments(home), "prefect-deployment-missing")


def test_a_work_pool_without_a_worker_or_paused_or_missing_is_found(asked: RunningStack, home: Path) -> None:
    name = "without-a-worker"
    change(home, lambda one: one["work_pool"].update(name=name))
    assert f"{name} does not exist" in said(deployments(home), "prefect-work-pool-missing")
    asked.prefect("POST", "work_pools/", {"name": name, "type": "process"})
    try:
        assert name in said(deployments(home), "prefect-no-worker")
        asked.prefect("PATCH", f"work_pools/{name}", {"is_paused": True})
        assert f"{name} is paused" in said(deployments(home), "prefect-work-pool-missing")
    finally:
        asked.prefect("DELETE", f"work_pools/{name}")


@pytest.mark.filterwarnings("ignore:Type 'Newer'")
def test_a_block_of_another_version_is_found(asked: RunningStack) -> None:
    class Older(RemediationBlock):
        _block_type_name = "Of A Test"
        _block_type_slug = "of-a-test"

    look = Look("prefect blocks")
    judge_blocks([Older], look)
    assert "form of Older." in said(look, "prefect-blocks-not-registered")
    Older.register_type_and_schema()

    class Newer(RemediationBlock):
        _block_type_name = "Of A Test"
        _block_type_slug = "of-a-test"
        new_field: str = Field(default="", description="Not on the server.")

    look = Look("prefect blocks")
    judge_blocks([Older, Newer], look)
    assert look.good == 1
    assert "form of Newer." in said(look, "prefect-blocks-not-registered")
