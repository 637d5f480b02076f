"""Cloud Logging: what the pipeline's workflows, jobs and pods have logged. It is only read."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import Field, PrivateAttr

from blocks.base import RemediationBlock
from blocks.calls import Call, CallLimits, read
from blocks.clients import Lazy, close_channel, google_credentials, plain_channel
from blocks.credentials import GoogleCredentials

if TYPE_CHECKING:
    from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client
    from google.cloud.logging_v2.types import ListLogEntriesResponse, LogEntry

_PAGE = 1000
"""The most entries the service gives in one page."""
_PATIENT = {"attempts": 20, "total_seconds": 150.0}
"""Of a long listing: the quota of a minute is waited for."""
_EXECUTION = "workflows.googleapis.com/execution_id"
"""Label that names the execution of a workflow (Google: Workflows, "Logging")."""


@dataclass(frozen=True)
class LogLine:
    """One entry of the log."""

    at: datetime
    severity: str
    """As in `ERROR`."""
    log: str
    """The short name of its log, as in `run.googleapis.com%2Fstderr`."""
    resource: str
    """What logged it, as in `cloud_run_job`."""
    text: str
    """Its words; empty when it has `data`."""
    labels: dict[str, str] = field(default_factory=dict)
    """The labels of the entry and of what logged it."""
    data: dict[str, Any] = field(default_factory=dict)
    """Its JSON, when it is no plain text."""
    insert_id: str = ""
    """By which Google knows it."""
    resource_name: str = ""
    """What was changed, when it is an entry of the audit log."""


@dataclass(frozen=True, slots=True)
class LogColumns:
    """One page of entries as columns of the same length, for who counts very many of them."""

    at: list[float]
    """When, in seconds since 1970 (UTC)."""
    executions: list[str]
    """The execution of a workflow that logged it; empty when none did."""
    words: dict[str, list[str]]
    """By field of its JSON, the text; empty where there is none."""
    numbers: dict[str, list[float]]
    """By field, the number; NaN where there is none, which is not 0."""


class PipelineLogs(RemediationBlock):
    """The log of the pipeline's project."""

    _block_type_name = "Remediation Logs"
    _block_type_slug = "remediation-logs"
    _description = "Cloud Logging of the pipeline: what its workflows, jobs and pods have logged."

    project: str = Field(default="", description="Google Cloud project of the log.")
    endpoint: str = Field(default="", description="host:port of the Logging API instead of Google's; unencrypted.")
    credentials: GoogleCredentials | None = Field(
        default=None, description="Service account to use; empty: the application default credentials."
    )
    limits: CallLimits = Field(default_factory=CallLimits, description="How long calls are waited for and repeated.")

    _client: Lazy[LoggingServiceV2Client] = PrivateAttr(default_factory=Lazy)

    def newest(self, query: str, *, since: datetime, most: int = _PAGE) -> list[LogLine]:
        """The newest entries that fit, newest first, at most `most` of them.

        `query` is Google's filter language, as in `severity>=ERROR`; `since` (with a time zone) is added to it. Raises
        `TemporaryError`, `PermanentError`: then nothing may be concluded.
        """
        request: dict[str, Any] = {
            "resource_names": [f"projects/{self.project}"],
            "filter": _both(query, f'timestamp>="{_stamp(since)}"'),
            "order_by": "timestamp desc",
            "page_size": min(most, _PAGE),
        }
        call = Call(f"read the log of {self.project}", "logging.logEntries.list", "check the project.")
        found: list[LogLine] = []
        while True:
            page = read(call, partial(self._page, request), self.limits)
            found += map(line_from, page.entries)
            if len(found) >= most or not page.next_page_token:
                return found[:most]
            request["page_token"] = page.next_page_token

    def columns(
        self, query: str, *, since: datetime, until: datetime, words: Sequence[str], numbers: Sequence[str]
    ) -> Iterator[LogColumns]:
        """These fields of every entry that fits, of [since, until), newest first, page by page; nothing else is kept.

        A thousand entries are one request, and Cloud Logging answers 60 a minute for a whole project (Google: "Quotas
        and limits"): a refusal for that reason is waited for. Raises `TemporaryError`, `PermanentError`.
        """
        for page in self._pages(query, since, until, "timestamp desc"):
            if page.entries:
                yield columns_of(page, words, numbers)

    def stream(self, query: str, *, since: datetime, until: datetime) -> Iterator[LogLine]:
        """Every entry that fits, of [since, until), oldest first, fetched page by page. Waits and raises as `columns`."""
        for page in self._pages(query, since, until, "timestamp asc"):
            yield from map(line_from, page.entries)

    def close(self) -> None:
        """Close the connections. The next call opens new ones."""
        self._client.drop(close_channel)

    def _pages(self, query: str, since: datetime, until: datetime, order: str) -> Iterator[ListLogEntriesResponse]:
        request: dict[str, Any] = {
            "resource_names": [f"projects/{self.project}"],
            "filter": _both(query, f'timestamp>="{_stamp(since)}" AND timestamp<"{_stamp(until)}"'),
            "order_by": order,
            "page_size": _PAGE,
        }
        call = Call(f"read the log of {self.project}", "logging.logEntries.list", "check the project.")
        patient = self.limits.model_copy(update=_PATIENT) if self.limits.attempts > 2 else self.limits
        while True:
            page = read(call, partial(self._page, request), patient)
            yield page
            if not page.next_page_token:
                return
            request["page_token"] = page.next_page_token

    def _page(self, request: dict[str, Any]) -> ListLogEntriesResponse:
        pager = self._open().list_log_entries(request=request, retry=None, timeout=self.limits.call_seconds)
        return next(pager.pages)

    def _open(self) -> LoggingServiceV2Client:
        def make() -> LoggingServiceV2Client:
            from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client
            from google.cloud.logging_v2.services.logging_service_v2.transports import LoggingServiceV2GrpcTransport

            if self.endpoint:
                return LoggingServiceV2Client(
                    transport=LoggingServiceV2GrpcTransport(channel=plain_channel(self.endpoint))
                )
            return LoggingServiceV2Client(credentials=google_credentials(self.credentials))

        return self._client.get(make)


