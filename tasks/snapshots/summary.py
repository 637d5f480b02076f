"""The record of one night: what a manifest's line, a definition and a state generation say, and the signed summary."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal, NamedTuple

import orjson
from pydantic import BaseModel, ConfigDict, Field, SecretStr, SerializerFunctionWrapHandler, model_serializer

from tasks.remediation.plan import canonical
from tasks.sync.copy_names import copy_key

Engine = Literal["copy", "transfer"]
"""Who made the copies: this process' requests, or Storage Transfer Service."""
Captured = Literal["clean", "nothing to do", "partial"]
"""Whether everything was captured: all, and something was new; all, and nothing was; not all. Words of the stored record."""
MAX_PROBLEMS = 100
"""Sentences in a summary; `missing_count` counts all."""


class ManifestEntry(NamedTuple):
    """One object of the data bucket that a night has captured."""

    name: str
    generation: int
    size: int
    """Bytes."""
    crc32c: str
    """Base64, as Cloud Storage gives it."""
    updated: str
    """RFC 3339, as Cloud Storage gives it."""
    object_class: str
    metageneration: int = 0
    """Which state of its metadata; 0: this night did not record it."""
    storage_class: str = ""
    """As `NEARLINE`; empty: this night did not record it."""

    @property
    def key(self) -> str:
        """What its copy is called, below the folder of the copies."""
        return copy_key(self.name, self.generation, self.metageneration)


def parse_entry(line: bytes) -> ManifestEntry:
    """An object's line. Raises ValueError or KeyError for anything else."""
    found: dict[str, Any] = orjson.loads(line)
    return ManifestEntry(
        found["name"],
        found["generation"],
        found["size"],
        found["crc32c"],
        found["updated"],
        found["class"],
        found.get("metageneration", 0),
        found.get("storage_class", ""),
    )


class Record(BaseModel):
    """Read-only; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Tally(Record):
    """A number of objects and their bytes."""

    objects: int = 0
    bytes: int = 0


class Part(Record):
    """One object of a night's record: a part of the manifest, or a list."""

    object: str
    sha256: str
    bytes: int
    """As stored, compressed."""
    objects: int
    """Lines in it."""
    first: str = ""
    last: str = ""
    """First and last name in it, in the order of the copies."""


class DefinitionRecord(Record):
    """What was deployed under one name that night."""

    kind: Literal["workflows", "jobs", "triggers", "schedulers"]
    name: str
    revision: str = ""
    """Revision (workflow), generation (job) or etag: what the service calls this state of it."""
    digests: tuple[str, ...] = ()
    """Image references by digest (jobs)."""
    sha256: str
    object: str
    """Where its JSON is in the backup bucket."""


class StateRecord(Record):
    """One generation of one Terraform state."""

    name: str
    generation: int
    size: int
    crc32c: str
    updated: str
    live: bool
    lineage: str = ""
    serial: int = 0
    terraform_version: str = ""
    captured_while_locked: bool = False
    object: str
    """Where its copy is in the backup bucket."""


class Summary(Record):
    """What one night has captured. Written last; a night without it does not exist."""

    night: str
    begun_at: datetime
    ended_at: datetime
    data_bucket: str
    prefix: str
    engine: Engine = "copy"
    parts: tuple[Part, ...] = ()
    objects: int = 0
    bytes: int = 0
    by_class: dict[str, Tally] = Field(default_factory=dict)
    copied: Tally = Tally()
    outcome: Captured
    problems: tuple[str, ...] = ()
    missing_count: int = 0
    """Objects of the source that could not be captured."""
    missing: tuple[str, ...] = ()
    """The names of the first hundred of them; not written where it is empty, as in nights from before it was known."""
    previous: str = ""
    """SHA-256 of the summary before this one; empty for the first."""
    previous_night: str = ""
    definitions: Part | None = None
    terraform: Part | None = None
    notes: tuple[str, ...] = ()
    """What is no problem but should be known: what is not deployed, that there is no remote state, ..."""
    signature: str = ""
    """HMAC-SHA256 (hex) of the canonical JSON of all the rest; empty: not signed."""

    @property
    def good(self) -> bool:
        """Whether everything was captured."""
        return self.outcome != "partial"

    @model_serializer(mode="wrap")
    def _as_ever(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A night's bytes are signed, so those of a night without missing objects stay what they were."""
        found: dict[str, Any] = write(self)
        if not self.missing:
            found.pop("missing", None)
        return found

    def has_all(self, wanted: Callable[[str], bool]) -> bool:
        """Whether it surely captured every object that is wanted: one that could not be captured costs no other."""
        return self.good or (len(self.missing) == self.missing_count and not any(map(wanted, self.missing)))

    @property
    def minutes(self) -> float:
        """How long it took."""
        return (self.ended_at - self.begun_at).total_seconds() / 60


def body_of(summary: Summary) -> bytes:
    """The bytes of the summary's object."""
    return canonical(summary.model_dump(mode="json"))


def sign(summary: Summary, key: SecretStr) -> Summary:
    """The summary with its signature, or as it is when there is no key."""
    return summary.model_copy(update={"signature": signature_of(summary, key)})


def signature_of(summary: Summary, key: SecretStr) -> str:
    """What its signature must be; empty without a key."""
    secret = key.get_secret_value()
    if not secret:
        return ""
    unsigned = canonical(summary.model_dump(mode="json", exclude={"signature"}))
    return hmac.new(secret.encode(), unsigned, hashlib.sha256).hexdigest()


def signed_by(summary: Summary, key: SecretStr) -> bool:
    """Whether the signature is the key's."""
    return hmac.compare_digest(summary.signature.encode(), signature_of(summary, key).encode())
