"""What our blocks have in common."""

from __future__ import annotations

from abc import ABC
from copy import deepcopy
from typing import Any, Self

from prefect.blocks.core import Block
from prefect.utilities.dispatch import lookup_type


class RemediationBlock(Block, ABC):
    """A Prefect block that is cheap to define and to save.

    Prefect registers a block class under its slug, but makes the whole JSON schema and its checksum to get at that slug:
    0.2 s of processor time in every flow run for our nested blocks, which save and load make anyway when they need it.
    To save one with its secrets it makes the schema again for every field of every block inside: seconds for ours.
    """

    @classmethod
    def __dispatch_key__(cls) -> str:
        """The slug, as `prefect.blocks.core.block_schema_to_key` has it."""
        return cls.get_block_type_slug()

    @classmethod
    def get_block_class_from_key(cls, key: str) -> type[Self]:
        """The class of a slug. Ours is known as soon as it is defined.

        Prefect first loads every collection that is installed, with the clients of Kubernetes and Redis: three seconds of
        processor time in every process that reads an environment, for classes that none of our blocks has in it.
        """
        try:
            return lookup_type(cls, key)
        except KeyError:
            return super().get_block_class_from_key(key)

    @classmethod
    def model_json_schema(cls, *args: Any, **options: Any) -> dict[str, Any]:
        """The schema of Prefect's own method, made once for each class."""
        key = (cls, args, tuple(sorted(options.items())))
        if key not in _SCHEMAS:
            _SCHEMAS[key] = super().model_json_schema(*args, **options)
        return deepcopy(_SCHEMAS[key])


_SCHEMAS: dict[Any, dict[str, Any]] = {}
