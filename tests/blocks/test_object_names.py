"""However long a name is, what is kept of its object has a name that Cloud Storage takes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from blocks.object_names import LONGEST, fitting

TEXT = st.text(alphabet="a/+é\U0001f600", min_size=1, max_size=1024)
AROUND = st.text(alphabet="a/é", max_size=200)


@given(AROUND, TEXT, AROUND)
def test_it_always_fits_and_is_the_same_for_the_same_name(before: str, name: str, after: str) -> None:
    found = fitting(before, name, after)
    assert len(found.encode()) <= LONGEST
    assert found == fitting(before, name, after)
    assert found.startswith(before)
    assert found.endswith(after)


@given(AROUND, TEXT, AROUND)
def test_a_name_that_fits_is_left_whole(before: str, name: str, after: str) -> None:
    whole = before + name + after
    if len(whole.encode()) <= LONGEST:
        assert fitting(before, name, after) == whole


def test_long_names_that_begin_alike_stay_apart() -> None:
    one, other = (fitting("folder/", "x" * 1020 + end, "#17") for end in ("aaaa", "aaab"))
    assert one != other
