"""USDZ packages: a zip without compression, checked without unpacking anything (OpenUSD, USDZ file format)."""

from __future__ import annotations

import io
import zipfile
import zlib

from tasks.validation.documents import MAX_DOCUMENT_BYTES
from tasks.validation.usd_text import ZIP_MAGIC
from tasks.validation.view import SceneView

MAX_ENTRIES = 10_000


def check_package(view: SceneView, path: str) -> None:
    """Report what is wrong with one package. Large ones are only looked at from outside."""
    size = view.files[path].size
    if size > MAX_DOCUMENT_BYTES:
        return
    data = view.data(path)
    if data is not None and data.startswith(ZIP_MAGIC):
        problem = _problem(data)
        if problem:
            view.add("usdz-damaged", path, f"{path}: {problem}.")


def _problem(data: bytes) -> str | None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            return _entries_problem(package, len(data))
    except (zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError, OSError, EOFError, RuntimeError) as error:
        return f"it is no readable zip ({type(error).__name__})"


def _entries_problem(package: zipfile.ZipFile, size: int) -> str | None:
    entries = package.infolist()
    if not entries or len(entries) > MAX_ENTRIES:
        return f"it holds {len(entries)} files"
    for entry in entries:
        if entry.compress_type != zipfile.ZIP_STORED:
            return "it holds compressed files, which USDZ forbids"
        if entry.filename.startswith("/") or ".." in entry.filename.split("/"):
            return "a file in it would be unpacked outside"
        if entry.file_size > size:
            return "a file in it claims to be larger than the package"
    if not entries[0].filename.lower().endswith((".usda", ".usdc", ".usd")):
        return "its first file is no USD layer"
    damaged = package.testzip()
    return None if damaged is None else "a file in it does not fit its checksum"
