"""The bodies of the JSON API, checked once, at the door: what is stored is of the type that Google documents.

Names and rules are those of Google's reference: "Buckets", "Objects", "Objects: compose", "Custom metadata", "Labels",
"Bucket names". What a resource does not have is ignored, as Google ignores it. A body is handed on as a plain mapping
of what it names, null included, so that a patch can tell 'left out' from 'taken away'.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from deployments.sandbox.storage.store_errors import BadRequest

METADATA_BYTES = 8192
"""Google ("Object metadata"): the most that keys and values of an object's custom metadata may have together."""
MAX_LABELS = 64


def _plain(text: str) -> str:
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise ValueError("must not hold control characters")
    return text


def _int64(value: object) -> object:
    """A 64-bit number is a string in Google's JSON, and may be a number."""
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,19}", value):
        return int(value)
    return value


def _time(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("must be a time as in '2026-01-31T12:00:00Z'")
    return value


def _class(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _labels(labels: dict[str, str | None]) -> dict[str, str | None]:
    """Letters of any script that has no capitals, digits, '_' and '-'; keys begin with a letter."""
    if len(labels) > MAX_LABELS:
        raise ValueError(f"at most {MAX_LABELS} labels")
    for key, value in labels.items():
        texts = (key, value or "")
        plain = all(
            letter in "_-" or (letter.isalnum() and letter == letter.lower()) for text in texts for letter in text
        )
        if not key[:1].isalpha() or not plain or max(map(len, texts)) > 63:
            raise ValueError(f"{key!r}={value!r} breaks the rules for labels")
    return labels


def _metadata(metadata: dict[str, str | None]) -> dict[str, str | None]:
    size = sum(len(key.encode()) + len((value or "").encode()) for key, value in metadata.items())
    if size > METADATA_BYTES:
        raise ValueError(f"custom metadata has {size} bytes, at most {METADATA_BYTES} are allowed")
    return metadata


def _bucket_name(name: str) -> str:
    parts = name.split(".")
    long = len(name) <= (222 if len(parts) > 1 else 63) and all(len(part) <= 63 for part in parts)
    shaped = re.fullmatch(r"[a-z0-9][a-z0-9._-]+[a-z0-9]", name) is not None and ".." not in name
    address = re.fullmatch(r"\d+(\.\d+){3}", name)
    if not shaped or not long or address or name.startswith("goog") or "google" in name:
        raise ValueError(f"Invalid bucket name: '{name}'")
    return name


Text = Annotated[str, AfterValidator(_plain)]
Int64 = Annotated[int, BeforeValidator(_int64), Field(ge=-(2**63), lt=2**63)]
StorageClass = Annotated[
    Literal[
        "STANDARD", "NEARLINE", "COLDLINE", "ARCHIVE", "MULTI_REGIONAL", "REGIONAL", "DURABLE_REDUCED_AVAILABILITY"
    ],
    BeforeValidator(_class),
]
Time = Annotated[AwareDatetime, BeforeValidator(_time), Field(strict=False)]
Metadata = Annotated[dict[str, str | None], AfterValidator(_metadata)]
Labels = Annotated[dict[str, str | None], AfterValidator(_labels)]


class Body(BaseModel):
    """What is there is of the right type: 'false' is no boolean and 5 no text."""

    model_config = ConfigDict(strict=True, alias_generator=to_camel, extra="ignore")


class Enabled(Body):
    enabled: bool | None = None


class SoftDelete(Body):
    retention_duration_seconds: Int64 | None = None


class Retention(Body):
    retention_period: Int64 | None = None


class LifecycleAction(Body):
    type: Text
    storage_class: StorageClass | None = None


class LifecycleRule(Body):
    action: LifecycleAction
    condition: dict[str, Any]


class Lifecycle(Body):
    rule: list[LifecycleRule] | None = None


class Iam(Body):
    uniform_bucket_level_access: Enabled | None = None
    bucket_policy_only: Enabled | None = None
    public_access_prevention: Literal["inherited", "enforced", "unspecified"] | None = None


class Website(Body):
    main_page_suffix: Text | None = None
    not_found_page: Text | None = None


class Logging(Body):
    log_bucket: Text | None = None
    log_object_prefix: Text | None = None


class Billing(Body):
    requester_pays: bool | None = None


class Encryption(Body):
    default_kms_key_name: Text | None = None


class BucketPatch(Body):
    """What can be said of a bucket that is there."""

    storage_class: StorageClass | None = None
    versioning: Enabled | None = None
    soft_delete_policy: SoftDelete | None = None
    retention_policy: Retention | None = None
    labels: Labels | None = None
    lifecycle: Lifecycle | None = None
    iam_configuration: Iam | None = None
    default_event_based_hold: bool | None = None
    website: Website | None = None
    logging: Logging | None = None
    billing: Billing | None = None
    encryption: Encryption | None = None
    autoclass: Enabled | None = None
    hierarchical_namespace: Enabled | None = None
    cors: list[dict[str, Any]] | None = None
    rpo: Text | None = None


class BucketBody(BucketPatch):
    """A bucket that is to be made."""

    name: Annotated[str, AfterValidator(_bucket_name)] | None = None
    location: Text | None = None


class ObjectBody(Body):
    """What can be said of an object; `name` and the checksums only where one is uploaded."""

    name: str | None = None
    content_type: Text | None = None
    content_encoding: Text | None = None
    content_disposition: Text | None = None
    content_language: Text | None = None
    cache_control: Text | None = None
    custom_time: Time | None = None
    metadata: Metadata | None = None
    storage_class: StorageClass | None = None
    temporary_hold: bool | None = None
    event_based_hold: bool | None = None
    crc32c: str | None = Field(None, alias="crc32c")
    md5_hash: str | None = None


class SourceConditions(Body):
    if_generation_match: Int64 | None = None


class Source(Body):
    name: str
    generation: Int64 | None = None
    object_preconditions: SourceConditions | None = None


class ComposeBody(Body):
    """POST .../compose."""

    source_objects: list[Source] | None = None
    destination: ObjectBody | None = None


def check(model: type[Body], body: dict[str, Any]) -> dict[str, Any]:
    """What `body` names of `model`, with numbers as numbers and times as Google writes them.

    Raises BadRequest that names the first thing wrong with it.
    """
    try:
        read = model.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the body"
        raise BadRequest(f"Invalid value for {place}: {first['msg'].removeprefix('Value error, ')}.") from None
    shown = read.model_dump(by_alias=True, exclude_unset=True)
    if isinstance(shown.get("customTime"), datetime):
        shown["customTime"] = written(shown["customTime"])
    return shown


def written(moment: datetime) -> str:
    """A time a user chose: without a fraction when it has none."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds" if moment.microsecond else "seconds")
    return text.replace("+00:00", "Z")
