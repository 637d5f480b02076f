"""Loading a folder of scenes into a running sandbox."""

from __future__ import annotations

import io
import json
import tarfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from deployments.sandbox.names import DATA_BUCKET

CHUNK_BYTES = 16 * 1024 * 1024
CHUNK_FILES = 1000


class LoadError(Exception):
    """A folder that could not be loaded; the message is one sentence for the person who asked."""


@dataclass(frozen=True)
class Loaded:
    """What was loaded."""

    scenes: int
    objects: int
    bytes: int


def load_folder(control_url: str, folder: str | Path) -> Loaded:
    """Put every file of a folder into the sandbox's data bucket, without any event, all with the same time.

    Args:
        control_url: the sandbox's `control` endpoint.
        folder: holds `scenes/<scene id>/...`, or holds folders that do (a copy of several buckets), or is `scenes`.

    Raises:
        LoadError: there are no scenes in the folder, two files would become the same object, or no sandbox answers.
    """
    files = _files(Path(folder))
    at = datetime.now(UTC).isoformat()
    size = 0
    for chunk in _chunks(files):
        size += _send(control_url, at, chunk)
    scenes = {name.split("/")[1] for name in files}
    return Loaded(scenes=len(scenes), objects=len(files), bytes=size)


def _files(folder: Path) -> dict[str, Path]:
    """Object names and the files they come from, sorted by name."""
    if not folder.is_dir():
        raise LoadError(f"{folder} is not a folder: name one that holds scenes/<scene id>/...")
    found: dict[str, Path] = {}
    for root in _roots(folder):
        for path in root.rglob("*"):
            name = f"scenes/{path.relative_to(root).as_posix()}"
            if not path.is_file() or name.count("/") < 2:
                continue
            if name in found:
                raise LoadError(
                    f"{found[name]} and {path} would both become {name}: load one of their folders at a time."
                )
            found[name] = path
    if not found:
        raise LoadError(f"{folder} holds no scenes: it needs files below scenes/<scene id>/ in it.")
    return dict(sorted(found.items()))


def _roots(folder: Path) -> list[Path]:
    if folder.resolve().name == "scenes":
        return [folder]
    if (folder / "scenes").is_dir():
        return [folder / "scenes"]
    return sorted(path for path in folder.glob("*/scenes") if path.is_dir())


def _chunks(files: dict[str, Path]) -> Iterator[list[tuple[str, Path]]]:
    chunk: list[tuple[str, Path]] = []
    size = 0
    for name, path in files.items():
        length = path.stat().st_size
        if chunk and (size + length > CHUNK_BYTES or len(chunk) == CHUNK_FILES):
            yield chunk
            chunk, size = [], 0
        chunk.append((name, path))
        size += length
    yield chunk


def _send(control_url: str, at: str, chunk: list[tuple[str, Path]]) -> int:
    body = io.BytesIO()
    size = 0
    with tarfile.open(fileobj=body, mode="w") as archive:
        for name, path in chunk:
            data = path.read_bytes()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
            size += len(data)
    query = urllib.parse.urlencode({"bucket": DATA_BUCKET, "at": at})
    headers = {"Content-Type": "application/x-tar"}
    request = urllib.request.Request(f"{control_url}/objects?{query}", data=body.getvalue(), headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()
    except urllib.error.HTTPError as error:
        raise LoadError(f"The sandbox refused the files: {_reason(error)}") from error
    except (OSError, ValueError) as error:
        raise LoadError(f"No sandbox answers at {control_url}: start one, then load again.") from error
    return size


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read())["error"])
    except (ValueError, KeyError, TypeError):
        return f"status {error.code}."
