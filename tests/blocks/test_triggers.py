"""What the triggers block says of the deployed Eventarc triggers."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from blocks.calls import CallLimits
from blocks.errors import PermanentError, TemporaryError
from blocks.triggers import PipelineTriggers, TriggerInfo
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tests.intake.world import make_trigger


def test_each_trigger_names_its_workflow_and_bucket(triggers: PipelineTriggers, sandbox: Sandbox) -> None:
    found = triggers.list()
    deployed = {name: one for name, one in sandbox.catalogue.triggers.items() if one.deployed}
    assert [one.name for one in found] == sorted(deployed)
    for one in found:
        expected = deployed[one.name]
        subscription = f"projects/sandbox-project/subscriptions/eventarc-us-central1-{one.name}-sub-000"
        assert one.created is not None
        assert replace(one, created=None) == TriggerInfo(
            one.name, expected.workflow, "sandbox-scenes", expected.name_regex, subscription, "us-central1"
        )


def test_a_definition_holds_what_it_takes_to_make_the_trigger_again(triggers: PipelineTriggers) -> None:
    definitions = triggers.definitions()
    assert json.loads(json.dumps(definitions)) == definitions
    for one, info in zip(definitions, triggers.list(), strict=True):
        filters = {each["attribute"]: each["value"] for each in one["eventFilters"]}
        assert one["name"].endswith(f"/triggers/{info.name}")
        assert one["destination"]["workflow"].endswith(f"/workflows/{info.workflow}")
        assert (filters["bucket"], filters.get("name")) == (info.bucket, info.name_pattern)
        assert filters["type"] == "google.cloud.storage.object.v1.finalized"


def test_a_trigger_without_a_name_filter_fires_for_every_object(triggers: PipelineTriggers) -> None:
    patterns = {one.name: one.name_pattern for one in triggers.list()}
    assert patterns["genie-sim-export-trigger"] is None
    assert patterns["usd-assembly-trigger"]


def test_triggers_of_every_location_are_listed(triggers: PipelineTriggers, sandbox: Sandbox) -> None:
    before = triggers.list()
    mine = make_trigger(sandbox, "us", "usd-assembly-trigger")
    found = [one for one in triggers.list() if one not in before]
    sandbox.eventarc.deployed.remove(mine)
    assert [(one.name, one.location) for one in found] == [("usd-assembly-trigger", "us")]
    assert "eventarc-us-usd-assembly-trigger" in found[0].subscription


def test_a_location_that_does_not_answer_is_not_one_without_triggers(
    triggers: PipelineTriggers, sandbox: Sandbox
) -> None:
    sandbox.eventarc.silent.add("us")
    try:
        with pytest.raises(TemporaryError, match="no answer from us"):
            triggers.list()
    finally:
        sandbox.eventarc.silent.clear()


@pytest.mark.parametrize("kind", ["status", "reset", "hang", "lost_answer"])
def test_one_fault_is_not_noticed(triggers: PipelineTriggers, sandbox: Sandbox, kind: str) -> None:
    triggers.limits = CallLimits(attempts=3, total_seconds=10.0, call_seconds=0.4, first_wait_seconds=0.01)
    sandbox.faults.add(FaultRule.model_validate({"service": "eventarc", "kind": kind, "seconds": 1.0, "times": 1}))
    assert triggers.list()


def test_a_service_that_goes_on_failing_is_temporary(triggers: PipelineTriggers, sandbox: Sandbox) -> None:
    sandbox.faults.add(FaultRule(service="eventarc", kind="reset"))
    with pytest.raises(TemporaryError, match="list the triggers of sandbox-project"):
        triggers.list()


def test_a_refusal_names_the_permission_to_grant(triggers: PipelineTriggers, sandbox: Sandbox) -> None:
    sandbox.faults.add(FaultRule(service="eventarc", kind="status", status=403))
    with pytest.raises(PermanentError, match=r"grant eventarc\.triggers\.list to the account"):
        triggers.list()
