"""The numbers in a glTF mesh's BIN chunk: whether positions are finite, and whether indices name vertices there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasks.validation.documents.json_values import mapping, sequence
from tasks.validation.files.pieces import Pieces

if TYPE_CHECKING:
    from numpy import ndarray

COMPONENT_BYTES: dict[int, int] = {5120: 1, 5121: 1, 5122: 2, 5123: 2, 5125: 4, 5126: 4}
ELEMENTS = {"SCALAR": (1, 1), "VEC2": (1, 2), "VEC3": (1, 3), "VEC4": (1, 4), "MAT2": (2, 2), "MAT3": (3, 3),
            "MAT4": (4, 4)}  # fmt: skip
MAX_DATA_BYTES = 32 * 1024 * 1024
"""Bytes of one mesh's BIN chunk whose numbers are looked at."""
_FLOAT, _INDEX = 5126, {5121: "<u1", 5123: "<u2", 5125: "<u4"}


def element_bytes(kind: str, component: int) -> int:
    """Bytes of one element; the columns of a matrix begin at multiples of 4."""
    columns, rows = ELEMENTS[kind]
    column = rows * COMPONENT_BYTES[component]
    return columns * (column if columns == 1 else -(-column // 4) * 4)


class Data:
    """Reads accessors of buffer 0 within `MAX_DATA_BYTES`; what is beyond is not looked at."""

    def __init__(self, value: dict[str, object], binary: tuple[int, int] | None, pieces: Pieces) -> None:
        """`binary`: start and length of the BIN chunk."""
        self._value, self._binary, self._pieces = value, binary, pieces
        self._room = MAX_DATA_BYTES
        self._highest: dict[int, int | None] = {}

    def not_finite(self, index: int) -> bool:
        """Whether an accessor of floats holds NaN or infinity."""
        import numpy as np  # not at the top: most commands never need it

        accessor = self._accessor(index)
        if accessor.get("componentType") != _FLOAT:
            return False
        found = self._numbers(accessor, "<f4")
        return found is not None and not bool(np.isfinite(found).all())

    def beyond(self, indices: int, positions: int) -> int | None:
        """The highest vertex that an accessor of indices names, if the positions have no such vertex."""
        count = self._accessor(positions).get("count")
        if indices not in self._highest:
            kind = _INDEX.get(self._accessor(indices).get("componentType") or 0)
            found = self._numbers(self._accessor(indices), kind) if kind else None
            self._highest[indices] = None if found is None or not found.size else int(found.max())
        highest = self._highest[indices]
        return highest if highest is not None and isinstance(count, int) and highest >= count else None

    def _accessor(self, index: int) -> dict[str, Any]:
        accessors = sequence(self._value.get("accessors"))
        return mapping(accessors[index]) if index < len(accessors) else {}

    def _numbers(self, accessor: dict[str, Any], kind: str) -> ndarray[Any, Any] | None:
        """The accessor's numbers, one row an element. None when they are not plainly there, or over the bound."""
        import numpy as np

        view, count, shape = self._view(accessor), accessor.get("count"), accessor.get("type")
        if self._binary is None or not view or not isinstance(count, int) or count < 1 or shape not in ELEMENTS:
            return None
        width, size = ELEMENTS[shape][0] * ELEMENTS[shape][1], np.dtype(kind).itemsize
        stride = view.get("byteStride") or width * size
        starts = [part.get("byteOffset", 0) for part in (view, accessor)]
        if not all(isinstance(number, int) for number in (stride, *starts)) or stride < width * size:
            return None
        length = stride * (count - 1) + width * size
        self._room -= length
        if self._room < 0 or sum(starts) + length > self._binary[1]:
            return None
        data = self._pieces.at(self._binary[0] + sum(starts), length)
        return np.ndarray((count, width), kind, data, strides=(stride, size)) if len(data) == length else None

    def _view(self, accessor: dict[str, Any]) -> dict[str, Any]:
        """The view of the BIN chunk that holds an accessor's elements as they are; empty when it is another's."""
        views, number = sequence(self._value.get("bufferViews")), accessor.get("bufferView")
        if not isinstance(number, int) or not 0 <= number < len(views) or "sparse" in accessor:
            return {}
        view = mapping(views[number])
        return view if view.get("buffer") == 0 and not view.get("extensions") else {}
