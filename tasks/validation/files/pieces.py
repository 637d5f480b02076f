"""One object read in pieces, so that what is looked at of a large file costs little memory and few requests."""

from __future__ import annotations

import io
from collections.abc import Callable

BLOCK_BYTES = 64 * 1024
"""What is read at a time; neighbouring reads are answered from it."""
MAX_BLOCK_BYTES = 4 * 1024 * 1024
"""What is read at a time at most, once reads follow each other."""


class Pieces:
    """Bytes at places of one object."""

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        """`read(start, end)` gives the bytes [start, end); it may raise `Vanished`, which is passed on."""
        self._read, self.size = read, size
        self._start, self._block, self._ahead = 0, b"", BLOCK_BYTES

    @classmethod
    def of(cls, data: bytes) -> Pieces:
        """The pieces of bytes that are in memory."""
        return cls(lambda start, end: data[start:end], len(data))

    def at(self, start: int, length: int) -> bytes:
        """`length` bytes from `start`, fewer where the object ends."""
        end = min(start + length, self.size)
        if start < 0 or end <= start:
            return b""
        if start < self._start or end > self._start + len(self._block):
            follows = self._block and self._start <= start <= self._start + len(self._block)
            self._ahead = min(self._ahead * 2, MAX_BLOCK_BYTES) if follows else BLOCK_BYTES
            self._block = self._read(start, max(end, min(start + self._ahead, self.size)))
            self._start = start
        offset = start - self._start
        return self._block[offset : offset + end - start]


class Stream(io.RawIOBase):
    """The same as a file, for libraries that want one."""

    def __init__(self, pieces: Pieces) -> None:
        """Begins at the first byte."""
        self._pieces, self._place = pieces, 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place. Raises OSError for one before the first byte, as files do."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._pieces.size}[whence]
        if base + offset < 0:
            raise OSError(f"there is no byte {base + offset}")
        self._place = base + offset
        return self._place

    def tell(self) -> int:
        """The place."""
        return self._place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill the buffer as far as there is something left."""
        data = self._pieces.at(self._place, len(buffer))
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)
