"""Files by their ending: which reader looks at which, each at no more than it takes to know that it is whole."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator

from tasks.validation.bundles.recordings import array_problems, parquet_problems, video_problems
from tasks.validation.documents.documents import Problem
from tasks.validation.documents.quoting import show
from tasks.validation.files.archives import archive_problems
from tasks.validation.files.pictures import picture_problems
from tasks.validation.files.pieces import Pieces
from tasks.validation.files.strangers import HEAD_BYTES, stranger

Reader = Callable[[Pieces, str], Iterator[Problem]]

TEXTS = ("", ".cfg", ".conf", ".csv", ".dae", ".htm", ".html", ".ini", ".log", ".md", ".mdl", ".mtl", ".mjcf", ".rst",
         ".sdf", ".sh", ".svg", ".toml", ".txt", ".xacro", ".xml")  # fmt: skip
"""Endings of text that may well be HTML or XML."""
MAGICS = {
    ".exr": (b"\x76\x2f\x31\x01",),
    ".gif": (b"GIF8",),
    ".h5": (b"\x89HDF\r\n\x1a\n",),
    ".hdf5": (b"\x89HDF\r\n\x1a\n",),
    ".hdr": (b"#?",),
    ".ktx2": (b"\xabKTX 20\xbb",),
    ".mkv": (b"\x1a\x45\xdf\xa3",),
    ".ply": (b"ply",),
    ".tif": (b"II", b"MM"),
    ".tiff": (b"II", b"MM"),
    ".webm": (b"\x1a\x45\xdf\xa3",),
    ".webp": (b"RIFF",),
}
READERS: dict[str, Reader] = {
    **dict.fromkeys((".gz", ".tgz", ".tar", ".zip", ".npz"), archive_problems),
    **dict.fromkeys((".png", ".jpg", ".jpeg"), picture_problems),
    ".parquet": lambda pieces, _: parquet_problems(pieces),
    ".npy": lambda pieces, _: array_problems(pieces),
    **dict.fromkeys((".mp4", ".m4v", ".mov"), lambda pieces, _: video_problems(pieces)),
}


def file_problems(pieces: Pieces, path: str) -> Iterator[Problem]:
    """What is wrong with a file that is no document, no script, no mesh and no USD."""
    ending = posixpath.splitext(path)[1].lower()
    head = pieces.at(0, HEAD_BYTES)
    other = stranger(head, text=ending in TEXTS or ending not in {*MAGICS, *READERS, ".bin"})
    if other:
        yield Problem("file-not-what-it-says", f"it is {other}")
    elif ending in READERS:
        yield from READERS[ending](pieces, path)
    elif ending in MAGICS and not head.startswith(MAGICS[ending]):
        shown = show(head[:16].decode("latin-1"))
        yield Problem("file-not-what-it-says", f"it is no {ending[1:]} file; it begins with {shown}")
