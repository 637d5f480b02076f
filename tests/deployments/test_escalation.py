"""From a declared incident to a person who has it, through everything that is between: pager, link, receiver, worker."""

from __future__ import annotations

import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator

import pytest

from tasks.incidents.acknowledge import acknowledge
from tasks.incidents.entries import Declared
from tasks.incidents.incident import Incident, declare, read_incident
from tasks.incidents.pages import enough
from tasks.remediation.context import Context
from tests.deployments.world import RunningStack, wait_for


@pytest.fixture
def context(stack: RunningStack) -> Context:
    return Context(stack.environment, "ann")


@pytest.fixture
def incident(stack: RunningStack, context: Context) -> Iterator[Incident]:
    stack.control("DELETE", "messages")
    made = declare(context, Declared(title="Exports fail", severity="sev2"))
    yield made
    if not enough(read_incident(context, made.id)):
        acknowledge(context, made.id, "the test", "command")
    for run in stack.runs("escalation"):
        if run["state_type"] == "SCHEDULED":
            stack.prefect("DELETE", f"flow_runs/{run['id']}")


def messages(stack: RunningStack, incident: Incident) -> list[str]:
    """The sinks that were told of an incident, in their order."""
    return [one["sink"] for one in stack.control("GET", "messages") if incident.id in one["title"]]


def test_a_page_comes_with_a_link_by_which_a_person_takes_the_incident(
    stack: RunningStack, context: Context, incident: Incident
) -> None:
    told = stack.ended(stack.start("escalation/escalation", mode="apply"))
    assert told["state_type"] == "COMPLETED", told["state"]["message"]
    (page,) = [one for one in stack.control("GET", "messages") if incident.id in one["title"]]
    found = re.search(r"http://127\.0\.0\.1:\d+/ack/\S+", page["text"])
    assert found is not None, page["text"]
    link = found.group()

    with urllib.request.urlopen(link, timeout=120) as shown:
        assert incident.id in shown.read().decode()
    assert stack.runs("acknowledge-incident") == []

    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(link[:-1] + ("0" if link[-1] != "0" else "1"), timeout=120)
    for _ in range(2):
        said = urllib.parse.urlencode({"by": "bo"}).encode()
        with urllib.request.urlopen(link, said, timeout=120) as answer:
            assert f"bo has {incident.id}" in answer.read().decode()
    (run,) = wait_for(lambda: stack.runs("acknowledge-incident"), "the run that acknowledges")
    ended = stack.ended(run)
    assert ended["state"]["message"] == f"{incident.id}: bo has it."
    read = read_incident(context, incident.id)
    assert read.acknowledged is not None
    assert (read.acknowledged.by, read.acknowledged.how, read.acknowledged.identity) == ("bo", "link", "claimed")

    again = stack.ended(stack.start("escalation/escalation", mode="apply"))
    assert "nothing" in again["state"]["message"] or "0 of them" in again["state"]["message"]
    assert messages(stack, incident) == ["primary"]


def test_the_next_tier_is_told_at_its_time_by_a_run_that_nobody_starts(stack: RunningStack, incident: Incident) -> None:
    """The schedules of the stack are off: it is the escalation itself that has Prefect come again."""
    began, first = time.monotonic(), {"label": "primary", "sinks": ["primary"], "repeat": 0}
    stack.policy("on_call", chains={"pipeline": [first]})
    stack.ended(stack.start("escalation/escalation", mode="apply"))
    assert messages(stack, incident) == ["primary"]
    took = time.monotonic() - began  # what a run takes on this machine: the next tier is due after the next one
    second = {"label": "secondary", "sinks": ["platform"], "after_minutes": (3 * took + 10) / 60, "repeat": 0}
    stack.policy("on_call", chains={"pipeline": [first, second]})
    stack.ended(stack.start("escalation/escalation", mode="apply"))
    wait_for(lambda: messages(stack, incident) == ["primary", "platform"], "the second tier to be told", 120 + 5 * took)
    by_itself = [run for run in stack.runs("escalation") if run["parameters"].get("requested_by")]
    told = [run for run in by_itself if run["start_time"]]  # it has planned the next one by now, for a time to come
    assert told
    assert stack.ended(told[0])["state_type"] == "COMPLETED"


def test_the_deployed_audit_is_green_when_everybody_can_be_told(stack: RunningStack) -> None:
    ended = stack.ended(stack.start("escalation-audit/escalation-audit"))
    assert ended["state_type"] == "COMPLETED", ended["state"]["message"]
