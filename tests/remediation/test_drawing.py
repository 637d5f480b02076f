"""What pictures share: each keeps its own words when several stand in one page."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from blocks.service_levels import ServiceLevels
from tasks.gpu_capacity.capacity_picture import capacity_picture
from tasks.remediation.timeline_picture import timeline_svg
from tasks.runtime_report.picture import percentiles_svg

AT = datetime(2026, 2, 1, tzinfo=UTC)
EVENT: Any = SimpleNamespace(at=AT, kind="declared", what="it began")
LOOK: Any = SimpleNamespace(at=AT, there=1, used=1, waiting=0)
PICTURES: dict[str, Callable[[str], str]] = {
    "timeline": lambda title: timeline_svg(title, [EVENT]),
    "percentiles": lambda title: percentiles_svg(title, [], ServiceLevels()),
    "capacity": lambda title: capacity_picture(title, [LOOK]).svg,
}


def ids(svg: str) -> list[str]:
    return re.findall(r'\bid="([^"]+)"', svg)


@pytest.mark.parametrize("kind", PICTURES)
def test_a_picture_is_called_by_its_own_title_and_words(kind: str) -> None:
    svg = PICTURES[kind]("one")
    assert [" ".join(ids(svg))] == re.findall(r'aria-labelledby="([^"]+)"', svg)
    assert svg == PICTURES[kind]("one"), "the same picture is the same file"


def test_pictures_in_one_page_share_no_words() -> None:
    found = [id_ for draw in PICTURES.values() for title in ("one", "two") for id_ in ids(draw(title))]
    assert len(found) == len(set(found)) == 12
