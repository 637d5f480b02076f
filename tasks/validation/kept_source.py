"""A scene's source that remembers the small objects it has read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from blocks.patterns import overlap
from tasks.validation.source import BucketSource, Listed, SceneFile, SceneSource, Vanished

SMALL_BYTES = 256 * 1024
"""Objects up to this size are kept in memory once read, since several checks look at them."""
MAX_KEPT_BYTES = 32 * 1024 * 1024
"""Bytes of such objects that are kept for one scene."""
READERS = 8
"""Small objects of one scene that are fetched at the same time from a bucket."""


class KeptSource:
    """A source that remembers what it read of small objects, so that several checks cost one request."""

    def __init__(self, source: SceneSource) -> None:
        """`source`: where the bytes come from."""
        self._source = source
        self._files = Listed.seen(source.files())
        self._kept: dict[str, bytes] = {}
        self._room = MAX_KEPT_BYTES

    @property
    def scene_id(self) -> str:
        """The id that the scene's folder has."""
        return self._source.scene_id

    @property
    def where(self) -> str:
        """The scene's address for people."""
        return self._source.where

    def files(self) -> dict[str, SceneFile]:
        """Every object of the scene, as first listed."""
        return self._files

    def removed(self) -> Mapping[str, datetime]:
        """What the pipeline's own retention is recorded to have removed from it, and when."""
        return self._source.removed() if isinstance(self._source, BucketSource) else {}

    @property
    def cut(self) -> set[str]:
        """Folders of which not everything is in the listing."""
        return self._files.cut

    def unlisted(self, path: str) -> bool:
        """Whether an object (or some object of a pattern) may be there although it is not in the listing."""
        return bool(self.cut) and any(not folder or overlap(path, f"{folder}/*") for folder in self.cut)

    def read(self, path: str, start: int = 0, end: int | None = None) -> bytes:
        """The bytes [start, end) of one object."""
        if self._files[path].size > SMALL_BYTES:
            return self._source.read(path, start, end)
        if path not in self._kept:
            self._keep(path, self._source.read(path))
        return self._kept[path][start:end]

    def prefetch(self, paths: Iterable[str]) -> None:
        """Read small objects of a bucket several at a time, as far as there is room to keep them."""
        if not isinstance(self._source, BucketSource):
            return
        wanted, room = [], self._room
        for path in paths:
            room -= self._files[path].size
            if path not in self._kept and self._files[path].size <= SMALL_BYTES and room >= 0:
                wanted.append(path)
        with ThreadPoolExecutor(READERS) as pool:
            for path, data in zip(wanted, pool.map(self._try, wanted), strict=True):
                if data is not None:
                    self._keep(path, data)

    def _try(self, path: str) -> bytes | None:
        try:
            return self._source.read(path)
        except Vanished:
            return None

    def _keep(self, path: str, data: bytes) -> None:
        while self._kept and len(data) > self._room:
            oldest = next(iter(self._kept))
            self._room += len(self._kept.pop(oldest))
        self._kept[path] = data
        self._room -= len(data)
