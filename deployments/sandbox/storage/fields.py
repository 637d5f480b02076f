"""Partial responses: the `fields` parameter, which names parts of a resource (Google: "Partial responses")."""

import re
from functools import lru_cache
from typing import Any

from deployments.sandbox.storage.store_errors import BadRequest

Mask = dict[str, Any]
"""A parsed `fields` parameter: {"items": {"name": {}}, "nextPageToken": {}}; an empty mapping = everything below."""

_OBJECT = frozenset({
    "kind", "id", "selfLink", "mediaLink", "name", "bucket", "generation", "metageneration", "storageClass",
    "size", "md5Hash", "crc32c", "etag", "timeCreated", "updated", "timeStorageClassUpdated", "timeFinalized",
    "contentType", "contentEncoding", "contentDisposition", "contentLanguage", "cacheControl", "customTime",
    "metadata", "contexts", "temporaryHold", "eventBasedHold", "retentionExpirationTime", "retention",
    "timeDeleted", "softDeleteTime", "hardDeleteTime", "restoreToken", "componentCount", "acl", "owner",
    "customerEncryption", "kmsKeyName",
})  # fmt: skip
_BUCKET = frozenset({
    "kind", "selfLink", "id", "name", "projectNumber", "generation", "metageneration", "location", "locationType",
    "storageClass", "etag", "timeCreated", "updated", "softDeleteTime", "hardDeleteTime", "iamConfiguration",
    "softDeletePolicy", "versioning", "retentionPolicy", "labels", "lifecycle", "defaultEventBasedHold",
    "website", "logging", "billing", "encryption", "autoclass", "hierarchicalNamespace", "cors", "rpo", "acl",
    "owner", "defaultObjectAcl", "customPlacementConfig", "objectRetention", "ipFilter", "satisfiesPZS",
    "satisfiesPZI",
})  # fmt: skip
_LISTS = {"objects.list": _OBJECT, "buckets.list": _BUCKET}


@lru_cache(maxsize=256)
def parse_fields(text: str, method: str) -> Mask:
    """The mask of a `fields` parameter: names with commas, a/b for a part, a(b,c) for parts.

    Raises BadRequest when it makes no sense, or names what the answer of `method` (objects.list, ...) never has.
    """
    tokens = re.findall(r"[,/()]|[^,/()\s]+", text)[::-1]
    try:
        mask = _parse_list(tokens)
    except (IndexError, RecursionError):
        tokens = ["?"]
    if tokens or not _known(mask, method):
        raise BadRequest(f"Invalid field selection {text}")
    return mask


def _known(mask: Mask, method: str) -> bool:
    kind = _BUCKET if method.startswith("buckets.") else _OBJECT
    if method in _LISTS:
        items = mask.get("items", {})
        return mask.keys() <= {"*", "kind", "nextPageToken", "prefixes", "items"} and items.keys() <= kind | {"*"}
    if method == "objects.rewrite":
        names = {"*", "kind", "totalBytesRewritten", "objectSize", "done", "rewriteToken", "resource"}
        return mask.keys() <= names and mask.get("resource", {}).keys() <= kind | {"*"}
    return mask.keys() <= kind | {"*"}


def _parse_list(tokens: list[str]) -> Mask:
    mask: Mask = {}
    while True:
        name = tokens.pop()
        mask[name] = {**mask.get(name, {}), **_parse_below(tokens)}
        if tokens[-1:] != [","]:
            return mask
        tokens.pop()


def _parse_below(tokens: list[str]) -> Mask:
    if tokens[-1:] == ["/"]:
        tokens.pop()
        return {tokens.pop(): _parse_below(tokens)}
    if tokens[-1:] != ["("]:
        return {}
    tokens.pop()
    mask = _parse_list(tokens)
    if tokens.pop() != ")":
        raise IndexError
    return mask


def select(resource: Any, mask: Mask) -> Any:
    """Only the parts of a resource that the mask names; `*` names all of them."""
    if not mask or "*" in mask:
        return resource
    if isinstance(resource, list):
        return [select(each, mask) for each in resource]
    if not isinstance(resource, dict):
        return resource
    return {name: select(resource[name], below) for name, below in mask.items() if name in resource}
