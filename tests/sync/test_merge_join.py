"""The walker: what is on the left, on the right, or on both sides, whatever the streams hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.sync.merge_join import OutOfOrder, merge_join

KEYS = st.sets(st.text(max_size=3), max_size=30)


def stream(keys: set[str]) -> list[tuple[str, str]]:
    return [(key, key) for key in sorted(keys)]


@given(KEYS, KEYS)
def test_every_key_comes_once_with_the_sides_that_have_it(left: set[str], right: set[str]) -> None:
    pairs = list(merge_join(stream(left), stream(right)))
    expected = [(key if key in left else None, key if key in right else None) for key in sorted(left | right)]
    assert pairs == expected


@pytest.mark.parametrize("keys", [["b", "a"], ["a", "a"], ["a", "c", "b", "d"]])
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_stream_that_is_not_sorted_stops_the_walk(keys: list[str], side: str) -> None:
    wrong, fine = [(key, key) for key in keys], [("a", "a")]
    with pytest.raises(OutOfOrder, match="not sorted"):
        list(merge_join(wrong, fine) if side == "left" else merge_join(fine, wrong))
