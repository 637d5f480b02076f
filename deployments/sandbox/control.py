"""The sandbox's own HTTP interface below `/_sandbox/`: scenes, faults and switches for trials and tests."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError

from deployments.sandbox import control_bodies as bodies
from deployments.sandbox.asgi import Scope, answer_json
from deployments.sandbox.cluster.cluster import KubernetesError
from deployments.sandbox.control_objects import put_archive
from deployments.sandbox.fault_record import RecordedFault
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.names import DATA_BUCKET
from deployments.sandbox.pipeline.damage import damage
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.pipeline.simulator import SimulatorFault
from deployments.sandbox.services.executions import Execution, ExecutionTable
from deployments.sandbox.services.pubsub_push import PushSubscription
from deployments.sandbox.storage.connection import Receive, Send, read_body
from deployments.sandbox.storage.store import StoreError

if TYPE_CHECKING:
    from deployments.sandbox.server import Sandbox

PREFIX = "/_sandbox/"
M = TypeVar("M", bound=BaseModel)


class BadInput(Exception):
    """A request that cannot be carried out; the message is one sentence that says why."""


@dataclass(frozen=True)
class _Call:
    """One request: its body, its query parameters and the variable parts of its path."""

    body: bytes
    query: dict[str, str]
    at: dict[str, str]

    def read(self, model: type[M]) -> M:
        """The body as `model`. Raises BadInput that names the first thing wrong with it."""
        try:
            return model.model_validate_json(self.body or b"{}")
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or "the body"
            raise BadInput(f"{place}: {first['msg']}.") from error


class Control:
    """An ASGI app. Wrong input answers 400 with `{"error": "<one sentence>"}`."""

    def __init__(self, sandbox: Sandbox) -> None:
        """`sandbox` is what is controlled."""
        self._sandbox = sandbox
        self._routes: list[tuple[str, str, Callable[[_Call], object]]] = [
            ("GET", "endpoints", lambda _: sandbox.describe()),
            ("GET", "requests", lambda _: sandbox.requests.snapshot()),
            ("GET", "requests/mutating", lambda _: sandbox.requests.mutating()),
            ("DELETE", "requests", lambda _: sandbox.requests.reset()),
            ("GET", "faults", lambda _: [rule.model_dump() for rule in sandbox.faults.rules]),
            ("POST", "faults", lambda call: sandbox.faults.add(call.read(FaultRule))),
            ("DELETE", "faults", lambda _: sandbox.faults.clear()),
            ("POST", "simulator", lambda call: sandbox.simulator.behave(call.read(SimulatorFault))),
            ("DELETE", "simulator", lambda _: sandbox.simulator.forgive()),
            ("POST", "scenes", self._make_scene),
            ("POST", "scenes/(?P<scene_id>[^/]+)/damage", self._damage),
            ("POST", "genie_sim", lambda call: sandbox.genie_sim.switch(call.read(bodies.GenieSimSwitch).state)),
            ("GET", "record", lambda _: [_recorded(one) for one in sandbox.record.faults()]),
            ("GET", "messages", lambda _: sandbox.sinks.shown()),
            ("DELETE", "messages", lambda _: sandbox.sinks.forget()),
            ("POST", "sinks", lambda call: sandbox.sinks.switch(call.read(bodies.SinksSwitch).state)),
            ("GET", "push", lambda _: [one.model_dump() for one in sandbox.push.subscriptions]),
            ("POST", "push", lambda call: sandbox.push.subscribe(call.read(PushSubscription))),
            ("DELETE", "push", lambda _: sandbox.push.unsubscribe_all()),
            ("POST", "events", self._events),
            ("POST", "deployment", self._deployment),
            ("POST", "images", self._image),
            ("POST", "jobs/(?P<name>[^/]+)", self._spoilt_job),
            ("POST", "kubernetes/images", self._kubernetes_image),
            ("POST", "log", self._log),
            ("POST", "kubernetes/jobs/(?P<name>[^/]+)", self._job_state),
            ("POST", "kubernetes/nodes/(?P<name>[^/]+)", self._node_state),
            ("POST", "kubernetes/pools/(?P<name>[^/]+)", self._pool),
            ("POST", "quotas/(?P<name>[^/]+)", self._quota),
            ("POST", "kubernetes/logs/(?P<name>[^/]+)", self._pod_log),
            ("POST", "objects", self._objects),
            ("GET", "executions", self._executions),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; whatever is done is done in a thread."""
        body = await read_body(receive)
        if body is None:
            return None
        path = scope["path"].removeprefix(PREFIX).rstrip("/")
        found = [(verb, act, match) for verb, form, act in self._routes if (match := re.fullmatch(form, path))]
        for verb, act, match in found:
            if verb == scope["method"]:
                call = _Call(body, dict(parse_qsl(scope["query_string"].decode())), match.groupdict())
                status, value = await asyncio.to_thread(_carry_out, act, call)
                return await answer_json(send, status, value)
        if found:
            allowed = ", ".join(verb for verb, _, _ in found)
            return await answer_json(send, 405, {"error": f"{scope['path']} takes {allowed} only."})
        return await answer_json(send, 404, {"error": f"The sandbox has no {scope['path']}."})

    def _make_scene(self, call: _Call) -> object:
        wish = call.read(bodies.NewScene)
        options = wish.model_dump(exclude={"scene_id", "kind"}, exclude_none=True)
        make_scene(self._sandbox.store, DATA_BUCKET, wish.scene_id, wish.kind, **options)
        count = sum(1 for _ in self._sandbox.store.list(DATA_BUCKET, f"scenes/{wish.scene_id}/"))
        return {"scene_id": wish.scene_id, "objects": count}

    def _damage(self, call: _Call) -> object:
        wish = call.read(bodies.NewDamage)
        options = wish.model_dump(exclude={"name"}, exclude_none=True)
        return {"changed": damage(self._sandbox.store, DATA_BUCKET, call.at["scene_id"], wish.name, **options)}

    def _events(self, call: _Call) -> None:
        self._sandbox.eventarc.copies = call.read(bodies.EventCopies).copies

    def _deployment(self, call: _Call) -> None:
        wish = call.read(bodies.Deployment)
        world = self._sandbox
        kinds: dict[str, Any] = {
            "workflow": world.workflows.deployed,
            "job": world.run.deployed,
            "trigger": world.eventarc.deployed,
        }
        try:
            kinds[wish.kind].put(wish.name, wish.deployed)
        except KeyError as error:
            raise BadInput(f"name: the catalogue has no {wish.kind} '{wish.name}'.") from error

    def _image(self, call: _Call) -> None:
        wish = call.read(bodies.Image)
        images = self._sandbox.run.images
        images.put(wish.image, wish.exists)
        images.broken.pop(wish.image, None)
        if wish.fails_with:
            images.broken[wish.image] = wish.fails_with

    def _log(self, call: _Call) -> None:
        line = call.read(bodies.LogLine)
        self._sandbox.log.of_container(line.job, line.execution, line.text)

    def _spoilt_job(self, call: _Call) -> None:
        if call.at["name"] not in self._sandbox.run.deployed:
            raise BadInput(f"No job '{call.at['name']}' is deployed.")
        self._sandbox.run.spoilt[call.at["name"]] = call.read(bodies.SpoiltJob).message

    def _kubernetes_image(self, call: _Call) -> None:
        wish = call.read(bodies.KubernetesImage)
        broken = self._sandbox.cluster.controllers.broken_images
        (broken.discard if wish.ready else broken.add)(wish.image)

    def _job_state(self, call: _Call) -> None:
        state = call.read(bodies.KubernetesJobState).state
        self._sandbox.cluster.set_state(self._sandbox.catalogue.namespace, call.at["name"], state)

    def _node_state(self, call: _Call) -> None:
        self._sandbox.cluster.set_node(call.at["name"], call.read(bodies.KubernetesNodeState).state)

    def _pool(self, call: _Call) -> None:
        wish = call.read(bodies.KubernetesPool)
        self._sandbox.cluster.change_pool(call.at["name"], **wish.model_dump(exclude_none=True))

    def _quota(self, call: _Call) -> None:
        wish = call.read(bodies.GpuQuota)
        self._sandbox.cluster.set_quota(wish.region, call.at["name"], wish.limit)

    def _pod_log(self, call: _Call) -> None:
        namespace, name = self._sandbox.catalogue.namespace, call.at["name"]
        self._sandbox.cluster.log(namespace, name)  # which says when there is no such Pod
        self._sandbox.cluster.logs[namespace, name] = call.read(bodies.PodLog).text

    def _objects(self, call: _Call) -> object:
        return {"objects": put_archive(self._sandbox.store, call.body, call.query)}

    def _executions(self, call: _Call) -> object:
        tables = {"workflows": self._sandbox.workflows.executions, "jobs": self._sandbox.run.executions}
        return {kind: _listing(table, call.query) for kind, table in tables.items()}


