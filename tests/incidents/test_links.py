"""The link in a page: who has it may acknowledge that incident for a while, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from blocks.on_call import OnCall
from blocks.signing import BadLink
from tasks.incidents.links import PATH, link_for, make_token, read_token

SECRET, OTHER = b"s" * 32, b"t" * 32
INCIDENT = "inc-20260601t120000z-9f3ac1d2"
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
TOKEN = make_token(SECRET, INCIDENT, "primary", NOW + timedelta(hours=1))


def test_it_says_which_incident_to_whom_it_was_sent_and_until_when_it_works() -> None:
    link = read_token(SECRET, TOKEN, NOW)
    assert (link.incident, link.tier, link.expires) == (INCIDENT, "primary", NOW + timedelta(hours=1))


def test_it_works_until_it_expires_and_not_a_second_longer() -> None:
    read_token(SECRET, TOKEN, NOW + timedelta(minutes=59, seconds=59))
    with pytest.raises(BadLink, match="has expired at 2026-06-01 13:00 UTC"):
        read_token(SECRET, TOKEN, NOW + timedelta(hours=1))


def test_one_of_another_installation_is_not_taken() -> None:
    with pytest.raises(BadLink, match="not made here"):
        read_token(OTHER, TOKEN, NOW)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        TOKEN[:-1],
        TOKEN + "0",
        TOKEN.upper(),
        TOKEN.replace("primary", "Primary"),
        TOKEN.replace(".", ""),
        TOKEN + "\n",
        make_token(SECRET, "kitchen", "primary", NOW + timedelta(hours=1)),
        make_token(SECRET, "../journal", "primary", NOW + timedelta(hours=1)),
    ],
)
def test_what_is_none_of_ours_is_not_taken(token: str) -> None:
    with pytest.raises(BadLink):
        read_token(SECRET, token, NOW)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("9f3ac1d2", "9f3ac1d3"),
        ("primary", "vendor"),
        (f"{int((NOW + timedelta(hours=1)).timestamp())}", "99999999999"),
    ],
)
def test_a_link_that_was_changed_in_any_part_is_not_taken(old: str, new: str) -> None:
    assert old in TOKEN
    with pytest.raises(BadLink, match="not made here"):
        read_token(SECRET, TOKEN.replace(old, new), NOW)


@given(st.text(max_size=200))
def test_whatever_is_sent_instead_is_refused_in_a_sentence(token: str) -> None:
    with pytest.raises(BadLink):
        read_token(SECRET, token, NOW)


def test_a_signature_of_the_webhook_with_the_same_secret_does_not_fit() -> None:
    """One secret given to both by mistake opens no door from the one to the other."""
    from deployments.receiver.auth import sign

    said, _, _ = TOKEN.rpartition(".")
    forged = sign(SECRET, "acknowledge", said.encode()).removeprefix("v1=")
    with pytest.raises(BadLink):
        read_token(SECRET, f"{said}.{forged}", NOW)


def test_a_policy_without_a_secret_makes_no_link() -> None:
    assert link_for(OnCall(), INCIDENT, "primary", NOW) == ""
    policy = OnCall(link_url="https://r.example.org/", link_secret=SecretStr(SECRET.decode()), link_hours=2)
    link = link_for(policy, INCIDENT, "primary", NOW)
    assert link.startswith(f"https://r.example.org{PATH}{INCIDENT}.primary.")
    assert read_token(SECRET, link.rpartition("/")[2], NOW).expires == NOW + timedelta(hours=2)
