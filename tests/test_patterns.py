"""`*` within a path segment, `**` across segments, `**/` also nothing at all; everything else is literal."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.patterns import matches, matches_any, overlap, widen

ALPHABET = "a/."
PATHS = ["".join(letters) for size in range(7) for letters in product(ALPHABET, repeat=size)]
PATTERNS = st.lists(st.sampled_from(["a", "/", ".", "*", "**", "**/"]), max_size=3).map("".join)


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("usd/*", "usd/scene.usda", True),
        ("usd/*", "usd/layers/scene.usda", False),
        ("usd/**", "usd/layers/scene.usda", True),
        ("usd/**", "usd", False),
        ("**/.failed", ".failed", True),
        ("**/.failed", "a/b/.failed", True),
        ("**/.failed", "a/b.failed", False),
        ("job/.failed*", "job/.failed.summary", True),
        ("assets/obj_*/simready.usda", "assets/obj_mug/simready.usda", True),
        ("assets/obj_*/simready.usda", "assets/obj_mug/old/simready.usda", False),
        ("a.b", "axb", False),
        ("a?", "ab", False),
        ("[ab]", "a", False),
        ("usd/*", "usd/line\nbreak", True),
        ("geniesim_{job_id}/x", "geniesim_1/x", False),
    ],
)
def test_a_pattern_fits_whole_paths(pattern: str, path: str, fits: bool) -> None:
    assert matches(pattern, path) is fits


def test_a_placeholder_stands_for_any_name_only_when_widened() -> None:
    assert matches(widen("episodes/geniesim_{job_id}/x"), "episodes/geniesim_local-1/x")


@given(PATTERNS, PATTERNS)
def test_two_patterns_overlap_exactly_when_a_path_fits_both(first: str, second: str) -> None:
    # The shortest common path has at most one character for each of the six tokens, so the list holds it.
    assert overlap(first, second) is any(matches(first, path) and matches(second, path) for path in PATHS)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("assets/obj_*/**", "assets/scene_assets.json", False),
        ("assets/**", "assets/scene_assets.json", True),
        ("**", "regen3d/**", True),
        ("*", "regen3d/**", False),
        ("**/mesh.glb", "regen3d/**", True),
        ("usd/**", "**/.usd_complete", True),
        ("usd/*", "seg/*", False),
        ("a*c", "ab*", True),
        ("a*c", "ab*d", False),
        ("*/b", "a/*", True),
        ("**/a", "a", True),
    ],
)
def test_overlap_is_found_without_a_path_at_hand(first: str, second: str, expected: bool) -> None:
    assert overlap(first, second) is overlap(second, first) is expected


def test_a_pattern_of_many_wildcards_is_compared_in_no_time() -> None:
    assert overlap("*a" * 40, "a*" * 40)
    assert not overlap("*a" * 40, "b*" * 40 + "c")


def test_one_of_many_patterns_fits_exactly_when_one_of_them_does() -> None:
    patterns = ("a/*.json", "**/.failed", "b/**")
    for path in ("a/x.json", "a/b/x.json", ".failed", "c/.failed", "b/c/d", "bb", ""):
        assert matches_any(patterns, path) == any(matches(pattern, path) for pattern in patterns)
    assert not matches_any((), "a")
