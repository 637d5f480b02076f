"""Images as versions: known by their digests, because a tag can stand for another image tomorrow."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tasks.pipeline.image_names import shown
from tasks.remediation.report import Section
from tasks.remediation.table import Cell
from tasks.rollback.evidence import Ran, Version, with_record

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def version_id(images: Iterable[str]) -> str:
    """What tells one version from another: the digest of each container, or what it names where that is not known."""
    return "+".join(image.partition("@")[2] or image for image in images)


def version_of(images: tuple[str, ...], containers: int) -> Version:
    """A version of something that has so many containers, before it is known what ran of it."""
    words = ", ".join(map(shown, images))
    return Version(version_id(images), words, why_not=unfit(images, containers))


def unfit(images: tuple[str, ...], containers: int) -> str:
    """Why these images cannot be gone back to; empty: they can."""
    if tags := [image for image in images if "@" not in image]:
        return (
            f"{tags[0]} is a tag, and its digest is known nowhere: it may stand for another image by now, so it is no way "
            "back. Name a digest."
        )
    if len(images) != containers:
        return f"{', '.join(images)}: with it the job had {len(images)} containers, and it has {containers} now: put it back by hand."
    return ""


def former_versions(
    ran: list[Ran], images: Iterable[tuple[str, ...]], present: Version, containers: int
) -> tuple[Version, ...]:
    """Every version of `images` (newest first) but the present one, with what ran of it."""
    distinct: dict[str, tuple[str, ...]] = {}
    for one in images:
        distinct.setdefault(version_id(one), one)
    return tuple(
        with_record(version_of(one, containers), ran, {}) for id_, one in distinct.items() if id_ != present.id
    )


def normalised(to: str) -> str:
    """What a person names: a digest, the image with it, or the digest without its algorithm."""
    text = to.strip().rpartition("@")[2]
    return f"sha256:{text}" if re.fullmatch(r"[0-9a-f]{12,64}", text) else text


def outside(to: str, live: tuple[str, ...]) -> tuple[str, ...] | None:
    """The image of a whole digest that a person names and of which nothing ran here, beside the live one."""
    if len(live) != 1 or not DIGEST.fullmatch(normalised(to)):
        return None
    repository = to.strip().rpartition("@")[0] or repository_of(live[0])
    return (f"{repository}@{normalised(to)}",)


def repository_of(image: str) -> str:
    """The image without tag and digest; a colon before the last slash belongs to the host's port."""
    path, slash, last = image.partition("@")[0].rpartition("/")
    return f"{path}{slash}{last.partition(':')[0]}"


def images_section(names: Iterable[str], live: Iterable[str], target: Iterable[str], same: str) -> Section:
    """From which image to which; `same` says what stays as it is."""
    rows: tuple[dict[str, Cell], ...] = tuple(
        {"container": name or "(the only one)", "now": now, "then": then}
        for name, now, then in zip(names, live, target, strict=True)
    )
    return Section("What is changed", same, rows)
