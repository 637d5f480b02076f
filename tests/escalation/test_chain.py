"""Who is told when: a function of the record, the policy and the time, with a fixed clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.on_call import Chains, OnCall, Quiet, Tier
from tasks.escalation.chain import RETRIES, Chain, chain
from tasks.escalation.messages import text_of, title_of
from tests.escalation.world import FIRST, a_record, after, an_update, keys, minutes, played, tried

POLICY = OnCall()
SECOND = "page:2:secondary:1:platform"


def at(minute: float, told: object = None, policy: OnCall = POLICY) -> Chain:
    return chain(told or a_record(), policy, minutes(minute))  # type: ignore[arg-type]


def test_the_handbooks_order_is_primary_at_once_secondary_after_15_and_vendor_after_30_minutes() -> None:
    sent = played(a_record(), POLICY, 120)
    assert sent == {
        "page:1:primary:1:primary": 0,
        "page:1:primary:2:primary": 15,
        "page:1:primary:3:primary": 30,
        "page:2:secondary:1:platform": 15,
        "page:2:secondary:2:platform": 30,
        "page:2:secondary:3:platform": 45,
        "page:3:vendor:1:simulation": 30,
        "page:3:vendor:2:simulation": 45,
        "page:3:vendor:3:simulation": 60,
    }


@pytest.mark.parametrize(
    ("area", "told"),
    [
        ("pipeline", ["primary", "secondary", "vendor"]),
        ("data", ["primary", "secondary", "vendor"]),
        ("platform", ["primary", "secondary"]),
        ("simulation", ["primary", "vendor"]),
    ],
)
def test_each_area_has_its_own_people(area: str, told: list[str]) -> None:
    sent = played(a_record(area=area), POLICY, 120)
    assert list(dict.fromkeys(key.split(":")[2] for key in sorted(sent, key=lambda key: sent[key]))) == told
    assert [tier.after_minutes for tier in POLICY.chains.of(area)] == [0, 15, 30][: len(told)]


def test_before_its_time_nobody_is_told_and_it_is_known_when_to_come_again() -> None:
    told = after(a_record(), tried(FIRST))
    found = at(14.9, told)
    assert (found.due, found.next_at) == ((), minutes(15))
    assert keys(at(15, told)) == ["page:1:primary:2:primary", SECOND]


def test_after_the_last_message_nobody_needs_to_come_again() -> None:
    told = a_record()
    for key in played(told, POLICY, 120):
        told = after(told, tried(key, at=60))
    assert at(61, told) == Chain()


@pytest.mark.parametrize("why", ["bo has it", "it is resolved", "it is closed"])
def test_what_is_acknowledged_resolved_or_closed_pages_nobody(why: str) -> None:
    assert at(40, a_record(stopped=why)) == Chain()


def test_a_sink_of_which_nothing_was_taken_is_asked_again_after_a_minute_and_three_times_at_most() -> None:
    told, minute, again = a_record(), 0.0, []
    while minute < 14:
        for one in at(minute, told).due:
            again.append(one.key)
            told = after(told, tried(one.key, "failed", minute))
        minute += 0.5
    assert again == [FIRST, *(f"{FIRST}:retry{number}" for number in range(1, RETRIES + 1))]
    assert at(14, told).next_at == minutes(15), "and then the next one comes at its time"
    assert at(0.5, after(a_record(), tried(FIRST, "failed", 0))).next_at == minutes(1)


@pytest.mark.parametrize("state", ["unknown", "sending", "sent"])
def test_what_may_have_come_is_not_sent_again_before_the_next_step(state: str) -> None:
    told = after(a_record(), tried(FIRST, state))  # type: ignore[arg-type]
    found = at(14, told)
    assert (found.due, found.next_at) == ((), minutes(15))
    assert "page:1:primary:2:primary" in keys(at(15, told))


def test_a_retry_that_was_taken_ends_the_retries() -> None:
    told = after(a_record(), tried(FIRST, "failed", 0), tried(f"{FIRST}:retry1", "sent", 1))
    assert at(10, told).due == ()


def test_who_comes_late_tells_each_sink_once_and_not_once_for_each_time_that_was_missed() -> None:
    found = at(600)
    assert keys(found) == ["page:1:primary:3:primary", "page:2:secondary:3:platform", "page:3:vendor:3:simulation"]
    assert found.next_at is None


def test_every_sink_of_a_tier_is_told_and_each_has_a_key_of_its_own() -> None:
    both = OnCall(chains=Chains(pipeline=(Tier(label="primary", sinks=("mail", "pager"), repeat=0),)))
    assert keys(at(0, policy=both)) == ["page:1:primary:1:mail", "page:1:primary:1:pager"]
    told = after(a_record(), tried("page:1:primary:1:mail", "failed"), tried("page:1:primary:1:pager"))
    assert keys(at(1, told, both)) == ["page:1:primary:1:mail:retry1"], "the one that was told is left in peace"


def test_what_is_reopened_begins_its_chain_anew() -> None:
    told = replace(a_record(), times_opened=1, opened_at=minutes(100))
    for key in played(a_record(), POLICY, 99):
        told = after(told, tried(key))
    assert keys(at(100, told)) == ["page:again1:1:primary:1:primary"]
    assert at(100, told).next_at == minutes(115)


def test_when_the_area_becomes_another_its_people_are_told_at_their_time() -> None:
    told = a_record(area="platform")
    for key in played(told, POLICY, 20):
        told = after(told, tried(key))
    moved = replace(told, first=told.first.model_copy(update={"area": "simulation"}))
    assert keys(at(20, moved)) == ["page:2:vendor:1:simulation"]


def test_an_area_of_a_newer_version_is_treated_as_the_pipelines() -> None:
    assert keys(at(0, a_record(area="quantum"))) == [FIRST]


# Updates


def test_an_update_goes_to_every_update_sink_once_whoever_has_the_incident() -> None:
    policy = OnCall(updates_to=("chat", "mail"))
    told = a_record(stopped="bo has it", updates=((4, minutes(5), an_update()),))
    assert keys(at(6, told, policy)) == ["update:4:chat", "update:4:mail"]
    told = after(told, tried("update:4:chat"), tried("update:4:mail", "failed", 6))
    assert keys(at(7, told, policy)) == ["update:4:mail:retry1"]
    assert at(6.5, told, policy).next_at == minutes(7)


def test_each_of_several_updates_is_sent() -> None:
    policy = OnCall(updates_to=("chat",))
    told = a_record(stopped="bo has it", updates=((4, minutes(5), an_update()), (9, minutes(6), an_update())))
    assert keys(at(7, told, policy)) == ["update:4:chat", "update:9:chat"]


def test_the_texts_say_what_where_and_what_next() -> None:
    policy = OnCall(updates_to=("chat",))
    update = an_update(next_update_at=minutes(60))
    told = a_record(updates=((4, minutes(5), update),))
    page, secondary, said = (
        next(one for one in at(15, told, policy).due if one.series.to == to)
        for to in ("primary", "secondary", "updates")
    )
    assert title_of(told, page) == f"[sev2] Exports fail ({told.incident})"
    text = text_of(told, page, policy)
    for part in ("severity sev2, area pipeline", "message 2 of 3", "secondary is told from 2026-06-01 12:15 UTC on",
                 f"remediate escalation ack {told.incident}", "led by nobody yet", "Declared 2026-06-01 12:00 UTC"):  # fmt: skip
        assert part in text, part
    assert "vendor is told from 2026-06-01 12:30 UTC on" in text_of(told, secondary, policy)
    for part in ("Impact: no exports", "Mitigation: rerun", "over: an hour", "Next update: 2026-06-01 13:00 UTC"):
        assert part in text_of(told, said, policy), part


def test_the_text_of_a_message_does_not_change_with_the_time_of_looking() -> None:
    """Else no plan that was reviewed could be applied."""
    told = a_record()
    one, two = at(1, told).due[0], at(9, told).due[0]
    assert text_of(told, one, POLICY) == text_of(told, two, POLICY)


# Quiet hours


NIGHT = Quiet(start=time(22), end=time(7), timezone="UTC")
SLEEPY = OnCall(chains=Chains(pipeline=(Tier(label="primary", sinks=("primary",), quiet=NIGHT),)))


@pytest.mark.parametrize("severity", ["sev3", "sev4"])
def test_at_night_what_can_wait_is_told_in_the_morning_once(severity: str) -> None:
    told = a_record(severity=severity, opened_at=minutes(11 * 60))  # 23:00
    assert at(11 * 60, told, SLEEPY) == Chain((), minutes(19 * 60))
    found = at(19 * 60, told, SLEEPY)
    assert keys(found) == ["page:1:primary:3:primary"], "three that were put off are one"


@pytest.mark.parametrize("severity", ["sev1", "sev2"])
def test_what_cannot_wait_wakes_people(severity: str) -> None:
    told = a_record(severity=severity, opened_at=minutes(11 * 60))
    assert keys(at(11 * 60, told, SLEEPY)) == [FIRST]


def test_what_becomes_worse_at_night_wakes_people_then() -> None:
    told = a_record(severity="sev3", opened_at=minutes(11 * 60))
    assert at(11 * 60 + 5, told, SLEEPY).due == ()
    worse = replace(told, first=told.first.model_copy(update={"severity": "sev1"}))
    assert keys(at(11 * 60 + 5, worse, SLEEPY)) == [FIRST]


def test_only_the_messages_of_the_night_are_put_off() -> None:
    told = a_record(severity="sev3", opened_at=minutes(9 * 60 + 50))  # 21:50, then 22:05 and 22:20
    assert played_at(told) == {"page:1:primary:1:primary": 590, "page:1:primary:3:primary": 19 * 60}


def played_at(told: object) -> dict[str, float]:
    return played(told, SLEEPY, 24 * 60, every=5.0)  # type: ignore[arg-type]


# Whatever the policy and whenever somebody looks


tiers = st.lists(
    st.builds(
        Tier,
        label=st.just("x"),
        sinks=st.sampled_from([(), ("a",), ("a", "b")]),
        after_minutes=st.integers(0, 60),
        repeat=st.integers(0, 4),
        every_minutes=st.integers(1, 30),
        quiet=st.none() | st.just(NIGHT),
    ),
    max_size=4,
).map(
    lambda found: tuple(
        one.model_copy(update={"label": f"t{number}"})
        for number, one in enumerate(sorted(found, key=lambda tier: tier.after_minutes))
    )
)


@given(tiers, st.sampled_from(["sev1", "sev3"]), st.integers(1, 40))
def test_whenever_somebody_looks_nothing_is_sent_twice_and_the_last_message_of_every_sink_is_sent(
    found: tuple[Tier, ...], severity: str, every: int
) -> None:
    policy = OnCall(chains=Chains(pipeline=found))
    sent = played(a_record(severity=severity), policy, 24 * 60 + 300, every=float(every))
    for place, tier in enumerate(found, 1):
        for sink in tier.sinks:
            assert f"page:{place}:{tier.label}:{tier.repeat + 1}:{sink}" in sent
    for key, minute in sent.items():
        _, place, _, number, _ = key.split(":")
        assert timedelta(minutes=minute) >= found[int(place) - 1].times()[int(number) - 1], "too early"


@given(tiers, st.integers(0, 200))
def test_who_comes_again_when_told_to_misses_no_time(found: tuple[Tier, ...], minute: int) -> None:
    policy = OnCall(chains=Chains(pipeline=found))
    told = a_record()
    for one in chain(told, policy, minutes(minute)).due:
        told = after(told, tried(one.key, at=minute))
    following = chain(told, policy, minutes(minute)).next_at
    if following is not None:
        assert following > minutes(minute)
        assert chain(told, policy, following).due
        just_before = following - timedelta(microseconds=1)
        assert chain(told, policy, just_before).due == ()
