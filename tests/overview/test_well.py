"""Where all is well nothing is invented, and nothing is changed by looking."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.overview import ask as asking
from tasks.overview.ask import ASKS, look_at_all
from tasks.overview.check import PAGE, Overview, Question, word_of
from tasks.overview.report import sections, text
from tasks.overview.state import TITLES, State
from tasks.remediation.check import check
from tasks.remediation.context import Context
from tests.kernel.world import policies
from tests.overview.world import PREFECT, items, only, seen, unknown, well
from tests.restore.world import quick

OPS = "sandbox-ops"


@pytest.fixture(scope="module")
def fine() -> Iterator[tuple[Sandbox, PipelineEnvironment]]:
    """A world in which all is well; no test here disturbs it for good."""
    with Sandbox(job_seconds=0.02, seed=7) as sandbox:
        environment = quick(sandbox)
        well(sandbox, environment)
        yield sandbox, environment
        environment.close()


def test_nothing_is_invented_and_looking_changes_nothing(fine: tuple[Sandbox, PipelineEnvironment]) -> None:
    sandbox, environment = fine
    sandbox.requests.reset()
    state = seen(environment)
    assert sandbox.requests.mutating() == {"total": 0}
    assert state.acts == []
    for part in ("broken", "mended", "held", "overdue"):
        assert items(state, part) == []
        assert unknown(state, part) == ""
    assert state.parts["broken"].notes[0].startswith("2 scenes looked at by the sweep of ")


def test_it_says_when_it_was_last_proved(fine: tuple[Sandbox, PipelineEnvironment]) -> None:
    state = seen(fine[1])
    told = {item.whose: item.what for item in items(state, "proved")}
    assert set(told) == {"nightly-backup", "restore-drill", "watchdog"}
    assert "verified, nothing found" in told["nightly-backup"]
    assert "restores: " in told["restore-drill"]
    assert all(item.since is not None and not item.acts and not item.next for item in items(state, "proved"))


def test_without_prefect_only_what_prefect_knows_is_unknown_with_the_reason(
    fine: tuple[Sandbox, PipelineEnvironment],
) -> None:
    state = seen(fine[1])
    assert {name for name, part in state.parts.items() if part.unknown} == {"overdue", "proved"}
    (overdue,) = state.parts["overdue"].unknown
    assert all(about.lower() in overdue.what.lower() for about in PREFECT)
    assert "set PREFECT_API_URL" in overdue.what
    assert word_of(state) == "partial"


def test_the_sections_and_the_screen_name_every_part_and_show_the_nights(
    fine: tuple[Sandbox, PipelineEnvironment],
) -> None:
    state = seen(fine[1])
    shown = list(sections(state, fine[1].catalogue))
    assert [one.title.partition(":")[0] for one in shown] == [*TITLES.values(), "Backup nights"]
    assert shown[-1].picture is not None
    assert "1 verified, nothing found" in shown[-1].picture.alt
    assert all(title.upper() in text(state) for title in TITLES.values())
    assert "Nothing is held, paused or stopped." in text(state)


@pytest.mark.parametrize("keep", [False, True])
def test_an_overview_leaves_one_page_and_only_when_told_to(
    fine: tuple[Sandbox, PipelineEnvironment], keep: bool
) -> None:
    sandbox, environment = fine
    sandbox.requests.reset()
    one = check(Overview(), Context(environment, "x"), Question(keep=keep))
    assert one.outcome == "partial"
    assert sandbox.requests.mutating()["total"] == int(keep)
    if keep:
        stored = sandbox.store.get(OPS, PAGE)
        assert stored is not None
        assert stored.content_type == "text/html; charset=utf-8"
        assert b"<svg" in stored.data
        assert f"gs://{OPS}/{PAGE}" in one.facts.page
        again = check(Overview(), Context(environment, "x"), Question(keep=True))
        assert again.facts.page == one.facts.page, "its address stays"


def test_what_does_not_answer_is_unknown_and_hides_nothing_else(fine: tuple[Sandbox, PipelineEnvironment]) -> None:
    sandbox, environment = fine
    rule = FaultRule(service="storage", method="objects.list", kind="status", status=403)
    sandbox.faults.add(rule)
    try:
        state = seen(environment)
    finally:
        sandbox.faults.clear()
    assert "storage.objects.list" in unknown(state, "mended")
    assert items(state, "mended") == []
    assert {item.whose for item in items(state, "proved")} == {"watchdog"}, "one read, no listing"
    assert state.acts == [], "unknown is not broken"


def test_what_takes_too_long_is_unknown(
    fine: tuple[Sandbox, PipelineEnvironment], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = threading.Event()

    def slowly(context: Context, state: State) -> None:
        waits.wait(5)

    slow = ASKS[2]._replace(ask=slowly)
    monkeypatch.setattr(asking, "ASKS", (slow, *ASKS[4:5]))
    state = look_at_all(Context(fine[1], "x"), seconds=0.2)
    waits.set()
    assert "Unfinished runs and leases: It was not done within 0.2 s" in unknown(state, "mended")


def test_a_closed_window_is_told_and_asks_nobody_to_act(fine: tuple[Sandbox, PipelineEnvironment]) -> None:
    _, environment = fine
    before = environment.policy
    closed = {"window_days": "mon", "window_start": "00:00", "window_end": "00:01"}
    policies(environment, **closed)
    try:
        state = seen(environment)
        if not environment.policy.open_at(state.at):
            assert "the change window is mon 00:00-00:01 UTC" in only(state, "held").what
            assert state.acts == []
    finally:
        environment.policy = before
