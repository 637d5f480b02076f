"""Google's messages as plain data: the JSON its REST APIs show, so that a recorded one can be read and sent anywhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import proto  # type: ignore[import-untyped]

M = TypeVar("M", bound="proto.Message")


def as_dict(message: proto.Message) -> dict[str, Any]:
    """What `message` says, with REST's field names; fields at their default are left out."""
    text = type(message).to_json(
        message,
        use_integers_for_enums=False,
        always_print_fields_with_no_presence=False,
        preserving_proto_field_name=False,
    )
    value: dict[str, Any] = json.loads(text)
    return value


def from_dict(kind: type[M], value: dict[str, Any]) -> M:
    """The message that `value` (of `as_dict`) stands for. Fields this client does not know are ignored."""
    message: M = kind.from_json(json.dumps(value), ignore_unknown_fields=True)
    return message
