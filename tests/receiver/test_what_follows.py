"""What follows from a rule: which deployment is started, with what, and how often at most."""

from __future__ import annotations

import ast

import pytest
import yaml

from deployments.receiver.rule import SEARCHED, Fits, Part, Rule, filled, kept
from deployments.receiver.rules import SHIPPED, Rules, load_rules, read_rules
from tests.receiver import messages as m
from tests.receiver.test_rules import HOME, told
from tests.receiver.world import plain_environment


@pytest.fixture
def rules() -> Rules:
    return load_rules(plain_environment())


def test_only_what_leaves_a_scene_broken_starts_a_recovery() -> None:
    starts = {rule.name for rule in read_rules(SHIPPED) if rule.run and "recovery" in rule.run.deployment}
    assert starts == {"failure-marker", "workflow-failed"}


@pytest.mark.parametrize("rule", [one for one in read_rules(SHIPPED) if one.run], ids=lambda rule: rule.name)
def test_what_a_rule_starts_is_deployed_and_takes_what_it_is_given(rule: Rule) -> None:
    assert rule.run is not None
    flow, name = rule.run.deployment.split("/")
    deployed = yaml.safe_load((HOME / "prefect.yaml").read_text())["deployments"]
    (one,) = (each for each in deployed if each["name"] == name)
    assert one["entrypoint"].rpartition(".")[2] == flow.replace("-", "_")
    module = ast.parse((HOME / f"{one['entrypoint'].rpartition('.')[0].replace('.', '/')}.py").read_text())
    (made,) = (
        each for each in module.body if isinstance(each, ast.FunctionDef) and each.name == flow.replace("-", "_")
    )
    assert set(rule.run.parameters) <= {each.arg for each in made.args.args}


def test_what_tells_of_no_scene_starts_a_look_only() -> None:
    looks = {one.name: one.run.deployment for one in read_rules(SHIPPED) if one.run and not one.run.parameters}
    gpu = dict.fromkeys(("gpu-not-scaled-up", "gpu-pod-waits", "gpu-machine-refused"), "gpu-check/gpu-check")
    assert looks == {**gpu, "dead-letter": "diagnose/diagnose"}
    assert {one.quiet_seconds for one in read_rules(SHIPPED) if one.name in looks} == {300}


def test_an_unwell_simulator_starts_the_end_of_its_outage_as_far_as_the_policy_lets_it(rules: Rules) -> None:
    event = told(rules, m.pubsub(m.pod_event("geniesim-server-0", "BackOff")))
    rule = rules.by_name[event.rule]
    assert rule.run is not None
    assert filled(rule.run.parameters, event.values) == {
        "service": "genie-sim",
        "reason": "Kubernetes calls its pod geniesim-server-0 unwell",
        "requested_by": "receiver",
    }
    deployed = yaml.safe_load((HOME / "prefect.yaml").read_text())["deployments"]
    (one,) = (each for each in deployed if each["name"] == rule.run.deployment.partition("/")[2])
    assert one["parameters"]["unattended"] is True, "without the policy's simulator_restart it is only planned"
    assert one["concurrency_limit"] == {"limit": 1, "collision_strategy": "ENQUEUE"}
    assert rule.quiet_seconds == 300, "its probe fails every few seconds"


def test_a_text_longer_than_any_service_writes_is_not_searched() -> None:
    rule = next(one for one in read_rules(SHIPPED) if one.name == "gpu-machine-refused")
    condition = rule.when["protoPayload.status.message"]
    assert isinstance(condition, Fits)
    entry = m.machine_refused("ZONE_RESOURCE_POOL_EXHAUSTED")
    assert rule.fits(entry)
    entry["protoPayload"]["status"]["message"] += " " * SEARCHED
    assert not rule.fits(entry)
    assert kept({"text": "x" * (SEARCHED + 1)}, Part(path="text", matches="(x)")) is None
