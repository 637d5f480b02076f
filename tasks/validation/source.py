"""Where a scene is read from: a local folder or a bucket. Nothing here can write."""

from __future__ import annotations

import os
import posixpath
import stat
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Literal, Protocol

from blocks.errors import NotFound
from blocks.storage import PipelineStorage

MAX_OBJECTS = 200_000
"""Objects of one scene that are kept, whatever they are."""
FEW_OBJECTS = 1_000
"""Of what is listed beyond them, this many of each folder are kept: a crowd in one folder hides no other folder."""
MOST_OBJECTS = 300_000
"""Objects that are kept at most; there the listing stops."""

Oddity = Literal["", "symlink-outside-scene", "not-a-file"]


class Vanished(Exception):
    """The object was there when the scene was listed and is not any more, or cannot be read."""


@dataclass(frozen=True)
class SceneFile:
    """One object of a scene."""

    path: str
    """Relative to the scene's root, with `/`."""
    size: int
    updated: datetime | None = None
    """When it was last written; None when that is no evidence, as with a local copy."""
    generation: int | None = None
    crc32c: str | None = None
    oddity: Oddity = ""
    """Why it must not be read, if so."""


class Listed(dict[str, SceneFile]):
    """The objects of a scene by path, and the folders of which some were not kept. Absence from those says nothing."""

    def __init__(self) -> None:
        """Nothing listed yet."""
        super().__init__()
        self.cut: set[str] = set()
        """Folders that were not kept whole; the empty name when the listing stopped altogether."""
        self._counts: Counter[str] = Counter()

    @classmethod
    def seen(cls, files: dict[str, SceneFile]) -> Listed:
        """A listing without the notes that macOS leaves beside files it copies (AppleDouble: `._` before the name)."""
        found = cls()
        found.cut = files.cut if isinstance(files, Listed) else set()
        found.update({path: file for path, file in files.items() if not posixpath.basename(path).startswith("._")})
        return found

    def add(self, file: SceneFile) -> bool:
        """Keep a file if there is room; False when the listing should stop."""
        folder = posixpath.dirname(file.path)
        self._counts[folder] += 1
        if len(self) >= MOST_OBJECTS:
            self.cut.add("")
            return False
        if len(self) < MAX_OBJECTS or self._counts[folder] <= FEW_OBJECTS:
            self[file.path] = file
        else:
            self.cut.add(folder)
        return True

    def only(self, keep: Callable[[SceneFile], SceneFile | None]) -> Listed:
        """The same listing with every file as `keep` returns it, without those for which it returns None."""
        found = Listed()
        found.cut = self.cut
        found.update({path: kept for path, file in self.items() if (kept := keep(file)) is not None})
        return found


class SceneSource(Protocol):
    """A scene that can be looked at."""

    @property
    def scene_id(self) -> str:
        """The id that the scene's folder has."""
        ...

    @property
    def where(self) -> str:
        """The scene's address for people."""
        ...

    def files(self) -> dict[str, SceneFile]:
        """Every object of the scene by path; a `Listed` that says so where some were left out."""
        ...

    def read(self, path: str, start: int = 0, end: int | None = None) -> bytes:
        """The bytes [start, end) of one object. Raises `Vanished`."""
        ...


class FolderSource:
    """A scene in a local folder. Symbolic links that leave the folder, devices and pipes are never opened."""

    def __init__(self, path: Path) -> None:
        """`path`: the folder of one scene; its name is the scene's id."""
        self._root, self._id = path.resolve(), Path(os.path.abspath(path)).name  # noqa: PTH100 - keeps a link's name

    @property
    def scene_id(self) -> str:
        """The folder's name."""
        return self._id

    @property
    def where(self) -> str:
        """The folder."""
        return str(self._root)

    def files(self) -> Listed:
        """Every file below the folder. Folders that are symbolic links are listed, not entered.

        Raises `OSError` when a folder may not be listed.
        """
        found = Listed()
        for folder, subfolders, names in os.walk(self._root, onerror=_raise):
            links = [name for name in subfolders if (Path(folder) / name).is_symlink()]
            subfolders[:] = sorted(set(subfolders) - set(links))
            for name in sorted([*names, *links]):
                if not found.add(self._look(Path(folder) / name)):
                    return found
        return found

    def read(self, path: str, start: int = 0, end: int | None = None) -> bytes:
        """The bytes [start, end) of a file below the folder."""
        target = self._root / path
        if self._look(target).oddity:
            raise Vanished(f"{path} is not a file of the scene")
        try:
            with target.open("rb") as file:
                file.seek(start)
                return file.read() if end is None else file.read(max(end - start, 0))
        except OSError as error:
            raise Vanished(f"{path} cannot be read: {error.strerror}") from error

    def _look(self, target: Path) -> SceneFile:
        path = target.relative_to(self._root).as_posix()
        try:
            inside = target.resolve(strict=True).is_relative_to(self._root)
            status = target.stat()
        except (OSError, RuntimeError):  # also a link that leads to nothing
            return SceneFile(path, 0, oddity="not-a-file")
        if not inside:
            return SceneFile(path, 0, oddity="symlink-outside-scene")
        oddity: Oddity = "" if stat.S_ISREG(status.st_mode) else "not-a-file"
        return SceneFile(path, status.st_size, oddity=oddity)


def _raise(error: OSError) -> None:
    raise error


class BucketSource:
    """A scene in a bucket. Everything is read at the generation that the listing showed."""

    def __init__(self, storage: PipelineStorage, bucket: str, scene_id: str, prefix: str) -> None:
        """`prefix`: the scene's root in the bucket, e.g. `scenes/kitchen_001/`."""
        self._storage, self._bucket, self._id, self._prefix = storage, bucket, scene_id, prefix
        self._files: Listed | None = None
        self._listing = Lock()

    @property
    def scene_id(self) -> str:
        """The id in the prefix."""
        return self._id

    @property
    def where(self) -> str:
        """`gs://bucket/prefix`."""
        return f"gs://{self._bucket}/{self._prefix}"

    def removed(self) -> Mapping[str, datetime]:
        """What the pipeline's own retention is recorded to have removed, and when; here nobody has recorded anything."""
        return {}

    def files(self) -> Listed:
        """Every live object below the prefix; folder placeholders are left out."""
        return self.listed()

    def listed(self) -> Listed:
        """What was there when somebody asked first, whatever `files` shows of it."""
        with self._listing:  # readers in threads: nobody sees half a listing
            if self._files is None:
                self._files = self._list()
            return self._files

    def _list(self) -> Listed:
        files = Listed()
        for found in self._storage.list(self._bucket, self._prefix):
            path = found.name[len(self._prefix) :]
            if not path or path.endswith("/"):
                continue
            if not files.add(SceneFile(path, found.size, found.updated, found.generation, found.crc32c)):
                break
        return files

    def read(self, path: str, start: int = 0, end: int | None = None) -> bytes:
        """The bytes [start, end) of the object as it was listed."""
        file = self.listed()[path]
        try:
            return self._storage.read(
                self._bucket, self._prefix + path, generation=file.generation, start=start, end=end
            )
        except NotFound as error:
            raise Vanished(f"{path} was replaced or deleted while the scene was read") from error
