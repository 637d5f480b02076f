"""Our blocks on the Prefect server: their forms are those of this version."""

from __future__ import annotations

import blocks
from tasks.doctor.examine import Look
from tasks.doctor.finding import Code
from tasks.doctor.prefect_server import ask
from tasks.remediation.report import listed

NOT_REGISTERED = Code(
    "prefect-blocks-not-registered",
    "warning",
    "The forms in the UI lack the fields of this version, so new settings cannot be seen or set there.",
    "Run `python -m prefect block register -m blocks` with this version.",
)
NO_ENVIRONMENT = Code(
    "no-environment-block",
    "error",
    "Every flow begins by loading it: without it none of them can run, and nothing of the pipeline can be looked at.",
    "Save one (docs/real-project.md, 'The environment block'), or name another with --environment.",
)
CODES = (NOT_REGISTERED, NO_ENVIRONMENT)


def look_at_blocks(look: Look) -> None:
    """Whether the server has the schema of each block as this version has it."""
    missing = []
    for name in blocks.__all__:
        block = getattr(blocks, name)
        slug, checksum = block.get_block_type_slug(), block._calculate_schema_checksum()
        wanted = {"block_schemas": {"block_type_id": {"any_": type_ids(slug)}}}
        there = {one["checksum"] for one in ask("POST", "/block_schemas/filter", wanted)} if type_ids(slug) else set()
        if checksum in there:
            look.good += 1
        else:
            missing.append(name)
    if missing:
        look.say(NOT_REGISTERED, "blocks", f"The server does not know this version's form of {listed(missing, 20)}.")


def type_ids(slug: str) -> list[str]:
    """The server's ids of the block type of that slug: one or none."""
    found = ask("POST", "/block_types/filter", {"block_types": {"slug": {"any_": [slug]}}})
    return [one["id"] for one in found]
