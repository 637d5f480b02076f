"""Server-side apply: whose field is whose (Kubernetes: "Server-Side Apply").

Each manager's last applied object says which fields are his. Another's field that he wants otherwise is a conflict; a
field he wants no more goes, unless another wants it. Changes by other requests than apply own nothing here.
"""

from __future__ import annotations

import copy
from typing import Any

from deployments.sandbox.cluster.errors import Json, KubernetesError
from deployments.sandbox.cluster.merge import MERGE_KEYS, strategic_patch
from deployments.sandbox.cluster.objects import now

Path = tuple[str, ...]
_IDENTITY = {("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace")}


class Applied:
    """What each manager applied last, by the uid of the object."""

    def __init__(self) -> None:
        """Nobody applied anything yet."""
        self._last: dict[str, dict[str, Json]] = {}

    def merged(self, live: Json, wanted: Json, manager: str, *, force: bool) -> Json:
        """The object after an apply. Raises KubernetesError 409 with the fields that another manager wants otherwise."""
        known = self._last.get(live["metadata"]["uid"], {})
        others = {name: leaves(body) for name, body in known.items() if name != manager}
        mine = leaves(wanted)
        clashes = [
            (name, path)
            for name, theirs in others.items()
            for path in sorted(theirs.keys() & mine.keys())
            if theirs[path] != mine[path] and path not in _IDENTITY
        ]
        if clashes and not force:
            raise _conflict(clashes)
        item = strategic_patch(live, wanted)
        kept = {path for theirs in others.values() for path in theirs} | mine.keys()
        for path in leaves(known[manager]) if manager in known else ():
            if path not in kept:
                _drop(item, path)
        return self.signed(item, wanted, manager)

    def remember(self, uid: str, manager: str, wanted: Json, *, force: bool) -> None:
        """Note what a manager applied; with `force` its fields are no longer another's."""
        known = self._last.setdefault(uid, {})
        if force:
            mine = leaves(wanted)
            for name, body in known.items():
                theirs = leaves(body)
                for path in theirs.keys() & mine.keys() - _IDENTITY if name != manager else ():
                    if theirs[path] != mine[path]:
                        _drop(body, path)
        known[manager] = copy.deepcopy(wanted)

    def signed(self, item: Json, wanted: Json, manager: str) -> Json:
        """The object with the manager's entry in metadata.managedFields."""
        item = copy.deepcopy(item)
        fields: Json = {}
        for path in leaves(wanted):
            place = fields
            for name in path:
                place = place.setdefault(f"f:{name}" if name[:2] != "k:" else name, {})
        entry = {
            "manager": manager, "operation": "Apply", "apiVersion": item.get("apiVersion", "v1"), "time": now(),
            "fieldsType": "FieldsV1", "fieldsV1": fields,
        }  # fmt: skip
        others = [one for one in item["metadata"].get("managedFields") or [] if one.get("manager") != manager]
        before = next(
            (one for one in item["metadata"].get("managedFields") or [] if one.get("manager") == manager), None
        )
        if before is not None and before["fieldsV1"] == fields:
            entry["time"] = before["time"]
        item["metadata"]["managedFields"] = [*others, entry]
        return item


def leaves(value: Any, path: Path = (), name: str = "") -> dict[Path, Any]:
    """Every leaf of an object with its path; an entry of a keyed list is named by its key."""
    if isinstance(value, dict) and value:
        found: dict[Path, Any] = {}
        for key, one in value.items():
            found |= leaves(one, (*path, key), key)
        return found
    key = MERGE_KEYS.get(name)
    if isinstance(value, list) and key and all(isinstance(one, dict) and key in one for one in value):
        return {
            place: leaf for one in value for place, leaf in leaves(one, (*path, f"k:{one[key]}"), "").items()
        }  # fmt: skip
    return {path: value}


def _drop(item: Any, path: Path) -> None:
    """Take a leaf out, and what is empty without it."""
    head, *rest = path
    if isinstance(item, list):
        entry = next((one for one in item if isinstance(one, dict) and head[2:] in map(str, one.values())), None)
        if entry is None:
            return
        _drop(entry, tuple(rest)) if rest else item.remove(entry)
        if len(entry) <= 1:
            item.remove(entry)
    elif isinstance(item, dict) and head in item:
        if rest:
            _drop(item[head], tuple(rest))
        if not rest or item[head] in ({}, []):
            del item[head]


def _conflict(clashes: list[tuple[str, Path]]) -> KubernetesError:
    causes = [
        {"reason": "FieldManagerConflict", "message": f'conflict with "{name}"', "field": "." + ".".join(path)}
        for name, path in clashes
    ]
    count = "1 conflict" if len(clashes) == 1 else f"{len(clashes)} conflicts"
    listed = "; ".join(f'conflict with "{name}": .{".".join(path)}' for name, path in clashes)
    return KubernetesError(409, "Conflict", f"Apply failed with {count}: {listed}", {"causes": causes})
