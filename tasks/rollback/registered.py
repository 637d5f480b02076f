"""Whether the images of former versions are still in their registry, asked before anything is changed.

A version whose image is gone is no target. One of which the registry says nothing stays one, and that is told: Cloud Run
itself refuses an image that is not there, and what is not known is not missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError
from tasks.pipeline.image_names import shown
from tasks.remediation.report import listed
from tasks.rollback.evidence import Version

AT_A_TIME = 8
MOST_ASKED = 20
"""Former versions that are asked for, the newest first: as many as the report shows."""
NOT_ASKED = "not asked"


def with_registry(
    environment: PipelineEnvironment, versions: Sequence[Version], images: Mapping[str, tuple[str, ...]]
) -> tuple[Version, ...]:
    """The versions with what the registry says of each one's `images`; those that can be no target are not asked for."""
    asked = [one for one in versions if not one.why_not and one.id in images][:MOST_ASKED]
    if not asked:
        return tuple(versions)
    first, *others = asked
    said = {first.id: said_of(environment, images[first.id])}  # loads the client, before several threads would
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        answers = pool.map(lambda one: said_of(environment, images[one.id]), others)
        said |= {one.id: answer for one, answer in zip(others, answers, strict=True)}
    return tuple(judged(one, *said.get(one.id, (NOT_ASKED, ""))) for one in versions)


def judged(version: Version, words: str, gone: str) -> Version:
    """A version with what was said of it; it keeps the reason that it has for being no target."""
    why = f"{gone} is not in its registry any more, so it cannot be gone back to." if gone else ""
    return replace(version, registry=words, why_not=version.why_not or why)


def said_of(environment: PipelineEnvironment, images: tuple[str, ...]) -> tuple[str, str]:
    """What is known of a version's images in a phrase, and the first that is gone; empty: none is."""
    tags: list[str] = []
    for image in images:
        try:
            found = environment.registry.look(image)
        except (OutsideError, ValueError) as error:
            return f"not known: {error}", ""
        if found is None:
            return "gone", shown(image)
        tags += found.tags
    return f"there, {f'as {listed(tags)}' if tags else 'without a tag'}", ""


def notes_of(target: Version | None, former: Sequence[Version]) -> list[str]:
    """What a person must know of it: a better version that is gone, a target of which nothing is known."""
    gone = next((one for one in former if one.registry == "gone" and one.succeeded), None)
    said = [f"{gone.shown} has worked, but it is not in its registry any more."] if gone is not None else []
    if target is not None and target.registry.startswith(("not known", NOT_ASKED)):
        said.append(f"Whether {target.shown} is still in its registry is {target.registry}")
    return said
