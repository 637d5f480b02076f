"""Rules that every restore obeys: approval, digest, window, switch and caps; only over what was seen; by bytes, not by size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from blocks.environment import PipelineEnvironment
from blocks.policy import RemediationPolicy
from deployments.sandbox.server import Sandbox
from tasks.remediation.approval import Approval
from tasks.remediation.guard import Scope, over_caps
from tasks.restore.observe import ObjectFacts
from tasks.restore.plan import plan_objects
from tasks.restore.request import RestoreRequest, scope_of
from tasks.restore.survey import Found
from tests.recovery.world import everything
from tests.restore.test_definitions import WORKFLOW, captured, change, live_workflow
from tests.restore.test_terraform import BUCKET, NAME, body
from tests.restore.world import (
    DATA,
    EXTRA,
    Restored,
    do,
    make_night,
    now,
    scene,
)

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
