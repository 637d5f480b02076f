"""Switches of jobs that replace the simulation, or leave it unchecked."""

from __future__ import annotations

from typing import Any

import pytest

from blocks.catalogue_load import load_catalogue
from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.simulator_outage.facts import JobSettings, SwitchFinding
from tasks.simulator_outage.judge import switch_findings
from tests.gpu_capacity.world import job
from tests.simulator_outage.test_http import give
from tests.simulator_outage.world import looked_at

RULES = load_catalogue().simulation_switches
CHECKED = dict(RULES.required)
LIVE = {"PIPELINE_ENV": "production"}


def found(env: dict[str, str], *, simulates: bool = False, more: bool = False) -> list[SwitchFinding]:
    kind: Any = "gke-job" if simulates else "job"
    return list(switch_findings(RULES, [JobSettings(kind, "a-job", env, simulates, more)]))


@pytest.mark.parametrize("name", RULES.forbidden)
@pytest.mark.parametrize("value", ["1", "true", "TRUE", "yes", "on"])
def test_a_mock_or_fallback_that_is_on_in_production_is_found(name: str, value: str) -> None:
    (one,) = found(LIVE | {name: value})
    assert (one.variable, one.value, one.production) == (name, value, True)
    assert one.sentence == f"job a-job: {name}={value} is on in production."


@pytest.mark.parametrize("value", ["0", "false", "", "no", "off"])
def test_one_that_is_off_is_none(value: str) -> None:
    assert found(LIVE | dict.fromkeys(RULES.forbidden, value)) == []


@pytest.mark.parametrize(("name", "values"), RULES.production.items())
def test_each_way_to_say_production_counts(name: str, values: tuple[str, ...]) -> None:
    for value in (*values, *(one.upper() for one in values)):
        assert [one.production for one in found({name: value, "GENIESIM_MOCK": "1"})] == [True]


@pytest.mark.parametrize("env", [{}, {"PIPELINE_ENV": "staging"}, {"PRODUCTION_MODE": "0"}])
def test_without_a_word_of_production_it_is_told_and_no_more(env: dict[str, str]) -> None:
    (one,) = found(env | {"GENIESIM_MOCK": "1"})
    assert not one.production
    assert "nothing of the job says" in one.sentence


@pytest.mark.parametrize("name", CHECKED)
@pytest.mark.parametrize("simulates", [True, False])
def test_a_check_that_is_turned_off_is_found_wherever_it_stands(name: str, simulates: bool) -> None:
    (one,) = found(LIVE | CHECKED | {name: "0"}, simulates=simulates)
    assert (one.variable, one.value) == (name, "0")


def test_a_check_that_is_not_set_is_off_in_a_job_that_simulates_and_is_not_needed_elsewhere() -> None:
    assert [one.variable for one in found(LIVE, simulates=True)] == list(CHECKED)
    assert found(LIVE) == []
    assert found({}, simulates=True) == [], "not production"
    assert found(LIVE | CHECKED, simulates=True) == []


def test_what_a_config_map_may_set_is_not_called_missing() -> None:
    assert found(LIVE, simulates=True, more=True) == []


def test_a_deployed_job_with_a_mock_in_production_fails_the_check(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    give(environment, "genie-sim-submit-job", {"ALLOW_GENIESIM_MOCK": "1"})
    one, _ = looked_at(environment)
    assert one.outcome == "nothing_to_do", "nobody says that it is production's"
    assert any("ALLOW_GENIESIM_MOCK=1" in note for note in one.notes)
    give(environment, "genie-sim-submit-job", {"ALLOW_GENIESIM_MOCK": "1", "BP_ENV": "production"})
    one, _ = looked_at(environment)
    assert one.outcome == "failed"
    assert one.reasons == ["job genie-sim-submit-job: ALLOW_GENIESIM_MOCK=1 is on in production."]


def gpu_job(sandbox: Sandbox, name: str, **container: Any) -> None:
    job(sandbox, name, containers=[{"name": "main", "image": "x:1", **container}])


def test_jobs_of_the_cluster_are_read_until_they_have_ended(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    live = [{"name": name, "value": value} for name, value in (LIVE | CHECKED).items()]
    gpu_job(sandbox, "geniesim-gpu-good-1", env=live)
    gpu_job(sandbox, "geniesim-gpu-map-1", env=live[:1], envFrom=[{"configMapRef": {"name": "genie-sim-gpu-config"}}])
    gpu_job(sandbox, "geniesim-gpu-bad-1", env=live[:1])
    gpu_job(sandbox, "dwm-preparation-1", env=live[:1])
    one, found_ = looked_at(environment)
    assert {(each.job, each.variable) for each in found_.switches} == {("geniesim-gpu-bad-1", name) for name in CHECKED}
    assert one.outcome == "failed"
    sandbox.cluster.set_state("blueprint", "geniesim-gpu-bad-1", "failed")
    assert looked_at(environment)[1].switches == ()
