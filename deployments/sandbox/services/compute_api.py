"""Compute Engine over HTTP: the quotas of the project and of its regions, as far as GPUs go. Nothing else of it."""

from __future__ import annotations

import asyncio
import re

from deployments.sandbox.asgi import Scope, answer_json
from deployments.sandbox.cluster.node_pools import NodePools
from deployments.sandbox.faults import FaultRule, Faults
from deployments.sandbox.names import PROJECT
from deployments.sandbox.requests import RequestLog
from deployments.sandbox.storage.connection import Receive, Send, cut, read_body, wait

PREFIX = "/compute/v1/"
REGIONS = ("us-central1", "us-east1")
METRICS = ("NVIDIA_T4_GPUS", "NVIDIA_L4_GPUS", "NVIDIA_V100_GPUS", "NVIDIA_A100_80GB_GPUS")
_REGION = re.compile(r"projects/([^/]+)/regions/([^/]+)")
_PROJECT = re.compile(r"projects/([^/]+)")
_REASONS = {401: "authError", 403: "forbidden", 404: "notFound", 429: "rateLimitExceeded", 501: "notImplemented"}


class ComputeApi:
    """An ASGI app: `projects.get` and `regions.get`. Faults and counts go by `compute`."""

    def __init__(self, pools: NodePools, faults: Faults, requests: RequestLog) -> None:
        """What is used is what the nodes of `pools` have."""
        self._pools, self._faults, self._requests = pools, faults, requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if await read_body(receive) is None:
            return
        path = scope["path"].removeprefix(PREFIX)
        region, project = _REGION.fullmatch(path), _PROJECT.fullmatch(path)
        called = "regions.get" if region else "projects.get" if project else "other"
        self._requests.record("compute", called, mutates=scope["method"] not in ("GET", "HEAD"))
        fault = self._faults.draw("compute", called)
        if fault is not None and await _cut_off(fault, receive):
            return
        if fault is not None and fault.kind == "status":
            await _refuse(send, fault.status, f"The sandbox was told to answer {fault.status}.")
        elif scope["method"] != "GET" or not (region or project):
            await _refuse(send, 501, f"The sandbox does not serve {scope['method']} {scope['path']}.")
        else:
            await self._answer(send, path, (region or project or [""])[1], region[2] if region else "")

    async def _answer(self, send: Send, path: str, project: str, region: str) -> None:
        if project != PROJECT or region not in ("", *REGIONS):
            await _refuse(send, 404, f"The resource '{path}' was not found")
            return
        metrics = METRICS if region else ("GPUS_ALL_REGIONS",)
        quotas = [
            {"metric": one, "limit": self._pools.limit(region, one), "usage": float(self._pools.usage(region, one))}
            for one in metrics
        ]
        kind = {"kind": "compute#region", "name": region} if region else {"kind": "compute#project", "name": project}
        await answer_json(send, 200, {**kind, "quotas": quotas})


async def _cut_off(fault: FaultRule, receive: Receive) -> bool:
    """Let a fault act before the answer. True: there is none."""
    if fault.kind == "latency":
        await asyncio.sleep(fault.seconds)
    if fault.kind == "hang":
        await wait(receive, fault.seconds)
    if fault.kind in ("reset", "hang", "lost_answer"):
        await cut(receive)
        return True
    return False


async def _refuse(send: Send, status: int, message: str) -> None:
    reason = _REASONS.get(status, "backendError")
    error = {"code": status, "message": message, "errors": [{"message": message, "domain": "global", "reason": reason}]}
    await answer_json(send, status, {"error": error})
