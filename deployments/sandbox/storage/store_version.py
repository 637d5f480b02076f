"""One version of one object, and the bytes it holds."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import ClassVar
from weakref import WeakValueDictionary

import google_crc32c

_NOTHING: Mapping[str, object] = MappingProxyType({})


def nothing() -> Mapping[str, object]:
    """The empty mapping that every object without rarer properties shares."""
    return _NOTHING


class Content:
    """The bytes of an object with their checksums. Objects with the same bytes share one of these."""

    __slots__ = ("__weakref__", "crc32c", "data", "md5", "size")

    _shared: ClassVar["WeakValueDictionary[bytes, Content]"] = WeakValueDictionary()

    def __init__(self, data: bytes, md5: bytes) -> None:
        """Hold `data`, whose MD5 digest is `md5`. Use `Content.of`, which shares equal bytes."""
        self.data = data
        self.size = len(data)
        self.md5 = base64.b64encode(md5).decode()
        self.crc32c = base64.b64encode(google_crc32c.value(data).to_bytes(4, "big")).decode()

    @classmethod
    def of(cls, data: bytes) -> "Content":
        """The content with these bytes; the checksums are computed once for equal bytes that are still held."""
        digest = hashlib.md5(data, usedforsecurity=False).digest()
        content = cls._shared.get(digest)
        if content is None:
            content = cls._shared[digest] = cls(bytes(data), digest)
        return content


@dataclass(slots=True)
class NewObject:
    """What a caller says of an object that is about to be finalized; everything else the store decides."""

    content: Content
    content_type: str | None = None
    metadata: Mapping[str, str] | None = None
    storage_class: str | None = None
    extra: Mapping[str, object] = field(default_factory=nothing)


@dataclass(slots=True)
class StoredVersion:
    """One generation of an object. Nobody changes one: an update puts a changed copy in its place.

    Times are UTC in whole milliseconds, which is what Google's JSON API shows. `extra` holds the rarer properties under
    their names in Google's JSON (cacheControl, contentEncoding, temporaryHold, componentCount, ...).
    """

    bucket: str
    name: str
    generation: int
    metageneration: int
    content: Content
    content_type: str | None
    metadata: Mapping[str, str] | None
    storage_class: str
    time_created: datetime
    updated: datetime
    time_deleted: datetime | None = None
    soft_delete_time: datetime | None = None
    hard_delete_time: datetime | None = None
    retained_since: datetime | None = None
    """When its event-based hold was released; None = it was never held."""
    extra: Mapping[str, object] = field(default_factory=nothing)

    @property
    def data(self) -> bytes:
        """The bytes of the object."""
        return self.content.data

    @property
    def size(self) -> int:
        """Length of the object in bytes."""
        return self.content.size

    @property
    def crc32c(self) -> str:
        """CRC32C of the bytes, big-endian, in base64, as Google writes it."""
        return self.content.crc32c

    @property
    def md5(self) -> str:
        """MD5 of the bytes in base64."""
        return self.content.md5

    @property
    def is_live(self) -> bool:
        """Whether this is the version that a plain get finds."""
        return self.time_deleted is None and self.soft_delete_time is None


def in_milliseconds(moment: datetime | None = None) -> datetime:
    """`moment` (default: now) in UTC without what is finer than a millisecond. A time without a zone is UTC."""
    if moment is None:
        moment = datetime.now(UTC)
    elif moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    else:
        moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
