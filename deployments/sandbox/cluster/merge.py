"""The patches an API server takes: merge, strategic merge, JSON patch and apply, as pure functions."""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch

from deployments.sandbox.cluster.errors import Json, KubernetesError, refuse

MERGE_KEYS = {
    "containers": "name", "initContainers": "name", "ephemeralContainers": "name", "volumes": "name", "env": "name",
    "imagePullSecrets": "name", "volumeMounts": "mountPath", "ports": "containerPort", "hostAliases": "ip",
    "conditions": "type", "addresses": "type", "ownerReferences": "uid", "taints": "key",
}  # fmt: skip
"""Lists whose entries are told apart by a key (Kubernetes: `patchMergeKey` in the API types). Other lists are replaced."""
_SETS = {"finalizers"}


def merge_patch(target: Any, patch: Any) -> Any:
    """`patch` merged into `target` (RFC 7386): null removes a key, a list replaces a list."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def json_patch(target: Json, patch: Any) -> Json:
    """RFC 6902. Raises KubernetesError 400 for what is no patch, 422 for one that does not fit."""
    try:
        changed = jsonpatch.JsonPatch(patch).apply(target)
    except (jsonpatch.InvalidJsonPatch, TypeError, AttributeError) as error:
        raise KubernetesError(400, "BadRequest", f"the JSON patch is malformed: {error}") from None
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, ValueError, LookupError) as error:
        message = f"the server rejected our request due to an error in our request: {error}"
        raise KubernetesError(422, "Invalid", message) from None
    if not isinstance(changed, dict):
        refuse(422, "Invalid", "the JSON patch makes something that is no object")
    return changed


def strategic_patch(target: Any, patch: Any) -> Any:
    """Kubernetes' strategic merge patch: as `merge_patch`, but keyed lists are merged entry by entry.

    Knows the directives `$patch: replace|delete`, `$deleteFromPrimitiveList/x`, `$setElementOrder/x`, `$retainKeys`.
    """
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    if patch.get("$patch") == "replace":
        return strategic_patch({}, {key: value for key, value in patch.items() if key != "$patch"})
    merged = dict(target) if isinstance(target, dict) else {}
    if isinstance(kept := patch.get("$retainKeys"), list):
        merged = {key: value for key, value in merged.items() if key in kept}
    for key, value in patch.items():
        if key.startswith("$"):
            _directive(merged, key, value)
        elif value is None or (isinstance(value, dict) and value.get("$patch") == "delete"):
            merged.pop(key, None)
        elif isinstance(value, list):
            merged[key] = _merged_list(key, merged.get(key), value)
        else:
            merged[key] = strategic_patch(merged.get(key), value)
    for key, order in patch.items():
        if key.startswith("$setElementOrder/") and isinstance(order, list):
            _sort(merged, key.partition("/")[2], order)
    return merged


def _directive(merged: Json, key: str, value: Any) -> None:
    word, _, name = key.partition("/")
    if word == "$deleteFromPrimitiveList" and isinstance(merged.get(name), list) and isinstance(value, list):
        merged[name] = [one for one in merged[name] if one not in value]


def _merged_list(name: str, before: Any, patch: list[Any]) -> list[Any]:
    before = before if isinstance(before, list) else []
    if name in _SETS:
        return [*before, *(one for one in patch if one not in before)]
    key = MERGE_KEYS.get(name)
    if key is None or not all(isinstance(one, dict) for one in [*before, *patch]):
        return copy.deepcopy(patch)
    if any(one.get("$patch") == "replace" for one in patch):
        return [strategic_patch({}, one) for one in patch if "$patch" not in one]
    merged = list(before)
    for one in patch:
        place = next((at for at, old in enumerate(merged) if key in one and old.get(key) == one[key]), None)
        if one.get("$patch") == "delete":
            merged = [old for at, old in enumerate(merged) if at != place]
        elif place is None:
            merged.append(strategic_patch({}, one))
        else:
            merged[place] = strategic_patch(merged[place], one)
    return merged


def _sort(merged: Json, name: str, order: list[Any]) -> None:
    """Entries in the order the caller has them; those it does not name come last."""
    key, entries = MERGE_KEYS.get(name), merged.get(name)
    if not isinstance(entries, list):
        return

    def place(entry: Any) -> int:
        wanted = {key: entry.get(key)} if key and isinstance(entry, dict) else entry
        return order.index(wanted) if wanted in order else len(order)

    merged[name] = sorted(entries, key=place)  # the caller's own list stays as it is
