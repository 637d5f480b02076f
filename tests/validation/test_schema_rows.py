"""Every schema at its bounds: the last value that is right, and the first that is wrong, named with its place.

The rows are data: `schema_rows_scene` (manifest, layout, inventory), `schema_rows_inputs` (what the reconstruction
writes), `schema_rows_delivery` (what the stages after it write).
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.validation import schema_rows_delivery, schema_rows_inputs, schema_rows_scene
from tests.validation.quick import GONE, Keys, breaches

ROOMS = (schema_rows_scene, schema_rows_inputs, schema_rows_delivery)
WRITTEN = [(room.DOCUMENTS[schema], schema) for room in ROOMS for schema in room.DOCUMENTS]
RIGHT = [(room.DOCUMENTS, row) for room in ROOMS for row in room.RIGHT]
WRONG = [(room.DOCUMENTS, row) for room in ROOMS for row in room.WRONG]


def names(given: Any) -> str:
    """A row's name; its document has none."""
    if not isinstance(given, tuple):
        return ""
    value = "gone" if given[2] is GONE else repr(given[2])[:24]
    return f"{given[0]}.{'.'.join(map(str, given[1]))}={value}"


@pytest.mark.parametrize(("document", "schema"), WRITTEN, ids=[schema for _, schema in WRITTEN])
def test_what_the_pipeline_writes_is_right(document: Any, schema: str) -> None:
    key = next(iter(document))
    assert breaches(schema, document, (key,), document[key]) == []


@pytest.mark.parametrize(("documents", "row"), RIGHT, ids=names)
def test_the_last_value_that_is_right(documents: dict[str, Any], row: tuple[str, Keys, object]) -> None:
    schema, keys, value = row
    assert breaches(schema, documents[schema], keys, value) == []


@pytest.mark.parametrize(("documents", "row"), WRONG, ids=names)
def test_the_first_value_that_is_wrong_is_named_with_its_place(
    documents: dict[str, Any], row: tuple[str, Keys, object, str]
) -> None:
    schema, keys, value, code = row
    found = breaches(schema, documents[schema], keys, value)
    assert code in {one for one, _ in found}
    assert any(place[: len(keys)] == keys for one, place in found if one == code)
