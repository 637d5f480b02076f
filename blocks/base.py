"""What our blocks have in common."""

from __future__ import annotations

from abc import ABC

from prefect.blocks.core import Block


class RemediationBlock(Block, ABC):
    """A Prefect block that is cheap to define.

    Prefect registers a block class under its slug, but makes the whole JSON schema and its checksum to get at that slug:
    0.2 s of processor time in every flow run for our nested blocks, which save and load make anyway when they need it.
    """

    @classmethod
    def __dispatch_key__(cls) -> str:
        """The slug, as `prefect.blocks.core.block_schema_to_key` has it."""
        return cls.get_block_type_slug()
