"""A log of very many entries, answered page by page with Cloud Logging's own messages. Run by bench_runtime."""

from __future__ import annotations

import sys
from concurrent import futures
from datetime import UTC, datetime, timedelta

import grpc
from google.cloud.logging_v2.types import ListLogEntriesRequest, ListLogEntriesResponse
from google.protobuf import json_format

PAGE = 1000
DIFFERENT = 50
"""Pages that are made; making one takes longer than reading it, so each is answered again and again, with other executions."""
ROUND = b"-round-000000-"
"""Stands in every execution's id, and is replaced by as many bytes: no length in the message changes."""
JOBS = (
    ("usd-assembly-pipeline", "usd-assembly-job", 1800, 400), ("usd-assembly-pipeline", "usd-assembly-job", 3600, 900),
    ("usd-assembly-pipeline", "simready-job", 3600, 300), ("usd-assembly-pipeline", "replicator-job", 1800, 1500),
    ("usd-assembly-pipeline", "isaac-lab-job", 1800, 120), ("variation-assets-pipeline", "variation-gen-job", 1800, 700),
    ("genie-sim-export-pipeline", "genie-sim-export-job", 2700, 250), ("genie-sim-export-pipeline", "genie-sim-gpu-job", 14400, 5000),
    ("genie-sim-import-pipeline", "genie-sim-import-job", 1800, 200), ("episode-generation-pipeline", "episode-generation-job", 21600, 9000),
)  # fmt: skip
"""Workflow, job, timeout, usual seconds."""


def entry(number: int, at: datetime) -> dict[str, object]:
    """The start or the end of a job."""
    run, end = divmod(number, 2)
    workflow, job, limit, usual = JOBS[run % len(JOBS)]
    seconds = usual * (0.5 + (run * 7919 % 1000) / 1000)
    told = {"event": "complete", "status": "FAILED" if run % 97 == 0 else "SUCCEEDED", "duration_seconds": seconds}
    return {
        "insertId": f"n{number}",
        "timestamp": at.isoformat(),
        "logName": "projects/bench/logs/Workflows",
        "severity": "INFO",
        "resource": {"type": "workflows.googleapis.com/Workflow", "labels": {"workflow_id": workflow, "location": "us-central1"}},
        "labels": {"workflows.googleapis.com/execution_id": f"{run:022x}{ROUND.decode()}"},
        "jsonPayload": {
            "bp_metric": "job_invocation", "workflow": workflow, "job": job, "scene_id": f"scene-{run % 10_000:05}", "timeout_seconds": limit,
            "start_time": at.isoformat(), **(told if end else {"event": "start", "status": "STARTED", "duration_seconds": 0}),
            **({"end_time": at.isoformat(), "timed_out": False, "timeout_usage_ratio": seconds / limit} if end else {}),
        },
    }  # fmt: skip


def page(number: int, until: datetime) -> bytes:
    """One page of the listing, newest first, as it goes over the wire, without its token."""
    answer = ListLogEntriesResponse.pb(ListLogEntriesResponse())
    total = DIFFERENT * PAGE
    step = timedelta(days=13.9) / total
    for place in range(number * PAGE, (number + 1) * PAGE):
        json_format.ParseDict(entry(total - 1 - place, until - step * (place + 1)), answer.entries.add())
    return bytes(answer.SerializeToString())


def in_round(made: bytes, number: int) -> bytes:
    """The page with executions of its own, as often as it is answered."""
    return made.replace(ROUND, b"-round-%06d-" % number)


def main() -> None:
    """Make the pages first, so that only reading them is measured; print the port when that is done."""
    count, until = int(sys.argv[1]) // PAGE, datetime.fromtimestamp(float(sys.argv[2]), UTC)
    pages = [page(number, until) for number in range(DIFFERENT)]

    def listed(request: ListLogEntriesRequest, context: grpc.ServicerContext) -> bytes:
        number = int(request.page_token or 0)
        token = ListLogEntriesResponse(next_page_token=str(number + 1) if number + 1 < count else "")
        # Protocol buffers: two messages one after the other are one message with the fields of both.
        return in_round(pages[number % DIFFERENT], number // DIFFERENT) + ListLogEntriesResponse.serialize(token)

    method = grpc.unary_unary_rpc_method_handler(listed, ListLogEntriesRequest.deserialize, lambda body: body)
    server = grpc.server(futures.ThreadPoolExecutor(2))
    service = grpc.method_handlers_generic_handler("google.logging.v2.LoggingServiceV2", {"ListLogEntries": method})
    server.add_generic_rpc_handlers((service,))
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
