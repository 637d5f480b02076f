"""What last worked is found by what ran, never guessed, and how sure it is follows from counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tasks.pipeline.image_names import shown
from tasks.remediation.outcome import Refused
from tasks.rollback.evidence import Ran, Version, last_good, sure_words, sureness, with_record
from tasks.rollback.facts import chosen, no_evidence
from tasks.rollback.images import former_versions, normalised, outside, repository_of, version_id, version_of
from tasks.rollback.request import RollbackRequest, request_of, subject_of

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def version(name: str, good: int = 0, bad: int = 0, why_not: str = "") -> Version:
    """One of which so many executions succeeded, and then so many failed."""
    ran = [Ran(name, number < good, NOON + timedelta(minutes=number)) for number in range(good + bad)]
    return replace(with_record(Version(name, name), ran, {}), why_not=why_not)


def asked(to: str = "", kind: str = "workflow", name: str = "x", **more: object) -> RollbackRequest:
    return RollbackRequest(kind=kind, name=name, to=to, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("good", "present_good", "present_bad", "sure"),
    [
        (3, 0, 1, "certain"),
        (9, 0, 5, "certain"),
        (2, 0, 5, "likely"),
        (3, 1, 5, "likely"),
        (3, 0, 0, "likely"),
        (1, 0, 0, "likely"),
        (0, 0, 9, "unknown"),
    ],
)
def test_certain_takes_three_successes_and_a_present_one_that_has_only_failed(
    good: int, present_good: int, present_bad: int, sure: str
) -> None:
    target, present = version("former", good), version("present", present_good, present_bad)
    assert sureness(target, present) == sure
    words = sure_words(target, present)
    assert words.lower().startswith(sure)
    assert "former" in words


def test_the_words_say_how_often_and_when_it_last_succeeded() -> None:
    words = sure_words(version("former", 3), version("present", 0, 2))
    assert words == (
        "Certain: former succeeded 3 times, last at 2026-11-27 12:02 UTC, and the present one has only failed (2 of 2)."
    )
    assert "succeeded once" in sure_words(version("former", 1), version("present", 1, 2))


def test_the_newest_that_succeeded_is_found_and_one_without_a_success_never() -> None:
    present = version("present", 0, 1)
    former = [version("newer", 0, 3), version("new", 1, 4), version("old", 9)]
    assert last_good(present, former) == former[1]
    assert last_good(present, former[:1]) is None
    assert last_good(present, []) is None


def test_one_that_cannot_be_a_target_is_passed_over() -> None:
    former = [version("a-tag", 9, why_not="it is a tag"), version("old", 1)]
    assert last_good(version("present", 0, 1), former) == former[1]


def test_what_works_is_not_left_although_something_older_worked_too() -> None:
    present = with_record(Version("p", "p"), [Ran("p", False, NOON), Ran("p", True, NOON + timedelta(hours=1))], {})
    assert present.works
    assert last_good(present, [version("old", 9)]) is present
    assert not version("p", 5, 1).works, "it has failed since"
    assert not version("p").works, "nothing is known of it"


def test_what_ran_counts_for_the_version_of_the_same_code() -> None:
    ran = [Ran("r1", True, NOON), Ran("r3", True, NOON), Ran("r2", False, NOON), Ran("other", True, NOON)]
    found = with_record(Version("r3", "r3"), ran, {"r1": "r3", "r3": "r3", "r2": "r2"})
    assert (found.succeeded, found.failed) == (2, 0)


# What a person names


def test_a_named_version_is_taken_although_nothing_succeeded_with_it() -> None:
    versions = (version("r3", 5), version("r2"), version("r1", 3))
    assert chosen(asked("r2"), versions) == versions[1]
    assert chosen(asked("r3"), versions) == versions[0]


@pytest.mark.parametrize("to", ["r9", "r", "", "R1"])
def test_a_name_that_fits_nothing_is_refused_with_what_there_is(to: str) -> None:
    versions = (version("r3", 0, 1), version("r1"))
    if not to:
        assert chosen(asked(to), versions) is None
        return
    with pytest.raises(Refused, match=f"'{to}' is no version of workflow x; it has r3, r1"):
        chosen(asked(to), versions)


def test_the_beginning_of_a_digest_is_enough_where_it_fits_one() -> None:
    versions = (version("sha256:aaaa1111"), version("sha256:aaaa2222"), version("sha256:bbbb0000"))
    assert chosen(asked("sha256:bbbb0"), versions) == versions[2]
    with pytest.raises(Refused, match="fits several versions"):
        chosen(asked("sha256:aaaa1"), (version("sha256:aaaa1111"), version("sha256:aaaa1222")))


def test_a_named_version_that_cannot_be_a_target_says_why() -> None:
    with pytest.raises(Refused, match="it is a tag"):
        chosen(asked("old"), (version("now"), version("old", 3, why_not="it is a tag")))


def test_without_evidence_the_sentence_says_what_there_is_and_what_to_do() -> None:
    said = no_evidence(asked(), (version("r1", 0, 1), version("tag", why_not="no")), 7)
    assert "7 runs of it were looked at" in said
    assert "Former versions: r1." in said
    assert "--to" in said
    assert "remediate restore workflow x" in said
    assert "there is no run to go by" in no_evidence(asked(), (), 0)
    assert "remediate restore" not in no_evidence(asked(kind="gke-job"), (), 0), "no night records Jobs of the cluster"
    assert "Former versions: nothing" in no_evidence(asked(), (), 0)


# Images


def test_an_image_is_known_by_its_digest_and_a_tag_is_no_target() -> None:
    assert version_id([f"host/p/x@{A}"]) == A
    assert version_id([f"host/p/x@{A}", f"host/p/y@{B}"]) == f"{A}+{B}"
    assert version_of((f"host/p/x@{A}",), 1).why_not == ""
    why = version_of(("host:5000/p/x:latest",), 1).why_not
    assert "host:5000/p/x:latest is a tag" in why
    assert "Name a digest" in why
    assert "had 2 containers" in version_of((f"x@{A}", f"y@{B}"), 1).why_not


def test_former_versions_are_newest_first_and_without_the_present_one() -> None:
    seen = [(f"x@{B}",), (f"x@{A}",), (f"x@{B}",), ("x:old",), (f"x@{A}",)]
    present = version_of((f"x@{B}",), 1)
    found = former_versions([Ran(A, True, NOON)], seen, present, 1)
    assert [one.id for one in found] == [A, "x:old"]
    assert [one.succeeded for one in found] == [1, 0]


@pytest.mark.parametrize(
    ("to", "is_"),
    [
        (A, A),
        ("a" * 64, A),
        (f"host/p/x@{A}", A),
        (f" {A} ", A),
        ("a" * 12, "sha256:" + "a" * 12),
        ("a" * 11, "a" * 11),
        ("latest", "latest"),
        ("", ""),
    ],
)
def test_a_digest_may_be_named_in_any_of_its_usual_forms(to: str, is_: str) -> None:
    assert normalised(to) == is_


def test_a_whole_digest_of_which_nothing_ran_is_taken_in_the_live_repository() -> None:
    assert outside(A, ("host:5000/p/x:latest",)) == (f"host:5000/p/x@{A}",)
    assert outside(f"other/y@{A}", ("host/p/x:latest",)) == (f"other/y@{A}",)
    assert outside("a" * 20, ("host/p/x",)) is None
    assert outside(A, ("host/p/x", "host/p/y")) is None
    assert (repository_of("h:1/a/b:t@x"), repository_of("b:t"), repository_of("b")) == ("h:1/a/b", "b", "b")
    assert shown(f"host/p/x@{A}") == "x@sha256:" + "a" * 12
    assert shown("host/p/x:t") == "x:t"


# What cannot be asked


def test_two_things_of_the_same_name_have_subjects_of_their_own_and_none_is_a_scenes() -> None:
    subjects = {subject_of(asked(kind=kind)) for kind in ("job", "workflow", "deployment", "gke-job", "terraform")}
    assert len(subjects) == 5
    assert all(one.startswith("@rollback.") and "/" not in one for one in subjects)


@pytest.mark.parametrize(
    "name", ["", "a/b", "../x", "a b", "x/", "projects/p/locations/l/jobs/j", "-x", "x-", "a" * 129, "x\n", "ä"]
)
def test_a_name_that_is_none_is_refused_before_anybody_is_asked(name: str) -> None:
    with pytest.raises(Refused, match="give the short one"):
        subject_of(asked(name=name))


@pytest.mark.parametrize("to", ["v1; rm -rf /", "$(id)", "a b", "-x", "`id`", "a\n", "x" * 600, " "])
def test_a_version_that_is_no_word_is_refused_before_it_is_shown_in_a_command(to: str) -> None:
    with pytest.raises(Refused, match="leave it out to have one found"):
        subject_of(asked(to, kind="terraform"))


@pytest.mark.parametrize("to", ["", "000001-a4d", A, f"host:5000/p/x@{A}", "7", "v1.4", "release/2026-11", "v1+b"])
def test_revisions_digests_and_tags_are_words(to: str) -> None:
    assert subject_of(asked(to))


def test_a_kind_that_is_none_and_an_apply_without_a_reason_are_refused() -> None:
    with pytest.raises(Refused, match="one of job, workflow"):
        subject_of(asked(kind="scene"))
    with pytest.raises(Refused, match="Say why"):
        subject_of(asked(mode="apply", reason="  "))


def test_a_request_is_read_back_as_it_was_recorded() -> None:
    one = asked("r1", "job", "y", without_canary=True)
    assert request_of(one.asked(), "why").asked() == one.asked()
    assert not request_of({"kind": "job", "name": "y"}, "why").without_canary
    with pytest.raises(Refused, match="rolls back no 'planet'"):
        request_of({"kind": "planet"}, "why")