def line_from(message: LogEntry) -> LogLine:
    """What the service's message says. A payload of a type that only Google knows is named by its type."""
    from google.logging.type.log_severity_pb2 import LogSeverity
    from google.protobuf.json_format import MessageToDict

    plain = type(message).pb(message)
    kind = plain.WhichOneof("payload")
    text, data, changed = plain.text_payload, {}, ""
    if kind == "json_payload":
        data = MessageToDict(plain.json_payload)
    elif kind == "proto_payload":
        text = f"(a message of the type {plain.proto_payload.type_url.rpartition('/')[2]})"
        changed = audited(plain.proto_payload)
    return LogLine(
        at=plain.timestamp.ToDatetime(tzinfo=UTC),
        severity=LogSeverity.Name(plain.severity),
        log=plain.log_name.rpartition("/logs/")[2],
        resource=plain.resource.type,
        text=text,
        labels={**dict(plain.resource.labels), **dict(plain.labels)},
        data=data,
        insert_id=plain.insert_id,
        resource_name=changed,
    )


def audited(payload: Any) -> str:
    """What an entry of the audit log is about; empty for any other message."""
    from google.cloud.audit.audit_log_pb2 import AuditLog

    message = AuditLog()
    return str(message.resource_name) if payload.Unpack(message) else ""


def columns_of(page: ListLogEntriesResponse, words: Sequence[str], numbers: Sequence[str]) -> LogColumns:
    """The fields of a page, read from the messages as they came: a dictionary of each would take ten times as long."""
    entries = type(page).pb(page).entries
    fields = [entry.json_payload.fields for entry in entries]
    return LogColumns(
        at=[entry.timestamp.seconds + entry.timestamp.nanos / 1e9 for entry in entries],
        executions=[entry.labels.get(_EXECUTION, "") for entry in entries],
        words={name: [one[name].string_value for one in fields] for name in words},
        numbers={name: [_number(one[name]) for one in fields] for name in numbers},
    )


def _number(value: Any) -> float:
    """A number, also one that was logged as text; NaN when it is none."""
    number: float = value.number_value
    if number or value.HasField("number_value"):
        return number
    try:
        return float(value.string_value)
    except ValueError:
        return math.nan


def _both(query: str, moments: str) -> str:
    return f"({query}) AND {moments}" if query else moments


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
