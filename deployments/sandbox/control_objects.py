"""The bulk load: a tar archive whose files become objects, quietly and all with the same time."""

from __future__ import annotations

import io
import mimetypes
import tarfile
from datetime import UTC, datetime

from deployments.sandbox.names import DATA_BUCKET
from deployments.sandbox.storage.store import ObjectStore


def put_archive(store: ObjectStore, archive: bytes, query: dict[str, str]) -> int:
    """Write the files of a tar archive as objects; nothing hears of it. Returns how many there were.

    `query` may hold `bucket` (the data bucket) and `at` (now; ISO 8601). A file's path in the archive is the object's
    name, so `tar c scenes | curl --data-binary @- <control>/objects` loads a folder of scenes.

    Raises:
        ValueError: the archive, a name in it or the time cannot be read. Nothing was written then.
    """
    at = _time(query["at"]) if "at" in query else datetime.now(UTC)
    bucket = query.get("bucket", DATA_BUCKET)
    store.bucket(bucket)
    files = _read(archive)
    for name, data in files:
        store.put(bucket, name, data, content_type=mimetypes.guess_type(name)[0], at=at, quiet=True)
    return len(files)


def _read(archive: bytes) -> list[tuple[str, bytes]]:
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            members = [member for member in tar if member.isfile()]
            return [(_name(member.name), tar.extractfile(member).read()) for member in members]  # type: ignore[union-attr]
    except (tarfile.TarError, EOFError) as error:
        raise ValueError("The body is not a tar archive: send one whose files are named as the objects.") from error


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"at: '{text}' is not a time such as 2026-01-18T12:00:00Z.") from error


def _name(path: str) -> str:
    name = path.removeprefix("./")
    if name.startswith("/") or ".." in name.split("/"):
        raise ValueError(f"'{path}' is no object name: paths in the archive begin with scenes/ and hold no '..'.")
    return name
