"""What the block for Firestore does with a real client against the sandbox, with and without faults."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from blocks.errors import PermanentError, TemporaryError
from blocks.override_records import OverrideRecords
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tests.blocks.conftest import PROJECT, QUICK

AT = datetime(2026, 2, 1, 9, 0, 0, 250_000, tzinfo=UTC)


@pytest.fixture
def records(sandbox: Sandbox) -> Iterator[OverrideRecords]:
    block = OverrideRecords(project=PROJECT, endpoint=sandbox.endpoints.firestore, limits=QUICK)
    yield block
    block.close()


def test_a_document_has_its_values_as_plain_data(records: OverrideRecords, sandbox: Sandbox) -> None:
    fields = {
        "text": "ü", "yes": True, "no": False, "number": 7, "part": 0.5, "nothing": None, "bytes": b"x", "at": AT,
        "list": [1, "two", {"three": 3}], "inner": {"deep": {"deeper": "x"}}, "empty": {}, "none": [],
    }  # fmt: skip
    sandbox.firestore.put("plain", "one", fields, AT)
    (found,) = records.documents("plain")
    assert (found.id, found.collection, found.fields) == ("one", "plain", fields)


def test_firestore_says_when_a_document_was_made_and_when_it_was_last_changed(
    records: OverrideRecords, sandbox: Sandbox
) -> None:
    sandbox.firestore.put("times", "a", {"v": 1}, AT)
    sandbox.firestore.put("times", "b", {"v": 1}, AT)
    sandbox.firestore.put("times", "b", {"v": 2}, AT + timedelta(hours=1))
    same, changed = records.documents("times")
    assert (same.created, same.updated) == (AT, AT)
    assert (changed.created, changed.updated) == (AT, AT + timedelta(hours=1))


def test_every_page_is_read_in_order_of_the_names(records: OverrideRecords, sandbox: Sandbox) -> None:
    for number in range(650):
        sandbox.firestore.put("many", f"{number:04}", {"n": number})
    sandbox.requests.reset()
    assert [one.fields["n"] for one in records.documents("many")] == list(range(650))
    assert sandbox.requests.count("firestore", "ListDocuments") == 3


def test_a_collection_that_nobody_has_written_to_is_empty(records: OverrideRecords) -> None:
    assert list(records.documents("nobody")) == []


@pytest.mark.parametrize("changes", [{"project": "another"}, {"database": "other"}])
def test_a_project_without_the_database_has_no_records(
    records: OverrideRecords, sandbox: Sandbox, changes: dict[str, str]
) -> None:
    sandbox.firestore.put("there", "one", {})
    assert list(records.model_copy(update=changes).documents("there")) == []


def test_what_may_not_be_read_is_an_error_that_names_the_permission(records: OverrideRecords, sandbox: Sandbox) -> None:
    sandbox.faults.add(FaultRule(service="firestore", kind="status", status=403))
    with pytest.raises(PermanentError, match=r"datastore\.entities\.list"):
        list(records.documents("there"))
    sandbox.faults.clear()


def test_an_answer_that_fails_once_is_asked_for_again_and_one_that_never_comes_is_temporary(
    records: OverrideRecords, sandbox: Sandbox
) -> None:
    sandbox.firestore.put("again", "one", {})
    sandbox.faults.add(FaultRule(service="firestore", kind="status", status=503, times=1))
    assert len(list(records.documents("again"))) == 1
    sandbox.faults.add(FaultRule(service="firestore", kind="status", status=503))
    with pytest.raises(TemporaryError):
        list(records.documents("again"))
    sandbox.faults.clear()
