"""What the block of the project's permissions asks with a real client, and what it makes of refusals."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from blocks.errors import NotFound, PermanentError, TemporaryError
from blocks.project_access import ProjectAccess
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox

START, PAUSE = "workflows.executions.create", "cloudscheduler.jobs.pause"


@pytest.fixture(autouse=True)
def everything_is_allowed_again(sandbox: Sandbox) -> Iterator[None]:
    yield
    sandbox.denied.clear()
    sandbox.faults.clear()


def test_it_says_which_of_the_permissions_one_has(access: ProjectAccess, sandbox: Sandbox) -> None:
    assert access.granted([START, PAUSE]) == {START, PAUSE}
    sandbox.denied.add(PAUSE)
    assert access.granted([START, PAUSE]) == {START}


def test_a_project_that_is_not_there_is_said(access: ProjectAccess) -> None:
    access.project = "another"
    with pytest.raises(NotFound, match="what may be done in project another"):
        access.granted([START])


def test_a_service_that_does_not_answer_is_no_answer(access: ProjectAccess, sandbox: Sandbox) -> None:
    sandbox.faults.add(FaultRule(service="projects", method="TestIamPermissions", kind="status", status=503, times=100))
    with pytest.raises(TemporaryError):
        access.granted([START])


def test_an_api_that_is_off_is_a_sentence_and_no_missing_permission(access: ProjectAccess, sandbox: Sandbox) -> None:
    sandbox.faults.add(FaultRule(service="projects", method="TestIamPermissions", kind="status", status=403, times=1))
    with pytest.raises(PermanentError, match="Resource Manager API must be on"):
        access.granted([START])