def _carry_out(act: Callable[[_Call], object], call: _Call) -> tuple[int, object]:
    try:
        done = act(call)
    except (BadInput, KubernetesError, StoreError, ValueError, LookupError, OSError) as error:
        message = error.args[0] if error.args else type(error).__name__
        return 400, {"error": str(message)}
    return 200, {"ok": True} if done is None else done


def _recorded(one: RecordedFault) -> dict[str, str | None]:
    return {"name": one.name, "began": one.began.isoformat(), "ended": one.ended.isoformat() if one.ended else None}


def _listing(table: ExecutionTable, query: dict[str, str]) -> list[dict[str, Any]]:
    """The newest executions, without those that only skipped unless `skipped=true`."""
    limit = query.get("limit", "100")
    if not limit.isdecimal():
        raise BadInput(f"limit: '{limit}' is not a whole number.")
    wanted = (one for one in table.newest_first() if query.get("skipped") == "true" or not one.skipped)
    return [_shown(execution) for execution, _ in zip(wanted, range(int(limit)), strict=False)]


def _shown(execution: Execution) -> dict[str, Any]:
    return {
        "name": execution.name,
        "of": execution.parent,
        "state": execution.state,
        "created": execution.created.isoformat(),
        "ended": execution.ended.isoformat() if execution.ended else None,
        "argument": json.loads(execution.argument or "{}"),
        "env": execution.env,
        "labels": execution.labels,
        "result": json.loads(execution.result or "null"),
        "error": execution.error or None,
    }
