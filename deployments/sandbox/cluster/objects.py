"""What is in the cluster, and the log of changes that watches are answered from."""

from __future__ import annotations

import copy
import threading
from collections import defaultdict, deque
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from deployments.sandbox.cluster.errors import Json, KubernetesError
from deployments.sandbox.cluster.resources import Resource

LOGGED = 5000
"""How many changes a watch can go back; an older resourceVersion answers 410, as a real cluster's does."""


class Change(NamedTuple):
    """One thing was added, modified or deleted."""

    version: int
    kind: Literal["ADDED", "MODIFIED", "DELETED"]
    plural: str
    item: Json


class Objects:
    """Every object, by kind, namespace and name. Nobody changes one: a changed copy is put in its place."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.lock = threading.RLock()
        self._items: dict[str, dict[tuple[str, str], Json]] = defaultdict(dict)
        self._version = 1
        self._log: deque[Change] = deque(maxlen=LOGGED)

    @property
    def version(self) -> int:
        """The resourceVersion of now."""
        return self._version

    def find(self, plural: str, namespace: str, name: str) -> Json | None:
        """The object of that name; a kind without namespaces has namespace ''."""
        return self._items[plural].get((namespace, name))

    def need(self, resource: Resource, namespace: str, name: str) -> Json:
        """The same. Raises KubernetesError 404."""
        found = self.find(resource.plural, namespace, name)
        if found is None:
            details = {"name": name, "group": resource.group, "kind": resource.plural}
            raise KubernetesError(404, "NotFound", f'{resource.qualified} "{name}" not found', details)
        return found

    def all(self, plural: str, namespace: str | None = None) -> list[Json]:
        """Every object of a kind, in one namespace or in all, by namespace and name."""
        with self.lock:
            items = self._items[plural]
            return [items[place] for place in sorted(items) if namespace in (None, place[0])]

    def put(self, plural: str, item: Json) -> Json:
        """Add an object, or put it in the place of the one before, under a new resourceVersion."""
        with self.lock:
            item = copy.deepcopy(item)
            place = (item["metadata"].get("namespace", ""), item["metadata"]["name"])
            kind: Literal["ADDED", "MODIFIED"] = "MODIFIED" if place in self._items[plural] else "ADDED"
            self._version += 1
            item["metadata"]["resourceVersion"] = str(self._version)
            self._items[plural][place] = item
            self._log.append(Change(self._version, kind, plural, item))
            return item

    def remove(self, plural: str, namespace: str, name: str) -> None:
        """Take an object away with everything it owns; one that is not there is no error."""
        with self.lock:
            item = self._items[plural].pop((namespace, name), None)
            if item is None:
                return
            self._version += 1
            gone = copy.deepcopy(item)
            gone["metadata"]["resourceVersion"] = str(self._version)
            self._log.append(Change(self._version, "DELETED", plural, gone))
            uid = item["metadata"]["uid"]
            for owned, items in list(self._items.items()):
                for place, one in list(items.items()):
                    if any(owner.get("uid") == uid for owner in one["metadata"].get("ownerReferences") or []):
                        self.remove(owned, *place)

    def clear(self, namespace: str) -> None:
        """Take away everything in a namespace."""
        with self.lock:
            for plural, items in list(self._items.items()):
                for place in [place for place in items if place[0] == namespace]:
                    self.remove(plural, *place)

    def since(self, version: int) -> list[Change] | None:
        """The changes after a resourceVersion; None when it is too old to tell."""
        with self.lock:
            oldest = self._log[0].version if len(self._log) == LOGGED else 0
            return None if version + 1 < oldest else [change for change in self._log if change.version > version]


def now() -> str:
    """The time as Kubernetes writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
