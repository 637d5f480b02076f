"""Our blocks on the Prefect server: their forms are those of this version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import blocks
from tasks.doctor.examine import Look
from tasks.doctor.finding import Code
from tasks.doctor.prefect_server import ask
from tasks.remediation.report import listed

if TYPE_CHECKING:
    from prefect.blocks.core import Block

NOT_REGISTERED = Code(
    "prefect-blocks-not-registered",
    "warning",
    "The forms in the UI lack the fields of this version, so new settings cannot be seen or set there.",
    "Run `remediate install` in the checkout, or `python -m prefect block register -m blocks` with this version.",
)
NO_ENVIRONMENT = Code(
    "no-environment-block",
    "error",
    "Every flow begins by loading it: without it none of them can run, and nothing of the pipeline can be looked at.",
    "Save one (docs/deploy.md, 'The environment block'), or name another with --environment.",
)
CODES = (NOT_REGISTERED, NO_ENVIRONMENT)


def look_at_blocks(look: Look) -> None:
    """Whether the server has the schema of each block as this version has it."""
    judge_blocks([getattr(blocks, name) for name in blocks.__all__], look)


def judge_blocks(ours: Sequence[type[Block]], look: Look) -> None:
    """Each block by the checksum of its schema, which Prefect itself tells schemas apart by."""
    missing = [one.__name__ for one in ours if not is_registered(one)]
    look.good += len(ours) - len(missing)
    if missing:
        look.say(NOT_REGISTERED, "blocks", f"The server does not know this version's form of {listed(missing, 20)}.")


def is_registered(block: type[Block]) -> bool:
    """Whether the server knows the schema of a block as it is here."""
    wanted = {"block_types": {"slug": {"any_": [block.get_block_type_slug()]}}}
    types = [one["id"] for one in ask("POST", "/block_types/filter", wanted)]
    schemas = {"block_schemas": {"block_type_id": {"any_": types}}}
    known = {one["checksum"] for one in ask("POST", "/block_schemas/filter", schemas)} if types else set()
    return block._calculate_schema_checksum() in known
