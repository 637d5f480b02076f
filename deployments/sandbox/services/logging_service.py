"""Cloud Logging: what workflows, their jobs and Cloud Run jobs log, and what anybody writes, listed with filters.

Left out: buckets, views, sinks (the push of failed executions stands for one), metrics, deleting, tailing.
"""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import google.cloud.audit.audit_log_pb2  # noqa: F401  entries of the audit log hold such a message
import grpc
from google.cloud.logging_v2.types import (
    ListLogEntriesRequest,
    ListLogEntriesResponse,
    ListLogsRequest,
    ListLogsResponse,
    LogEntry,
    WriteLogEntriesRequest,
    WriteLogEntriesResponse,
)
from google.protobuf import json_format

from deployments.sandbox.names import PROJECT, REGION
from deployments.sandbox.services.executions import Execution
from deployments.sandbox.services.log_filter import parse_filter
from deployments.sandbox.services.push_messages import execution_entry
from deployments.sandbox.services.rpc import Methods, Wire, invalid, page, page_size, split_name
from deployments.sandbox.storage.resource import stamp

KEPT = 100_000
"""How many entries there are at most; then the oldest goes."""
_ORDERS = {"": 1, "timestamp asc": 1, "timestamp desc": -1}


class LoggingService:
    """The gRPC service of Cloud Logging."""

    def __init__(self) -> None:
        """Nothing is logged yet."""
        self._lock = threading.Lock()
        self._entries: deque[tuple[int, dict[str, Any]]] = deque(maxlen=KEPT)
        self._numbers = itertools.count(1)

    def handlers(self, wire: Wire) -> list[grpc.GenericRpcHandler]:
        """The gRPC service, whose faults and counts go by `logging`."""
        methods: Methods = {
            "ListLogEntries": (ListLogEntriesRequest, self._list),
            "WriteLogEntries": (WriteLogEntriesRequest, self._write),
            "ListLogs": (ListLogsRequest, self._logs),
        }
        return [wire.service("google.logging.v2.LoggingServiceV2", "logging", methods)]

    def write(self, entry: dict[str, Any]) -> None:
        """Log an entry, as the JSON of Google's REST API; its time is now unless it says otherwise."""
        now = stamp(datetime.now(UTC))
        number = next(self._numbers)
        whole = {"insertId": f"sandbox-{number}", "timestamp": now, "receiveTimestamp": now, **entry}
        moment = datetime.fromisoformat(whole["timestamp"])
        with self._lock:
            self._entries.append((int(moment.timestamp() * 1_000_000) * KEPT * 10 + number, whole))

    # Who logs

    def of_workflow(self, execution: Execution) -> None:
        """An execution of a workflow began or ended."""
        self.write(execution_entry(execution, execution.revision))

    def of_job(self, execution: Execution) -> None:
        """An execution of a Cloud Run job began or ended: what its container wrote."""
        failed = execution.state == "FAILED"
        words = {"ACTIVE": "started", "SUCCEEDED": "exit code 0", "CANCELLED": "cancelled"}
        text = execution.error if failed else f"{execution.parent}: {words[execution.state]}"
        self.of_container(execution.parent, execution.id, text, failed=failed)

    def of_container(self, job: str, execution: str, text: str, *, failed: bool = True) -> None:
        """The container of a Cloud Run job wrote a line, to stderr if it `failed`; `execution` by its short name."""
        labels = {"project_id": PROJECT, "location": REGION, "job_name": job}
        self.write(
            {
                "logName": f"projects/{PROJECT}/logs/run.googleapis.com%2F{'stderr' if failed else 'stdout'}",
                "resource": {"type": "cloud_run_job", "labels": labels},
                "labels": {"run.googleapis.com/execution_name": execution},
                "severity": "ERROR" if failed else "INFO",
                "textPayload": text,
            }
        )

    def of_invocation(self, workflow: str, execution: str, payload: dict[str, Any]) -> None:
        """A workflow's own line about a job it runs: `payload` holds `bp_metric` and what belongs to it."""
        labels = {"resource_container": PROJECT, "location": REGION, "workflow_id": workflow}
        self.write(
            {
                "logName": f"projects/{PROJECT}/logs/Workflows",
                "resource": {"type": "workflows.googleapis.com/Workflow", "labels": labels},
                "labels": {"workflows.googleapis.com/execution_id": execution},
                "severity": "ERROR" if payload.get("status") == "FAILED" else "INFO",
                "jsonPayload": {"workflow": workflow, **payload},
            }
        )

    def of_audit(self, method: str, resource: str, at: datetime) -> None:
        """An administrator changed something (Google: "Cloud Audit Logs overview", Admin Activity)."""
        payload = {
            "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
            "methodName": method,
            "resourceName": resource,
            "authenticationInfo": {"principalEmail": f"somebody@{PROJECT}.iam.gserviceaccount.com"},
        }
        self.write(
            {
                "logName": f"projects/{PROJECT}/logs/cloudaudit.googleapis.com%2Factivity",
                "resource": {"type": "audited_resource", "labels": {"project_id": PROJECT, "method": method}},
                "severity": "NOTICE",
                "timestamp": stamp(at),
                "protoPayload": payload,
            }
        )

    # The service

    def _list(self, request: ListLogEntriesRequest) -> ListLogEntriesResponse:
        _check_places(request.resource_names)
        if request.order_by not in _ORDERS:
            raise invalid(f"order_by: '{request.order_by}' must be 'timestamp asc' or 'timestamp desc'.")
        turn, wanted = _ORDERS[request.order_by], parse_filter(request.filter)
        here = f"projects/{PROJECT}" in request.resource_names
        with self._lock:
            entries = list(self._entries) if here else []
        found = sorted((turn * place, entry) for place, entry in entries if _fits(wanted, entry))
        chosen, token = page(
            found,
            lambda one: one[0],
            size=page_size(request.page_size, default=50, most=1000),
            token=request.page_token,
            scope=f"{request.filter}\n{request.order_by}",
        )
        return ListLogEntriesResponse(entries=[_message(entry) for _, entry in chosen], next_page_token=token)

    def _write(self, request: WriteLogEntriesRequest) -> WriteLogEntriesResponse:
        entries = [json_format.MessageToDict(LogEntry.pb(entry)) for entry in request.entries]
        resource = json_format.MessageToDict(type(request).pb(request).resource)
        for entry in entries:
            entry.setdefault("logName", request.log_name)
            split_name(entry["logName"], f"projects/{PROJECT}/logs/*")
            entry.setdefault("resource", resource or {"type": "global", "labels": {"project_id": PROJECT}})
            entry["labels"] = {**dict(request.labels), **entry.get("labels", {})}
        if not request.dry_run:
            for entry in entries:
                self.write(entry)
        return WriteLogEntriesResponse()

    def _logs(self, request: ListLogsRequest) -> ListLogsResponse:
        _check_places([request.parent])
        with self._lock:
            names = sorted({entry["logName"] for _, entry in self._entries})
        size = page_size(request.page_size, default=50, most=1000)
        names = names if request.parent == f"projects/{PROJECT}" else []
        chosen, token = page(names, str, size=size, token=request.page_token)
        return ListLogsResponse(log_names=chosen, next_page_token=token)


def _check_places(names: Any) -> None:
    if not names:
        raise invalid("resource_names: must name at least one, as in projects/<project>.")
    for name in names:
        split_name(name, "projects/*")


def _fits(wanted: Callable[[dict[str, Any]], bool], entry: dict[str, Any]) -> bool:
    try:
        return wanted(entry)
    except (ValueError, TypeError):  # a field that is no time, no severity, or not to be compared
        return False


def _message(entry: dict[str, Any]) -> LogEntry:
    return LogEntry(json_format.ParseDict(entry, LogEntry.pb(LogEntry())))
