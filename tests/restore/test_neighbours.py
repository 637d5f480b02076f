"""What others do meanwhile: edited plans, damaged leases, another run at work, the kill switch."""

from __future__ import annotations

import gzip
import hashlib
import json
from contextlib import ExitStack
from dataclasses import asdict

import pytest

from blocks.environment import PipelineEnvironment
from blocks.policy import RemediationPolicy
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import Context
from tasks.remediation.plan import canonical
from tasks.restore.request import RestoreRequest
from tests.restore.test_definitions import WORKFLOW, captured, change, live_workflow
from tests.restore.world import (
    DATA,
    OPS,
    PREFIX,
    SCENE,
    contents,
    delete_all,
    do,
    drill,
    interrupt,
    make_night,
    pushing,
    restore,
    scene,
)


def test_an_edited_plan_or_list_reaches_nothing_outside_of_its_scope(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    scene(sandbox, upto="regen3d")
    scene(sandbox, "kitchen_002", upto="regen3d")
    make_night(environment, sandbox.store)
    before = contents(sandbox.store, "scenes/kitchen_002/")
    victim = next(iter(before))
    sandbox.store.delete(DATA, f"{PREFIX}regen3d/scene_info.json")
    interrupt(environment, "scene", SCENE, "hold delivery")
    (part,) = sandbox.store.list(OPS, "remediation/restore/")
    (item,) = [json.loads(line) for line in gzip.decompress(part.data).splitlines()]
    live = sandbox.store.get(DATA, victim)
    assert live is not None
    item[0], item[8] = victim, live.generation
    line = json.dumps(item, separators=(",", ":")).encode() + b"\n"
    sandbox.store.put(OPS, part.name, gzip.compress(line))
    (begin,) = [one for one in sandbox.store.list(OPS, "remediation/journal/@restore/") if one.name.endswith("1.json")]
    entry = json.loads(begin.data)
    for action in entry["data"]["plan"]["actions"]:
        if "sha256" in action["params"]:
            action["params"]["sha256"] = [hashlib.sha256(line).hexdigest()]
    del entry["data"]["digest"]  # with it, the edit itself would be noticed
    sandbox.store.put(OPS, begin.name, canonical(entry))
    result = do(environment)
    assert result.outcome == "failed"
    assert f"is about {PREFIX}, but names {victim}" in result.reasons[0]
    assert contents(sandbox.store, "scenes/kitchen_002/") == before


def test_one_damaged_lease_keeps_no_restore_of_everything_waiting_and_is_named(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    scene(sandbox, upto="regen3d")
    make_night(environment, sandbox.store)
    delete_all(sandbox, f"{PREFIX}regen3d/")
    sandbox.store.put(OPS, "remediation/leases/kitchen_002.json", b"{}")
    result = do(environment, "bucket", "")
    assert result.outcome == "done"
    assert any("leases/kitchen_002.json is no lease" in note for note in result.notes)


def test_a_damaged_lease_of_its_own_scene_ends_a_restore_in_a_sentence_that_names_it(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    scene(sandbox, upto="regen3d")
    make_night(environment, sandbox.store)
    delete_all(sandbox, f"{PREFIX}regen3d/")
    sandbox.store.put(OPS, f"remediation/leases/{SCENE}.json", b"{}")
    result = do(environment)
    assert result.outcome == "failed"
    assert f"leases/{SCENE}.json is no lease" in result.reasons[0]
    assert contents(sandbox.store, f"{PREFIX}regen3d/") == {}


@pytest.mark.parametrize("name", ["restore", "backup", "restore-drill", "intake"])
def test_a_scene_may_be_called_like_a_procedure(environment: PipelineEnvironment, sandbox: Sandbox, name: str) -> None:
    scene(sandbox, name, upto="regen3d")
    make_night(environment, sandbox.store)
    lost = next(iter(contents(sandbox.store, f"scenes/{name}/regen3d/")))
    sandbox.store.delete(DATA, lost)
    assert do(environment, "scene", name).outcome == "done"
    sandbox.store.delete(DATA, lost)
    assert do(environment, "bucket", "").outcome == "done"
    assert drill(environment, name).outcome == "done"


def test_who_begins_on_a_scene_meanwhile_ends_a_restore_of_many_before_it_writes_there(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    scene(sandbox, upto="regen3d")
    make_night(environment, sandbox.store)
    delete_all(sandbox, f"{PREFIX}regen3d/")
    before = pushing(environment)
    with ExitStack() as stack:

        def say(sentence: str) -> None:
            if sentence.endswith("restore data"):
                stack.enter_context(Context(environment, "somebody").holding(SCENE, "their-run"))

        request = RestoreRequest(kind="bucket", mode="apply", reason="a test")
        result = restore(Context(environment, "a test", say=say), request)
    assert result.outcome == "failed"
    assert "somebody" in result.reasons[0]
    assert contents(sandbox.store, f"{PREFIX}regen3d/") == {}
    assert pushing(environment) == before


def test_the_kill_switch_stops_a_restore_between_parts_and_says_what_is_held(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    scene(sandbox, upto="regen3d")
    make_night(environment, sandbox.store)
    delete_all(sandbox)
    asked: list[str] = []

    def policy() -> RemediationPolicy:
        return environment.policy.model_copy(update={"kill_switch": ["stop"] if asked else []})

    request = RestoreRequest(kind="scene", name=SCENE, mode="apply", reason="a test")
    context = Context(environment, "a test", policy=policy)
    context.say = lambda sentence: wait_and_note(context, asked, sentence)
    result = restore(context, request)
    assert result.outcome == "stopped"
    assert "Meanwhile the delivery of" in " ".join(result.reasons)
    assert contents(sandbox.store) == {}
    refused = restore(Context(environment, "a test", policy=policy), request)
    assert refused.outcome == "refused"
    assert "Meanwhile the delivery of" in " ".join(refused.reasons)
    assert do(environment).outcome == "done"


def wait_and_note(context: Context, asked: list[str], sentence: str) -> None:
    """Throw the switch when the data is to be restored; the context asks for the policy at once."""
    if sentence.endswith("restore data"):
        asked.append(sentence)
        context._asked = float("-inf")


def test_another_kind_of_restore_waits_while_an_interrupted_one_holds_delivery(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    scene(sandbox, upto="regen3d")
    live = live_workflow(environment)
    found = [captured(environment, "workflows", WORKFLOW, live.revision_id, asdict(live))]
    make_night(environment, sandbox.store, definitions=found)
    delete_all(sandbox)
    change(environment)
    interrupt(environment, "scene", SCENE, "restore data")
    result = do(environment, "workflow", WORKFLOW)
    assert result.outcome == "refused"
    assert "hold-watch" in result.reasons[0]
    assert do(environment).outcome == "done"
    assert do(environment, "workflow", WORKFLOW).outcome == "done"
