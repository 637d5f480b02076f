"""Nothing that a narrow column cannot break runs out of it, and nothing that has to be copied is changed."""

from __future__ import annotations

from tasks.remediation.narrow import LETTERS, diff_block, short_digests

DIGEST = "3903be10040f" + "ab" * 26


def test_a_digest_is_cut_as_tools_do() -> None:
    said = f"now: repository/simready-job@sha256:{DIGEST}\nSHA-256: {DIGEST}, `{DIGEST}`"
    assert short_digests(said) == (
        "now: repository/simready-job@sha256:3903be10040f…\nSHA-256: 3903be10040f…, `3903be10040f…`"
    )


def test_a_digest_in_an_address_and_a_number_that_is_none_stay_whole() -> None:
    for said in (f"[page](https://x/{DIGEST})", f"gs://ops/definitions/{DIGEST}.json", DIGEST[:40], DIGEST + "ab"):
        assert short_digests(said) == said


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
