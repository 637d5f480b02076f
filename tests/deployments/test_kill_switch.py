"""The kill switch as a person flips it in the Prefect UI: by its deployment's form, for every change from then on."""

from __future__ import annotations

from urllib.error import HTTPError

import pytest

from blocks.policy import RemediationPolicy
from tests.deployments.world import Run, RunningStack

SWITCH = "kill-switch/kill-switch"


def flipped(stack: RunningStack, **form: str) -> Run:
    """What became of a run of the deployment with these parameters, as the form sends them."""
    return stack.ended(stack.start(SWITCH, **form))


def stops(stack: RunningStack) -> list[str]:
    """What the environment block says now."""
    return RemediationPolicy.model_validate(stack.block()["data"]["policy"]).kill_switch


def test_flipped_by_its_deployment_it_refuses_a_change_with_who_and_why_and_is_lifted_so(stack: RunningStack) -> None:
    scene = stack.scene("stopped_001", "export_missing")
    on = flipped(stack, turn="on", reason="it deletes too much", requested_by="ann")
    assert (on["state_type"], "ann: it deletes too much" in on["state"]["message"]) == ("COMPLETED", True)
    (entry,) = stops(stack)
    assert entry.endswith("ann: it deletes too much")

    refused = stack.ended(stack.start("export-recovery/export-recovery", scene_ids=[scene], mode="apply"))
    assert refused["state_type"] == "FAILED"
    assert "ann: it deletes too much" in refused["state"]["message"], "whoever is refused is told who and why"
    assert stack.worked(scene) == []
    assert not stack.is_healthy(scene)

    off = flipped(stack, turn="off", reason="mended", requested_by="bo")
    assert (off["state_type"], stops(stack)) == ("COMPLETED", [])


def test_what_the_form_does_not_offer_is_refused_before_there_is_a_run(stack: RunningStack) -> None:
    before = len(stack.runs("kill-switch"))
    with pytest.raises(HTTPError) as refusal:
        stack.start(SWITCH, turn="sideways")
    assert 400 <= refusal.value.code < 500
    assert len(stack.runs("kill-switch")) == before
