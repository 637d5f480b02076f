"""Cloud Logging at the edges: the order of entries, what they are given, and how a filter compares."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud.logging_v2.types import ListLogEntriesRequest, ListLogsRequest, LogEntry, WriteLogEntriesRequest

from deployments.sandbox.names import PROJECT
from deployments.sandbox.services.log_filter import parse_filter
from deployments.sandbox.services.logging_service import LoggingService
from deployments.sandbox.services.rpc import Refusal

PLACE = f"projects/{PROJECT}"
NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)


@pytest.fixture
def log() -> LoggingService:
    return LoggingService()


def write(log: LoggingService, *entries: LogEntry, **request: Any) -> None:
    log._write(WriteLogEntriesRequest(entries=entries, **{"log_name": f"{PLACE}/logs/mine", **request}))


def listed(log: LoggingService, text: str = "", **request: Any) -> list[LogEntry]:
    return list(log._list(ListLogEntriesRequest(resource_names=[PLACE], filter=text, **request)).entries)


def test_entries_are_in_the_order_of_their_times_whenever_they_were_written(log: LoggingService) -> None:
    for hours in (2, 0, 1, 0):
        write(log, LogEntry(text_payload=str(hours), timestamp=NOON + timedelta(hours=hours)))
    assert [one.text_payload for one in listed(log)] == ["0", "0", "1", "2"]
    down = [one.insert_id for one in listed(log, order_by="timestamp desc")]
    assert down == [one.insert_id for one in listed(log)][::-1]


def test_an_entrys_own_label_and_log_win_over_those_of_the_request(log: LoggingService) -> None:
    own = LogEntry(log_name=f"{PLACE}/logs/own", labels={"a": "own"})
    write(log, own, LogEntry(), labels={"a": "all", "b": "all"}, resource={"type": "gce_instance"})
    first, second = listed(log)
    assert (first.log_name, dict(first.labels)) == (f"{PLACE}/logs/own", {"a": "own", "b": "all"})
    assert (second.log_name, dict(second.labels)) == (f"{PLACE}/logs/mine", {"a": "all", "b": "all"})
    assert {one.resource.type for one in (first, second)} == {"gce_instance"}


def test_an_entry_without_a_resource_is_global(log: LoggingService) -> None:
    write(log, LogEntry())
    (entry,) = listed(log)
    assert (entry.resource.type, dict(entry.resource.labels)) == ("global", {"project_id": PROJECT})
    assert entry.timestamp == entry.receive_timestamp and entry.insert_id


@pytest.mark.parametrize("name", ["", "mine", "projects/other/logs/mine", f"{PLACE}/logs/a/b"])
def test_an_entry_is_written_to_a_log_of_the_project_or_not_at_all(log: LoggingService, name: str) -> None:
    with pytest.raises(Refusal, match="resource name"):
        write(log, LogEntry(log_name=f"{PLACE}/logs/fine"), LogEntry(log_name=name), log_name=name)
    assert listed(log) == []


def test_a_page_of_entries_goes_on_with_the_same_question_only(log: LoggingService) -> None:
    write(log, *[LogEntry(text_payload=str(number)) for number in range(3)])
    first = log._list(ListLogEntriesRequest(resource_names=[PLACE], page_size=2))
    assert len(listed(log, page_token=first.next_page_token)) == 1
    for other in ({"text": "severity>=DEFAULT"}, {"order_by": "timestamp desc"}):
        with pytest.raises(Refusal, match="other parameters"):
            listed(log, page_token=first.next_page_token, **other)


def test_logs_are_listed_once_each_by_name_for_their_project(log: LoggingService) -> None:
    for name in ("c", "a", "b", "a"):
        write(log, LogEntry(), log_name=f"{PLACE}/logs/{name}")
    assert list(log._logs(ListLogsRequest(parent=PLACE)).log_names) == [f"{PLACE}/logs/{name}" for name in "abc"]
    assert list(log._logs(ListLogsRequest(parent="projects/other")).log_names) == []


def test_a_field_that_cannot_be_compared_makes_an_entry_unwanted_and_no_error(log: LoggingService) -> None:
    write(log, LogEntry(json_payload={"severity": "high", "n": 1}), LogEntry(text_payload="x"))
    assert listed(log, "jsonPayload.n>a") == []
    assert len(listed(log, "jsonPayload.n>=1")) == 1
    assert len(listed(log, "jsonPayload:high")) == 1


ENTRY: dict[str, Any] = {
    "insertId": "sandbox-7",
    "timestamp": "2026-02-01T12:00:00Z",
    "jsonPayload": {"n": 1, "yes": True, "deep": {"word": "Mesh"}, "list": [1, "two"], "text": 'say "a"'},
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("severity=DEFAULT", True), ("severity<DEBUG", True), ("severity>=INFO", False), ("severity=default", True),
        ("insert_id=sandbox-7", True), ("jsonPayload.yes=1", False), ("jsonPayload.yes=TRUE", True),
        ("jsonPayload.n=1.0", True), ("jsonPayload.n!=1", False), ("jsonPayload.n!=word", False),
        ("jsonPayload.deep:mesh", True), ("jsonPayload.deep:WORD", True), ("jsonPayload.deep:absent", False),
        ("jsonPayload.list=two", True), ("jsonPayload.list>0", True), ("jsonPayload.list:w", True), ("two", True),
        ('jsonPayload.text="say \\"a\\""', True), ('"SAY \\"A\\""', True),
        ("jsonPayload.n=(2 OR 1)", True), ("jsonPayload.n=(2 OR 3)", False),
        ('timestamp>"2026-02-01T11:59:59Z" -- noon\njsonPayload.n=1', True),
        ('timestamp>="2026-02-01T12:00:00Z"', True), ('timestamp>"2026-02-01T12:00:00Z"', False),
        ('timestamp<="2026-02-01T12:00:00Z"', True), ('timestamp<"2026-02-01T12:00:00Z"', False),
        ("jsonPayload.absent=~\".*\"", False), ("NOT jsonPayload.absent=~\".*\"", True),
    ],
)  # fmt: skip
def test_a_comparison_takes_a_field_as_what_it_is(text: str, holds: bool) -> None:
    assert parse_filter(text)(ENTRY) is holds


@pytest.mark.parametrize("text", ['timestamp>"2026-02-01T12:00:00"', "severity=HIGH", "a=(b OR (c))", "a=OR"])
def test_a_value_that_is_none_is_refused_before_anything_is_looked_at(text: str) -> None:
    with pytest.raises(Refusal, match="Unparseable filter"):
        parse_filter(text)
