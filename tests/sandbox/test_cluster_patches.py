"""Patches and selectors of the cluster as pure functions: what goes in, what comes out (Kubernetes' own examples)."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from deployments.sandbox.cluster.apply import Applied, leaves
from deployments.sandbox.cluster.errors import KubernetesError
from deployments.sandbox.cluster.merge import json_patch, merge_patch, strategic_patch
from deployments.sandbox.cluster.requests import read_token, token
from deployments.sandbox.cluster.resources import BY_PLURAL
from deployments.sandbox.cluster.selectors import field_selector, label_selector, matches

TWO = {"containers": [{"name": "a", "image": "1", "env": [{"name": "X", "value": "1"}]}, {"name": "b", "image": "2"}]}


@pytest.mark.parametrize(
    ("target", "patch", "expected"),
    [
        ({"a": 1, "b": {"c": 2}}, {"b": {"c": None, "d": 3}}, {"a": 1, "b": {"d": 3}}),
        (TWO, {"containers": [{"name": "b", "image": "3"}]}, {"containers": [TWO["containers"][0], {"name": "b", "image": "3"}]}),
        (TWO, {"containers": [{"name": "c"}]}, {"containers": [*TWO["containers"], {"name": "c"}]}),
        (TWO, {"containers": [{"name": "a", "$patch": "delete"}]}, {"containers": [TWO["containers"][1]]}),
        (TWO, {"containers": [{"name": "c"}, {"$patch": "replace"}]}, {"containers": [{"name": "c"}]}),
        (TWO, {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}, {"containers": TWO["containers"][::-1]}),
        (TWO, {"containers": []}, TWO),
        ({"tolerations": [{"key": "a"}]}, {"tolerations": [{"key": "b"}]}, {"tolerations": [{"key": "b"}]}),
        ({"finalizers": ["a", "b"]}, {"$deleteFromPrimitiveList/finalizers": ["a"]}, {"finalizers": ["b"]}),
        ({"finalizers": ["a"]}, {"finalizers": ["a", "b"]}, {"finalizers": ["a", "b"]}),
        ({"strategy": {"type": "R", "rolling": 1}}, {"strategy": {"$retainKeys": ["type"], "type": "S"}},
         {"strategy": {"type": "S"}}),
        ({"a": {"b": 1}}, {"a": {"$patch": "replace", "c": 2}}, {"a": {"c": 2}}),
        ({"a": {"b": 1}}, {"a": {"$patch": "delete"}}, {}),
    ],
)  # fmt: skip
def test_a_strategic_patch_merges_lists_by_their_keys(target: Any, patch: Any, expected: Any) -> None:
    assert strategic_patch(target, patch) == expected


def test_a_patch_leaves_what_it_is_laid_over_as_it_is() -> None:
    before = copy.deepcopy(TWO)
    strategic_patch(TWO, {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]})
    assert before == TWO


def test_a_merge_patch_replaces_lists() -> None:
    assert merge_patch(TWO, {"containers": [{"name": "c"}], "x": None}) == {"containers": [{"name": "c"}]}


@pytest.mark.parametrize(
    ("patch", "status"),
    [("x", 400), ([5], 400), ([{"op": "add"}], 400), ([{"op": "remove", "path": "/absent"}], 422),
     ([{"op": "test", "path": "/a", "value": 2}], 422), ([{"op": "replace", "path": "", "value": []}], 422)],
)  # fmt: skip
def test_a_json_patch_that_does_not_fit_changes_nothing(patch: Any, status: int) -> None:
    before = {"a": 1}
    with pytest.raises(KubernetesError) as refused:
        json_patch(before, patch)
    assert (refused.value.status, before) == (status, {"a": 1})


def applied(
    applier: Applied, live: dict[str, Any], wanted: dict[str, Any], manager: str, *, force: bool = False
) -> Any:
    wanted = {"metadata": {"name": "x"}, **wanted}
    merged = applier.merged(live, wanted, manager, force=force)
    applier.remember("u", manager, wanted, force=force)
    return merged


LIVE = {"apiVersion": "v1", "metadata": {"name": "x", "uid": "u"}, "data": {"other": "kept"}}


def test_what_a_manager_applies_no_more_goes_unless_another_wants_it() -> None:
    applier = Applied()
    live = applied(applier, LIVE, {"data": {"a": "1", "b": "2"}}, "one")
    live = applied(applier, live, {"data": {"b": "2"}}, "two")
    live = applied(applier, live, {"data": {}}, "one")
    assert live["data"] == {"other": "kept", "b": "2"}


def test_a_field_that_two_want_otherwise_is_a_conflict_until_one_forces_it() -> None:
    applier = Applied()
    live = applied(applier, LIVE, {"data": {"a": "1"}}, "one")
    with pytest.raises(KubernetesError, match=r'conflict with "one": \.data\.a'):
        applied(applier, live, {"data": {"a": "2"}}, "two")
    live = applied(applier, live, {"data": {"a": "2"}}, "two", force=True)
    assert live["data"]["a"] == "2"
    with pytest.raises(KubernetesError, match='conflict with "two"'):
        applied(applier, live, {"data": {"a": "3"}}, "one")


def test_entries_of_a_keyed_list_are_owned_one_by_one() -> None:
    assert leaves(TWO) == {
        ("containers", "k:a", "name"): "a",
        ("containers", "k:a", "image"): "1",
        ("containers", "k:a", "env", "k:X", "name"): "X",
        ("containers", "k:a", "env", "k:X", "value"): "1",
        ("containers", "k:b", "name"): "b",
        ("containers", "k:b", "image"): "2",
    }


def item(**labels: str) -> dict[str, Any]:
    return {"metadata": {"name": "n", "namespace": "s", "labels": labels}, "status": {"phase": "Running"}}


@pytest.mark.parametrize(
    ("text", "holds"),
    [("", True), ("a=1,b", True), ("a!=1", False), ("!c", True), ("a in (1,2),b", True), ("a notin (1)", False),
     ("c notin (1)", True), ("a==1", True), (" a = 1 ", True)],
)  # fmt: skip
def test_a_label_selector_chooses(text: str, holds: bool) -> None:
    assert label_selector(text)(item(a="1", b="")) is holds


@pytest.mark.parametrize("text", ["a b", "=1", "a in 1", "!a=1", "a in (1"])
def test_a_label_selector_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(KubernetesError, match="unable to parse requirement"):
        label_selector(text)


@pytest.mark.parametrize(
    ("text", "holds"),
    [("metadata.name=n,status.phase=Running", True), ("status.phase!=Running", False), ("spec.nodeName=", True)],
)
def test_a_field_selector_chooses_and_what_is_missing_is_empty(text: str, holds: bool) -> None:
    assert field_selector(text, BY_PLURAL["pods"])(item()) is holds


@pytest.mark.parametrize("text", ["status.phase", "spec.containers=x", "metadata.uid=1"])
def test_a_field_the_kind_cannot_be_chosen_by_is_refused(text: str) -> None:
    with pytest.raises(KubernetesError):
        field_selector(text, BY_PLURAL["pods"])


def test_a_selector_of_a_spec_takes_expressions_and_an_empty_one_chooses_nothing() -> None:
    terms = [{"key": "a", "operator": "In", "values": ["1"]}, {"key": "b", "operator": "DoesNotExist"}]
    assert matches({"matchExpressions": terms}, {"a": "1"})
    assert not matches({"matchExpressions": terms}, {"a": "1", "b": ""})
    assert not matches({}, {"a": "1"})


def test_a_page_goes_on_after_the_last_item_it_showed() -> None:
    assert read_token(token(item())) == ("s", "n")
    assert read_token("") == ("", "")
