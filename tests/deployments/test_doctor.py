"""A Prefect server that restarts must not end what runs: what `remediate doctor` says of a server's settings."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError

import pytest
import yaml

from deployments.cli_flows import HEARTBEAT_SECONDS
from deployments.stack import (
    LEASE_STORAGE,
    SERVER_SETTINGS,
    WORKER_SETTINGS,
    Stack,
    call,
    free_port,
    prefect,
)
from tests.deployments.world import REMEDIATE, RunningStack

HOME = Path(__file__).resolve().parents[2]
LIMIT = "doctor"


class Server:
    """A Prefect server of its own that can be started again on the same database."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    @contextmanager
    def running(self, **changes: str) -> Iterator[str]:
        """One life of the server, with these settings changed; its API's address."""
        self.stack.ui_port = free_port()  # somebody may have taken the last one meanwhile
        self.stack.children.start("prefect-server", prefect("server", "start"), self.stack.environ() | changes)
        try:
            self.stack.children.wait_for("prefect-server", self.stack.server_is_up, 300)
            yield self.stack.api_url
        finally:
            self.stack.stop()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setattr("deployments.stack.STATE", tmp_path)
    return Server(Stack("doctor"))


def take_lease(api: str) -> str:
    """A lease on a new limit, as a run of a deployment with a concurrency limit holds one."""
    call("POST", f"{api}/v2/concurrency_limits/", {"name": LIMIT, "limit": 2})
    body = {"slots": 1, "names": [LIMIT], "lease_duration": 3600}
    return str(call("POST", f"{api}/v2/concurrency_limits/increment-with-lease", body)["lease_id"])


def renews(api: str, lease: str) -> bool:
    """Whether the server still knows the lease. A run whose lease cannot be renewed is killed."""
    try:
        call("POST", f"{api}/v2/concurrency_limits/leases/{lease}/renew", {"lease_duration": 3600})
    except HTTPError as error:
        assert error.code == 410
        return False
    return True


def doctor(api: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")}
    environ |= {"PREFECT_API_URL": api, "PREFECT_HOME": str(tmp_path / "doctor-home")}
    return subprocess.run([*REMEDIATE, "doctor"], env=environ, capture_output=True, text=True)


def test_a_lease_outlives_a_restart_with_our_settings_and_not_with_the_default(server: Server, tmp_path: Path) -> None:
    with server.running() as api:
        lease = take_lease(api)
    with server.running(**{LEASE_STORAGE[0]: "prefect.server.concurrency.lease_storage.memory"}) as api:
        assert not renews(api, lease), "this is why memory is refused; if Prefect has mended it, so may we"
        said = doctor(api, tmp_path)
        assert said.returncode == 1, said.stderr
        assert "prefect-leases-in-memory" in said.stdout
        assert "=".join(LEASE_STORAGE) in " ".join(said.stdout.split())
    with server.running() as api:
        assert renews(api, lease)
        assert "leases-in-memory" not in doctor(api, tmp_path).stdout


def test_the_stack_is_set_up_as_the_doctor_wants_it(stack: RunningStack) -> None:
    said = stack.remediate("doctor", "--json")
    assert said.returncode == 0, said.stdout + said.stderr
    value = json.loads(said.stdout)
    assert value["outcome"] == "nothing_to_do"
    assert len(value["parts"]) == 14


def test_the_deployment_looks_every_day_and_completes_on_a_stack_that_is_well(stack: RunningStack) -> None:
    run = stack.ended(stack.start("doctor/doctor"))
    assert run["state_type"] == "COMPLETED", run["state"]["message"]
    assert " in order" in run["state"]["message"]


def test_a_worker_starts_a_run_at_once_and_no_process_that_looks_for_its_code_first(stack: RunningStack) -> None:
    template = stack.prefect("GET", "work_pools/remediation")["base_job_template"]
    assert template["job_configuration"]["command"] == "{{ command }}"
    assert template["variables"]["properties"]["command"]["default"].endswith("-m prefect.engine")


def test_a_server_that_cannot_be_asked_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    said = doctor("http://127.0.0.1:9/api", tmp_path)
    assert said.returncode == 2
    assert said.stderr.count("\n") == 1
    assert "http://127.0.0.1:9/api could not be asked" in said.stderr


@pytest.mark.parametrize(("name", "value"), [*SERVER_SETTINGS.items(), *WORKER_SETTINGS.items()])
def test_a_real_project_is_told_every_setting_that_the_stack_has(name: str, value: str) -> None:
    assert f"export {name}={value}" in (HOME / "docs" / "deploy.md").read_text()


def test_no_run_that_lives_is_called_crashed() -> None:
    """Prefect's own heartbeat comes every 180 s; the automation would call every run over 90 s crashed."""
    automations = yaml.safe_load((HOME / "deployments" / "automations.yaml").read_text())["automations"]
    (zombie,) = [one for one in automations if "zombie" in one["name"]]
    deployments = yaml.safe_load((HOME / "prefect.yaml").read_text())["deployments"]
    beats = {int(one["work_pool"]["job_variables"]["env"]["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"]) for one in deployments}
    assert max(beats | {HEARTBEAT_SECONDS}) * 3 <= zombie["trigger"]["within"]
