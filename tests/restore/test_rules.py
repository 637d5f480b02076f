"""Rules that every restore obeys: approval, digest, window, switch and caps; only over what was seen; by bytes, not by size."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from blocks.policy import RemediationPolicy
from deployments.sandbox.server import Sandbox
from tasks.remediation.approval import Approval
from tasks.remediation.context import Context
from tasks.remediation.guard import Scope, over_caps
from tasks.remediation.plan import canonical
from tasks.restore.observe import ObjectFacts
from tasks.restore.plan import plan_objects
from tasks.restore.request import RestoreRequest, scope_of
from tasks.restore.survey import Found
from tests.recovery.world import everything
from tests.restore.test_definitions import WORKFLOW, captured, change, live_workflow
from tests.restore.test_terraform import BUCKET, NAME, body
from tests.restore.world import (
    DATA,
    OPS,
    PREFIX,
    SCENE,
    Restored,
    contents,
    delete_all,
    do,
    drill,
    interrupt,
    make_night,
    now,
    pushing,
    restore,
    scene,
    without_history,
)

EXTRA = f"{PREFIX}regen3d/extra.bin"
Ask = Callable[..., Restored]


def closed_window() -> dict[str, object]:
    """A change window that does not hold this minute."""
    day = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[(datetime.now(UTC).weekday() + 3) % 7]
    return {"window_days": day}


@pytest.fixture(params=["objects", "state", "definition"])
def ask(request: pytest.FixtureRequest, environment: PipelineEnvironment, sandbox: Sandbox) -> Ask:
    """Something to restore, of each of the three kinds; asks for it."""
    if request.param == "objects":
        scene(sandbox, upto="regen3d")
        sandbox.store.put(DATA, EXTRA, b"good", quiet=True)
        make_night(environment, sandbox.store)
        sandbox.store.put(DATA, EXTRA, b"bad", quiet=True)
        return lambda **options: do(environment, "object", EXTRA, **({"overwrite": "always"} | options))
    if request.param == "state":
        sandbox.store.create_bucket(BUCKET, versioning=True)
        where = {"terraform_state_bucket": BUCKET, "terraform_state_prefix": "state"}
        environment.backup = environment.backup.model_copy(update=where)
        sandbox.store.put(BUCKET, NAME, body(3))
        at = now()
        sandbox.store.put(BUCKET, NAME, body(4))
        return lambda **options: do(
            environment, "terraform-state", "default", **({"at": at, "older_serial": True} | options)
        )
    live = live_workflow(environment)
    found = captured(environment, "workflows", WORKFLOW, live.revision_id, asdict(live))
    make_night(environment, sandbox.store, definitions=[found])
    change(environment)
    return lambda **options: do(environment, "workflow", WORKFLOW, **options)


def limited(environment: PipelineEnvironment, **policy: object) -> None:
    """Change the policy; what is wrong in it is refused as in a form."""
    environment.policy = RemediationPolicy.model_validate(environment.policy.model_dump() | policy)


def untouched(environment: PipelineEnvironment, sandbox: Sandbox) -> tuple[object, object]:
    """What must be the same before and after: every object, and what is deployed."""
    found = {one for one in everything(sandbox.store).found if not one[1].startswith("remediation/leases/")}
    return found, live_workflow(environment)


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        ({"kill_switch": ["stop"]}, "kill switch"),
        (closed_window(), "change window"),
        ({"max_objects": 0}, "max_objects"),
    ],
)
def test_switch_window_and_caps_stop_each_kind_of_restore(
    environment: PipelineEnvironment, sandbox: Sandbox, ask: Ask, policy: dict[str, object], says: str
) -> None:
    limited(environment, **policy)
    before = untouched(environment, sandbox)
    result = ask()
    assert result.outcome == "refused"
    assert says in " ".join(result.reasons)
    assert untouched(environment, sandbox) == before


def test_another_digest_than_the_reviewed_one_is_refused(
    environment: PipelineEnvironment, sandbox: Sandbox, ask: Ask
) -> None:
    plan = ask(mode="plan").plan
    assert plan is not None
    before = untouched(environment, sandbox)
    assert ask(plan_digest="0" * 16).outcome == "refused"
    assert untouched(environment, sandbox) == before
    assert ask(plan_digest=plan.digest).outcome == "done"


def test_a_person_must_approve_this_very_plan_and_not_their_own(
    environment: PipelineEnvironment, sandbox: Sandbox, ask: Ask
) -> None:
    limited(environment, approval={"low": "person", "medium": "person", "high": "person"})
    before = untouched(environment, sandbox)
    asked = ask()
    assert (asked.outcome, untouched(environment, sandbox)) == ("needs_approval", before)
    assert asked.plan is not None
    yes = Approval(decision="approve", approver="somebody else", plan_digest=asked.plan.digest)
    for wrong in ({"approver": "a test"}, {"plan_digest": "0" * 16}, {"decision": "reject"}):
        assert ask(approval=yes.model_copy(update=wrong)).outcome == "refused"
    assert untouched(environment, sandbox) == before
    assert ask(approval=yes).outcome == "done"


def test_a_list_of_forty_thousand_objects_is_forty_thousand_objects_to_the_caps(
    environment: PipelineEnvironment, tmp_path: Path
) -> None:
    part = tmp_path / "data-00000.jsonl"
    part.write_bytes(b"[]\n")
    found = Found(
        objects=Counter({"list:data": 40_000, "over:data": 30_000, "list:extra": 10_000, "live": 80_000}),
        bytes=Counter({"over:data": 3_000, "list:extra": 1_000}),
        lists={"data": [part], "extra": [part]},
    )
    request = RestoreRequest(kind="bucket", remove_extra=True)
    plan = plan_objects(
        ObjectFacts(scope_of(environment, request), None, found, (), (), ()), request, environment.data_bucket
    )
    policy = environment.policy.model_copy(update={"max_objects": 39_999, "max_bytes": 4_000})
    (why,) = over_caps(plan, policy, Scope(total_objects=80_000))
    assert "delete 10,000 and replace 30,000" in why
    policy = environment.policy.model_copy(update={"max_objects": 40_000, "max_bytes": 3_999})
    (why,) = over_caps(plan, policy, Scope(total_objects=80_000))
    assert "4,000 bytes" in why
    policy = environment.policy.model_copy(update={"max_objects": 40_000, "max_bytes": 4_000})
    assert over_caps(plan, policy, Scope(total_objects=80_000)) == []
    policy = policy.model_copy(update={"max_objects_percent": 12.0})
    (why,) = over_caps(plan, policy, Scope(total_objects=80_000))
    assert "max_objects_percent" in why


def test_what_is_in_a_list_is_part_of_the_digest(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    scene(sandbox, upto="regen3d")
    sandbox.store.put(DATA, EXTRA, b"good", quiet=True)
    make_night(environment, sandbox.store)
    digests = set()
    for bad in (b"bad", b"bad"):  # the same bytes, another generation
        sandbox.store.put(DATA, EXTRA, bad, quiet=True)
        plan = do(environment, "object", EXTRA, overwrite="always", mode="plan").plan
        assert plan is not None
        digests.add(plan.digest)
    assert len(digests) == 2


def meanwhile(environment: PipelineEnvironment, act: Callable[[], object], **options: Any) -> Restored:
    """A restore of everything of the scene, during which something happens before its first object is written."""

    def say(sentence: str) -> None:
        if sentence.endswith("restore data"):
            act()

    request = RestoreRequest(kind="scene", name=SCENE, mode="apply", reason="a test", **options)
    return restore(Context(environment, "a test", say=say), request)


@pytest.mark.parametrize("history", ["soft_delete", "none"])
@pytest.mark.parametrize("was", ["other bytes", "nothing"])
def test_an_object_is_restored_only_over_the_generation_that_was_seen_or_where_nothing_was(
    environment: PipelineEnvironment, sandbox: Sandbox, history: str, was: str
) -> None:
    scene(sandbox, upto="regen3d")
    sandbox.store.put(DATA, EXTRA, b"good", quiet=True)
    make_night(environment, sandbox.store)
    if history == "none":
        without_history(sandbox)
    if was == "nothing":
        sandbox.store.delete(DATA, EXTRA)
    else:
        sandbox.store.put(DATA, EXTRA, b"bad!", quiet=True)
    result = meanwhile(
        environment, lambda: sandbox.store.put(DATA, EXTRA, b"new!", quiet=True), overwrite="always", without_hold=True
    )
    assert contents(sandbox.store)[EXTRA] == b"new!", "somebody wrote it meanwhile"
    assert "1 left alone" in " ".join(result.run.done.values())


def test_a_restore_is_settled_by_bytes_and_not_by_size(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    scene(sandbox, upto="regen3d")
    sandbox.store.put(DATA, EXTRA, b"good", quiet=True)
    make_night(environment, sandbox.store)
    without_history(sandbox)
    sandbox.store.put(DATA, EXTRA, b"bad", quiet=True)
    result = meanwhile(environment, lambda: sandbox.store.put(DATA, EXTRA, b"evil", quiet=True), overwrite="always")
    said = " ".join(result.run.done.values())
    assert "0 restored, 1 left alone because somebody else wrote them meanwhile" in said
    assert contents(sandbox.store)[EXTRA] == b"evil"


def test_the_proof_finds_other_bytes_of_the_same_size(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    scene(sandbox, upto="regen3d")
    sandbox.store.put(DATA, EXTRA, b"good", quiet=True)
    make_night(environment, sandbox.store)
    without_history(sandbox)
    sandbox.store.delete(DATA, EXTRA)

    def spoil(sentence: str) -> None:
        if sentence.endswith("verify data"):
            sandbox.store.put(DATA, EXTRA, b"evil", quiet=True)

    request = RestoreRequest(kind="object", name=EXTRA, mode="apply", reason="a test")
    result = restore(Context(environment, "a test", say=spoil), request)
    said = " ".join(result.run.done.values())
    assert "0 objects have the wanted size and checksum, 1 were written by somebody else meanwhile" in said


def test_what_is_kept_before_it_is_replaced_is_settled_by_bytes_and_not_by_size(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    scene(sandbox, upto="regen3d")
    sandbox.store.put(DATA, EXTRA, b"good", quiet=True)
    make_night(environment, sandbox.store)
    without_history(sandbox)
    bad = sandbox.store.put(DATA, EXTRA, b"bad!", quiet=True).generation
    sandbox.store.put(OPS, f"remediation/quarantine/@restore/{EXTRA}#{bad}", b"evil")
    result = do(environment, "object", EXTRA, overwrite="always")
    assert result.outcome == "failed"
    assert "holds something else" in result.reasons[0]
    assert contents(sandbox.store)[EXTRA] == b"bad!"


def test_a_soft_deleted_copy_that_is_past_recovery_makes_no_room_for_itself(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    scene(sandbox, upto="regen3d")
    sandbox.store.put(DATA, EXTRA, b"good", quiet=True)
    make_night(environment, sandbox.store)
    sandbox.store.put(DATA, EXTRA, b"bad", quiet=True)

    gone = next(one for one in sandbox.store.list(DATA, EXTRA, soft_deleted=True))
    result = meanwhile(environment, lambda: past_recovery(sandbox, gone.name, gone.generation), overwrite="always")
    assert contents(sandbox.store)[EXTRA] == b"bad"
    assert "0 restored, 1 whose source is gone" in " ".join(result.run.done.values())


def past_recovery(sandbox: Sandbox, name: str, generation: int) -> None:
    """The soft-delete period of one object is over."""
    bucket = sandbox.store.bucket(DATA)
    with bucket.lock:
        bucket._expiring = [(datetime(2020, 1, 1, tzinfo=UTC), name, generation)]


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
