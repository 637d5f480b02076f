"""What a file gives is compared with what a server has of it, and what only the server gives is no difference."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.doctor.compared import differing

WANTED: dict[str, Any] = {
    "trigger": {"within": 90, "expect": ["b", "a"], "match": {"id": "run.*"}, "for_each": ["id"]},
    "actions": [{"type": "change-flow-run-state", "state": "CRASHED", "message": "{{ event.id }} is dead."}],
}


def there(**changes: Any) -> dict[str, Any]:
    """What the server gives: its own ids and defaults, sets in another order, seconds as a float."""
    trigger = {"id": "1", "posture": "Reactive", "within": 90.0, "expect": ["a", "b"], "match_related": {}}
    trigger |= {"match": {"id": ["run.*"]}, "for_each": ["id"]}
    action = WANTED["actions"][0] | {"name": None, "force": False}
    return {"id": "2", "trigger": trigger | changes, "actions": [action], "actions_on_trigger": []}


def test_what_the_server_adds_and_the_form_it_gives_values_in_are_no_difference() -> None:
    assert differing(WANTED, there()) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"within": 60.0}, "trigger.within is 60.0, not 90"),
        ({"expect": ["a"]}, "trigger.expect is ['a'], not ['b', 'a']"),
        ({"match": {"id": "other"}}, "trigger.match.id is other, not run.*"),
        ({"match": {}}, "trigger.match.id is None, not run.*"),
        ({"for_each": []}, "trigger.for_each is [], not ['id']"),
    ],
)
def test_each_field_that_differs_is_named_with_both_values(changes: dict[str, Any], said: str) -> None:
    assert differing(WANTED, there(**changes)) == [said]


def test_actions_are_compared_one_by_one_and_none_may_be_missing_or_too_many() -> None:
    other = there()
    other["actions"] = [other["actions"][0] | {"state": "FAILED"}]
    assert differing(WANTED, other) == ["actions[0].state is FAILED, not CRASHED"]
    for actions in ([], other["actions"] * 2):
        assert len(differing(WANTED, there() | {"actions": actions})) == 1
