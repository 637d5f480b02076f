"""The copies' order: every listing is walked in it, so it must hold for every name there can be."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.storage_bulk import Entry
from tasks.sync.copy_names import copy_key, in_copy_order, is_boundary, split_key
from tasks.sync.key_ranges import key_ranges_at

SHORT = st.text(alphabet="ab+ !/0z(é\U0001f600", min_size=1, max_size=8)
LONG = st.builds(lambda cut, end: ("x" * 793 + "é\U0001f600+é" * 2)[:cut] + end, st.integers(790, 800), SHORT)
"""Names that are alike up to where a copy's name is cut, or nearly."""
NAMES = SHORT | LONG | st.builds(lambda count, end: "+" * count + end, st.integers(390, 410), SHORT)
GENERATIONS = st.integers(min_value=1, max_value=10**17)


def entry(name: str, generation: int) -> Entry:
    return Entry(name, generation, 1, "", "")


@given(SHORT, GENERATIONS, st.integers(min_value=0, max_value=30))
def test_a_copys_name_gives_back_its_source_and_generation(name: str, generation: int, metageneration: int) -> None:
    assert split_key(copy_key(name, generation, metageneration)) == (name, generation)


@given(st.text(alphabet="ab+é\U0001f600", min_size=1, max_size=20), st.integers(1, 1024), GENERATIONS)
def test_no_copys_name_is_longer_than_a_name_may_be(part: str, size: int, generation: int) -> None:
    name = (part * size).encode()[:size].decode(errors="ignore") or "a"
    folder = "a-prefix/of/some/length/" * 4 + "objects/"
    assert len((folder + copy_key(name, generation, 10**6)).encode()) <= 1024


def test_a_night_from_before_finds_the_copies_it_made() -> None:
    assert copy_key("x" * 1000, 17, 0) == "x" * 1000 + "+17"
    assert copy_key("x" * 1000, 17) != "x" * 1000 + "+17"


@given(st.sets(st.tuples(NAMES, st.integers(1, 9), st.integers(1, 3)), max_size=30))
def test_no_two_sources_have_the_same_copy(sources: set[tuple[str, int, int]]) -> None:
    assert len({copy_key(*source) for source in sources}) == len(sources)


def test_a_long_names_copy_does_not_pretend_to_have_the_whole_name() -> None:
    with pytest.raises(ValueError, match="does not have the whole name"):
        split_key(copy_key("x" * 1024, 17))


@given(st.dictionaries(NAMES, GENERATIONS, max_size=30))
def test_a_listing_by_name_comes_out_in_the_order_of_the_copies_names(objects: dict[str, int]) -> None:
    listing = [entry(name, objects[name]) for name in sorted(objects)]
    keys = [key for key, _ in in_copy_order(listing)]
    assert keys == sorted(copy_key(name, generation) for name, generation in objects.items())


@given(st.dictionaries(NAMES, GENERATIONS, max_size=30), st.lists(NAMES, max_size=6))
def test_every_object_is_in_the_same_range_as_its_copy(objects: dict[str, int], cuts: list[str]) -> None:
    for key_range in key_ranges_at(cuts):
        names = {name for name in objects if key_range.start <= name and (not key_range.end or name < key_range.end)}
        keys = (copy_key(name, generation) for name, generation in objects.items())
        held = {key for key in keys if key_range.start <= key and (not key_range.end or key < key_range.end)}
        assert held == {copy_key(name, objects[name]) for name in names}


@given(st.lists(NAMES, max_size=6), NAMES)
def test_every_name_is_in_exactly_one_range(cuts: list[str], name: str) -> None:
    key_ranges = key_ranges_at(cuts)
    assert sum(key_range.start <= name and (not key_range.end or name < key_range.end) for key_range in key_ranges) == 1


@pytest.mark.parametrize("name", ["", "a b", "a+b", "scenes/a (2)/", "x" * 797])
def test_a_name_on_whose_sides_objects_and_copies_differ_is_no_boundary(name: str) -> None:
    assert not is_boundary(name)


@pytest.mark.parametrize("key", ["scenes/a", "scenes/a+", "scenes/a+x1", "scenes/a+1.x", "scenes/a+1."])
def test_a_name_that_is_no_copys_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="not the name of a copy"):
        split_key(key)


@pytest.mark.parametrize(
    ("metageneration", "key"), [(0, "a++b+17"), (1, "a++b+17"), (2, "a++b+17.2"), (10, "a++b+17.10")]
)
def test_only_a_later_state_of_the_metadata_is_part_of_the_name(metageneration: int, key: str) -> None:
    """Nights made by older versions have the names without it."""
    assert copy_key("a+b", 17, metageneration) == key


@pytest.mark.parametrize("name", ["s{:03d}/", "{:03d}" + "x" * 900])
def test_no_more_is_held_back_than_has_names_alike(name: str) -> None:
    drawn: list[str] = []

    def listing() -> Iterator[Entry]:
        for number in range(50):
            drawn.append(name.format(number))
            yield entry(drawn[-1], 1)

    for number, _ in enumerate(in_copy_order(listing())):
        assert len(drawn) <= number + 3
