"""What a restore is about must be said; what is not clear is refused with one sentence that says what to write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from blocks.environment import PipelineEnvironment
from tasks.remediation.outcome import Refused
from tasks.restore.request import RestoreRequest, check, scope_of

AT = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def environment() -> PipelineEnvironment:
    """Names are enough here."""
    return PipelineEnvironment(project="p", data_bucket="data", ops_bucket="ops")


@pytest.mark.parametrize(
    ("kind", "name", "says"),
    [
        ("scene", "", "none never means everything"),
        ("prefix", "", "none never means everything"),
        ("object", " ", "none never means everything"),
        ("everything", "", "is no scope"),
        ("bucket", "scenes/", "takes no name"),
        ("scene", "kitchen_*", "has a wildcard"),
        ("prefix", "scenes/*/usd/", "has a wildcard"),
        ("scene", "kitchen/001", "is not a scene id"),
        ("scene", "..", "is not a scene id"),
        ("stage", "kitchen_001", "names no stage"),
        ("stage", "kitchen_001/nothing", "names no stage"),
        ("prefix", "scenes/", "is not below scenes/"),
        ("prefix", "elsewhere/", "is not below scenes/"),
        ("prefix", "scenes/kitchen_001", "end it with '/'"),
        ("object", "scenes/kitchen_001/", "use the scope prefix"),
        ("workflow", "", "needs the name of one workflow"),
    ],
)
def test_an_unclear_scope_is_refused_in_one_sentence(
    environment: PipelineEnvironment, kind: str, name: str, says: str
) -> None:
    with pytest.raises(Refused) as refused:
        check(environment, RestoreRequest(kind=kind, name=name))  # type: ignore[arg-type]
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "name", "prefix", "scene_id"),
    [
        ("bucket", "", "scenes/", None),
        ("scene", "kitchen_001", "scenes/kitchen_001/", "kitchen_001"),
        ("prefix", "scenes/kitchen_001/usd/", "scenes/kitchen_001/usd/", "kitchen_001"),
        ("object", "scenes/kitchen_001/usd/scene.usda", "scenes/kitchen_001/usd/scene.usda", "kitchen_001"),
    ],
)
def test_a_scope_is_one_prefix_that_is_never_empty(
    environment: PipelineEnvironment, kind: str, name: str, prefix: str, scene_id: str | None
) -> None:
    scope = scope_of(environment, RestoreRequest(kind=kind, name=name))  # type: ignore[arg-type]
    assert (scope.prefix, scope.scene_id) == (prefix, scene_id)


def test_one_object_is_not_what_only_begins_like_it(environment: PipelineEnvironment) -> None:
    scope = scope_of(environment, RestoreRequest(kind="object", name="scenes/a/usd/scene.usd"))
    assert scope.wants("scenes/a/usd/scene.usd")
    assert not scope.wants("scenes/a/usd/scene.usda")


def test_a_stage_is_its_outputs_and_its_markers_and_nothing_else(environment: PipelineEnvironment) -> None:
    scope = scope_of(environment, RestoreRequest(kind="stage", name="a/usd"))
    assert scope.wants("scenes/a/usd/scene.usda")
    assert not scope.wants("scenes/a/regen3d/objects/obj_1/mesh.glb")
    assert not scope.wants("scenes/a/geniesim/scene_graph.json")


def test_a_time_in_the_future_is_refused_and_one_without_a_zone_is_utc(environment: PipelineEnvironment) -> None:
    with pytest.raises(Refused, match="in the future"):
        check(environment, RestoreRequest(kind="bucket", at=datetime.now(UTC) + timedelta(hours=1)))
    assert RestoreRequest(kind="bucket", at=AT.replace(tzinfo=None)).at == AT


def test_whoever_changes_something_says_why(environment: PipelineEnvironment) -> None:
    with pytest.raises(Refused, match="Say why"):
        check(environment, RestoreRequest(kind="scene", name="a", mode="apply"))
    check(environment, RestoreRequest(kind="scene", name="a", mode="apply", reason="deleted by mistake"))
