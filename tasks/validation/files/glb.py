"""glTF binary files of any size: a walk over the chunks, then what the JSON in the first one promises.

Source: Khronos glTF 2.0, section 4.4. A mesh that the pipeline can load has a header of version 2 whose length the object
has, a JSON chunk, and at most one BIN chunk that may be up to 3 bytes longer than its buffer. Readers stop at the length
that the header gives, so bytes after it are odd and do no harm.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from tasks.validation.documents.documents import MAX_DEPTH, Problem, parse_json
from tasks.validation.documents.quoting import show
from tasks.validation.files.gltf import Gltf, GltfFile
from tasks.validation.files.pieces import Pieces
from tasks.validation.files.strangers import stranger

MAX_JSON_BYTES = 16 * 1024 * 1024
"""A longer JSON chunk is not parsed; a mesh of 10,000 parts has one of 3 MB."""
MAX_CHUNKS = 1_000
_HEADER, _CHUNK = struct.Struct("<4sII"), struct.Struct("<I4s")
_JSON, _BIN = b"JSON", b"BIN\0"


def read_glb(pieces: Pieces) -> Gltf | Problem:
    """What a glTF binary file holds, or why that cannot be known. A file beside it may still be missing."""
    head = pieces.at(0, _HEADER.size)
    problem = _header_problem(head, pieces)
    if problem:
        return Problem("glb-damaged", problem)
    chunks: list[tuple[bytes, int, int]] = []
    place = _HEADER.size
    _, _, end = _HEADER.unpack(head)
    while place < end and len(chunks) < MAX_CHUNKS:
        head = pieces.at(place, _CHUNK.size)
        if len(head) < _CHUNK.size:
            return Problem("glb-damaged", "its last chunk is cut off")
        length, kind = _CHUNK.unpack(head)
        place += _CHUNK.size
        if place + length > pieces.size:
            return Problem("glb-damaged", f"its chunk {show(kind.decode('latin-1'))} is cut off")
        chunks.append((kind, place, length))
        place += length
    read = _content(pieces, chunks)
    if isinstance(read, Gltf) and end < pieces.size:
        read.odd = f"its header says {end:,} bytes, but it has {pieces.size:,}; readers stop there"
    return read


def read_gltf(data: bytes) -> Gltf | Problem:
    """What a glTF text file holds, or why that cannot be known."""
    value = _parsed(data, "it")
    return value if isinstance(value, Problem) else Gltf(value, None)


def gltf_problems(file: GltfFile, read: Gltf | Problem) -> Iterator[Problem]:
    """Everything that is wrong with a mesh. `file` answers for what lies beside it."""
    if isinstance(read, Problem):
        yield read
    else:
        yield from read.problems(file)


def _header_problem(head: bytes, pieces: Pieces) -> str | None:
    if len(head) < _HEADER.size:
        return f"it has {pieces.size} bytes, which is less than a glTF header"
    magic, version, length = _HEADER.unpack(head)
    if magic != b"glTF":
        other = stranger(pieces.at(0, 512))
        return f"it does not begin with glTF but with {show(head.decode('latin-1'))}" + (f": {other}" if other else "")
    if version != 2:
        return f"it says it is glTF version {version}; the pipeline writes 2"
    if length > pieces.size:
        return f"its header says {length:,} bytes, but it has {pieces.size:,}"
    return None


def _content(pieces: Pieces, chunks: list[tuple[bytes, int, int]]) -> Gltf | Problem:
    if not chunks:
        return Problem("glb-damaged", "it holds no chunk")
    kind, place, length = chunks[0]
    if kind != _JSON:
        return Problem("glb-damaged", f"its first chunk is {show(kind.decode('latin-1'))}, not JSON")
    if length > MAX_JSON_BYTES:
        return Problem("not-all-read", f"its JSON chunk of {length:,} bytes is too long to be looked into")
    value = _parsed(pieces.at(place, length).rstrip(b" \0"), "its JSON chunk")
    if isinstance(value, Problem):
        return value
    if len(chunks) > 1 and chunks[1][0] == _BIN:
        _, start, size = chunks[1]
        return Gltf(value, (start, size), pieces)
    return Gltf(value, None, pieces)


def _parsed(data: bytes, name: str) -> dict[str, object] | Problem:
    document = parse_json(data)
    problems = [found for found in document.problems if found.code != "document-duplicate-key"]
    if document.usable and not problems and isinstance(document.value, dict):
        return document.value
    unread = next((found for found in problems if found.code == "document-not-looked-into"), None)
    if unread:
        return Problem("not-all-read", f"{name}: {unread.message}")
    reason = problems[0].message if problems else "it is no object"
    return Problem("glb-damaged", f"{name} (at most {MAX_DEPTH} levels deep) is damaged: {reason}")
