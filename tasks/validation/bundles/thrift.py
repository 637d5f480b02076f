"""As much of Thrift's compact protocol as it takes to find one number in a structure (thrift-compact-protocol.md)."""

from __future__ import annotations

_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)
_MAX_DEPTH = 32


class ThriftError(ValueError):
    """The bytes are no structure of that protocol."""


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.place = data, 0

    def byte(self) -> int:
        if self.place >= len(self.data):
            raise ThriftError("it ends early")
        self.place += 1
        return self.data[self.place - 1]

    def varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            part = self.byte()
            value |= (part & 0x7F) << shift
            if part < 0x80:
                return value
        raise ThriftError("a number in it is too long")

    def skip(self, kind: int, depth: int = 0) -> None:
        """Pass over one value."""
        if depth > _MAX_DEPTH:
            raise ThriftError("it is nested too deep")
        if kind == _BYTE:
            self.byte()
        elif kind in (_I16, _I32, _I64):
            self.varint()
        elif kind in (_DOUBLE, _BINARY):
            self._jump(8 if kind == _DOUBLE else self.varint())
        elif kind in (_LIST, _SET):
            self._list(depth)
        elif kind == _MAP:
            self._map(depth)
        elif kind == _STRUCT:
            while field := self.field(0):
                self.skip(field[1], depth + 1)
        elif kind not in (_TRUE, _FALSE):
            raise ThriftError(f"a field in it is of the unknown kind {kind}")

    def field(self, before: int) -> tuple[int, int] | None:
        """(number, kind) of the next field of a structure, None at its end."""
        head = self.byte()
        if not head:
            return None
        if head >> 4:
            return before + (head >> 4), head & 0x0F
        coded = self.varint()
        return (coded >> 1) ^ -(coded & 1), head & 0x0F

    def _jump(self, length: int) -> None:
        if length > len(self.data) - self.place:
            raise ThriftError("it ends early")
        self.place += length

    def _list(self, depth: int) -> None:
        head = self.byte()
        count = head >> 4 if head >> 4 != 15 else self.varint()
        kind = head & 0x0F
        if count > len(self.data) - self.place:
            raise ThriftError("a list in it is longer than the rest")
        for _ in range(count):
            if kind in (_TRUE, _FALSE):
                self.byte()
            else:
                self.skip(kind, depth + 1)

    def _map(self, depth: int) -> None:
        count = self.varint()
        if count > len(self.data) - self.place:
            raise ThriftError("a map in it is longer than the rest")
        kinds = self.byte() if count else 0
        for _ in range(count):
            for kind in (kinds >> 4, kinds & 0x0F):
                self.skip(kind, depth + 1)


def number_in(data: bytes, wanted: int) -> int:
    """The whole number in field `wanted` of the structure. Raises `ThriftError` when there is none."""
    reader, number = _Reader(data), 0
    while field := reader.field(number):
        number, kind = field
        if number == wanted and kind in (_I16, _I32, _I64):
            coded = reader.varint()
            return (coded >> 1) ^ -(coded & 1)
        reader.skip(kind)
    raise ThriftError(f"it lacks its field {wanted}")
