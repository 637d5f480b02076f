"""Create, read, change and delete, for every kind alike: what is between a request and what is in the cluster."""

from __future__ import annotations

import copy
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from deployments.sandbox.cluster.apply import Applied
from deployments.sandbox.cluster.controllers import Controllers
from deployments.sandbox.cluster.door import check_manifest, check_names
from deployments.sandbox.cluster.errors import Json, KubernetesError, refuse
from deployments.sandbox.cluster.kinds import admit
from deployments.sandbox.cluster.objects import Objects, now
from deployments.sandbox.cluster.resources import RESOURCES, Resource

Change = Callable[[Json], Json]
_KEPT = ("name", "namespace", "uid", "creationTimestamp", "generation")
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


class Manager(NamedTuple):
    """Who applies, and whether fields that another manager wants otherwise are taken over."""

    name: str
    force: bool = False


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How a write is to be treated: tried only, and with unknown fields refused."""

    dry_run: bool = False
    strict: bool = False


AS_USUAL = WriteOptions()


class Registry:
    """The operations of an API server on the objects of a cluster."""

    def __init__(self, objects: Objects, controllers: Controllers) -> None:
        """Every change is followed by what follows from it."""
        self._objects = objects
        self._controllers = controllers
        self._applied = Applied()

    def create(self, resource: Resource, namespace: str, body: Json, options: WriteOptions = AS_USUAL) -> Json:
        """Make an object. Raises KubernetesError: 404 (namespace), 409, 422, or 400 for a wrong type."""
        item = check_manifest(resource, copy.deepcopy(body), strict=options.strict)
        meta = item.setdefault("metadata", {})
        if resource.namespaced:
            self._check_namespace(namespace, meta)
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = meta["generateName"] + "".join(secrets.choice(_LETTERS) for _ in range(5))
        check_names(resource, item)
        with self._objects.lock:
            if self._objects.find(resource.plural, namespace, meta["name"]) is not None:
                refuse(409, "AlreadyExists", f'{resource.qualified} "{meta["name"]}" already exists')
            item |= {"kind": resource.kind, "apiVersion": resource.api_version}
            meta |= {"uid": str(uuid.uuid4()), "creationTimestamp": now(), "generation": 1}
            if resource.namespaced:
                meta["namespace"] = namespace
            if "status" in resource.subresources and resource.kind != "Node":
                item.pop("status", None)
            item = admit(resource, item, None)
            self._check_quota(resource, namespace, item)
            return item if options.dry_run else self._put(resource, item)

    def get(self, resource: Resource, namespace: str, name: str) -> Json:
        """An object. Raises KubernetesError 404."""
        return self._objects.need(resource, namespace, name)

    def change(
        self, resource: Resource, namespace: str, name: str, how: Change, *,
        sub: str = "", options: WriteOptions = AS_USUAL,
    ) -> Json:  # fmt: skip
        """Put what `how` makes of an object in its place; with `sub` "status" only its status counts, else all but that.

        Raises KubernetesError: 404, 409 for an old resourceVersion, 422, or 400 for a wrong type.
        """
        with self._objects.lock:
            old = self._objects.need(resource, namespace, name)
            item = check_manifest(resource, how(copy.deepcopy(old)), strict=options.strict)
            meta = item.setdefault("metadata", {})
            if meta.get("name", name) != name or meta.get("namespace", namespace) != namespace:
                refuse(400, "BadRequest", f"the name of the object does not match the name in the URL ({name})")
            _check_version(resource, old, meta.get("resourceVersion"))
            _check_uid(resource, old, meta.get("uid"))
            meta |= {key: old["metadata"][key] for key in _KEPT if key in old["metadata"]}
            meta["resourceVersion"] = old["metadata"]["resourceVersion"]
            item |= {"kind": resource.kind, "apiVersion": resource.api_version}
            item = _only(old, item, resource, sub)
            check_names(resource, item)
            if sub != "status":
                item = admit(resource, item, old)
            if item == old or options.dry_run:  # what changes nothing leaves even the resourceVersion alone
                return item
            if item.get("spec") != old.get("spec"):
                meta = item["metadata"]
                meta["generation"] = meta.get("generation", 0) + 1
            return self._objects.put(resource.plural, item) if sub == "status" else self._put(resource, item)

    def apply(
        self, resource: Resource, namespace: str, name: str, body: Json, by: Manager, options: WriteOptions = AS_USUAL
    ) -> tuple[int, Json]:
        """Server-side apply: what a manager wants of an object, which is made when it is not there.

        Returns the status (201 when it was made) and the object. Raises KubernetesError 409 when another manager wants
        something else of a field, unless it is forced.
        """
        body = check_manifest(resource, copy.deepcopy(body), strict=options.strict)
        dry_run = WriteOptions(dry_run=options.dry_run)  # the body was checked as strictly as was asked
        body.setdefault("metadata", {}).setdefault("name", name)
        with self._objects.lock:
            old = self._objects.find(resource.plural, namespace, name)
            if old is None:
                wanted = self._applied.signed(body, body, by.name)
                made = self.create(resource, namespace, wanted, dry_run)
                status = 201
            else:
                how: Change = lambda live: self._applied.merged(live, body, by.name, force=by.force)  # noqa: E731
                made, status = self.change(resource, namespace, name, how, options=dry_run), 200
            if not options.dry_run:
                self._applied.remember(made["metadata"]["uid"], by.name, body, force=by.force)
            return status, made

    def delete(
        self, resource: Resource, namespace: str, name: str, preconditions: Json, *, dry_run: bool = False
    ) -> Json:
        """Delete an object with what it owns. `preconditions` may hold `uid` and `resourceVersion`."""
        with self._objects.lock:
            item = self._objects.need(resource, namespace, name)
            _check_version(resource, item, preconditions.get("resourceVersion"))
            _check_uid(resource, item, preconditions.get("uid"))
            if not dry_run:
                if resource.kind == "Namespace":
                    self._objects.clear(name)
                self._objects.remove(resource.plural, namespace, name)
                self._controllers.follow()
                self._controllers.quotas.count(namespace)
        details = {"name": name, "group": resource.group, "kind": resource.plural, "uid": item["metadata"]["uid"]}
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}

    def _put(self, resource: Resource, item: Json) -> Json:
        return self._controllers.settle(resource.plural, self._objects.put(resource.plural, item))

    def _check_namespace(self, namespace: str, meta: Json) -> None:
        if self._objects.find("namespaces", "", namespace) is None:
            refuse(404, "NotFound", f'namespaces "{namespace}" not found')
        if meta.get("namespace", namespace) != namespace:
            message = "the namespace of the provided object does not match the namespace sent on the request"
            refuse(400, "BadRequest", message)

    def _check_quota(self, resource: Resource, namespace: str, item: Json) -> None:
        """Kubernetes ("Resource Quotas"): what would go above `hard` is refused with 403."""
        over = self._controllers.quotas.exceeded(resource.kind, resource.qualified, namespace, item)
        if over:
            refuse(403, "Forbidden", f'{resource.qualified} "{item["metadata"]["name"]}" is forbidden: {over}')


def _only(old: Json, item: Json, resource: Resource, sub: str) -> Json:
    """The part of a change that counts: the status for the status subresource, everything else for the object."""
    if sub == "status":
        return {**old, "status": item.get("status") or {}}
    if "status" not in resource.subresources:
        return item
    kept = {key: value for key, value in item.items() if key != "status"}
    return kept | ({"status": old["status"]} if "status" in old else {})


def _check_version(resource: Resource, item: Json, wanted: Any) -> None:
    name, actual = item["metadata"]["name"], item["metadata"]["resourceVersion"]
    if wanted not in (None, "", actual):
        message = f'Operation cannot be fulfilled on {resource.qualified} "{name}": the object has been modified'
        raise KubernetesError(
            409, "Conflict", f"{message}; please apply your changes to the latest version and try again"
        )


def _check_uid(resource: Resource, item: Json, wanted: Any) -> None:
    name, actual = item["metadata"]["name"], item["metadata"]["uid"]
    if wanted not in (None, "", actual):
        message = (
            f'Operation cannot be fulfilled on {resource.qualified} "{name}": Precondition failed: UID in precondition'
        )
        raise KubernetesError(409, "Conflict", f"{message}: {wanted}, UID in object meta: {actual}")


def resource_at(root: str, plural: str) -> Resource | None:
    """The kind that is served below a root under that name."""
    return next((one for one in RESOURCES if one.root == root and one.plural == plural), None)
