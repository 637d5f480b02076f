"""A diff is shown whole where no line is broken."""

from __future__ import annotations

from tasks.remediation.narrow import LETTERS, diff_block


def test_a_long_line_of_a_diff_goes_on_under_its_own_sign_and_loses_nothing() -> None:
    long = "+" + "".join(f"{number:04d}" for number in range(50))
    _, *shown, _ = diff_block(f" short\n{long}\n-x").splitlines()
    assert shown[0] == " short"
    assert shown[-1] == "-x"
    assert max(map(len, shown)) == LETTERS
    first, *more = shown[1:-1]
    assert {line[0] for line in more} == {"+"}
    assert first + "".join(line.partition("… ")[2] for line in more) == long


def test_a_line_that_just_fits_is_not_broken() -> None:
    assert diff_block("+" * LETTERS).splitlines()[1:-1] == ["+" * LETTERS]
