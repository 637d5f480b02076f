"""A start happens once: the lease, then the world, then the announcement, then the start; in doubt it is looked for."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest

from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError, TemporaryError, UnknownOutcome
from tasks.actions.starting import begin, settle, wait_until_ended
from tasks.remediation.context import Context
from tasks.remediation.kind import Doing
from tasks.remediation.lease import LeaseLost
from tasks.remediation.outcome import StillRunning, Stopped
from tests.kernel.fake import Named, launch
from tests.kernel.world import Losing, policies
from tests.remediation.world import doing


@pytest.fixture
def acting(context: Context) -> Doing:
    policies(context.environment, settle_seconds=0.05, poll_seconds=0.01, start_attempts=3)
    return doing(context, launch, Named(name="it"), target="it")


class World:
    """Starts and looks as a test tells it, and remembers the order."""

    def __init__(self, acting: Doing, *answers: str, shows: Callable[[int], bool] = lambda _: False) -> None:
        self.acting, self.answers, self.shows = acting, list(answers), shows
        self.order: list[str] = []

    def start(self) -> str:
        """One start; `lost` is one without an answer."""
        self.order.append("start")
        answer = self.answers.pop(0)
        if answer == "lost":
            raise UnknownOutcome("no answer")
        return answer

    def look(self) -> str | None:
        """What shows up at the how-manieth look."""
        self.order.append("look")
        return "found" if self.shows(self.order.count("look")) else None

    def begin(self) -> str:
        return begin(self.acting, self.start, self.look)

    def notes(self) -> list[str]:
        """What was noted, by its first word."""
        notes = self.acting.journal.notes(self.acting.action.key)
        return [next(key for key in entry.data if key != "action") for entry in notes]


def test_it_is_looked_for_then_announced_then_started(acting: Doing) -> None:
    world = World(acting, "started")
    assert (world.begin(), world.order, world.notes()) == ("started", ["look", "start"], ["starting"])


def test_the_announcement_is_in_the_journal_before_the_start(acting: Doing) -> None:
    world = World(acting, "started")
    begin(acting, lambda: world.order.append(f"{acting.journal.started()} announced"), world.look)
    assert world.order == ["look", "1 announced"]


def test_what_is_there_is_not_started_and_no_start_is_announced(acting: Doing) -> None:
    world = World(acting, shows=lambda _: True)
    assert (world.begin(), world.order, world.notes()) == ("found", ["look"], [])


@pytest.mark.parametrize("late", [2, 3, 4])
def test_one_without_an_answer_is_looked_for_as_long_as_it_may_show_late(acting: Doing, late: int) -> None:
    policies(acting.context.environment, settle_seconds=30)
    world = World(acting, "lost", shows=lambda number: number >= late)
    assert world.begin() == "found"
    assert (world.order.count("start"), world.notes()) == (1, ["starting", "unknown"])


def test_only_one_that_never_shows_is_made_again_after_another_look(acting: Doing) -> None:
    world = World(acting, "lost", "started")
    assert world.begin() == "started"
    assert world.notes() == ["starting", "unknown", "starting"]
    assert world.order[-2:] == ["look", "start"]


def test_after_so_many_attempts_a_person_must_look(acting: Doing) -> None:
    world = World(acting, *["lost"] * 9)
    with pytest.raises(UnknownOutcome, match=f"3 times and nothing with remediation-run={acting.journal.run} appeared"):
        world.begin()
    assert (world.order.count("start"), acting.journal.started()) == (3, 3)


@pytest.mark.parametrize("error", [PermanentError("no"), TemporaryError("later")])
def test_a_start_that_was_refused_is_not_made_again(acting: Doing, error: Exception) -> None:
    def refuse() -> str:
        world.order.append("start")
        raise error

    world = World(acting)
    with pytest.raises(type(error)):
        begin(acting, refuse, world.look)
    assert world.order == ["look", "start"]


def losing(environment: PipelineEnvironment) -> tuple[Losing, Doing]:
    """An action whose lease can be lost."""
    context = Losing(environment, "x")
    return context, doing(context, launch, Named(name="it"), target="it")


def test_without_the_lease_nothing_is_looked_for_or_started(environment: PipelineEnvironment) -> None:
    context, acting = losing(environment)
    with context.holding("a", "r") as lease:
        acting.run.leases = [lease]
        context.lose()
        world = World(acting, "started")
        with pytest.raises(LeaseLost):
            world.begin()
    assert (world.order, world.notes()) == ([], [])


def test_a_lease_that_is_lost_while_it_is_looked_for_stops_the_start(environment: PipelineEnvironment) -> None:
    context, acting = losing(environment)
    with context.holding("a", "r") as lease:
        acting.run.leases = [lease]
        world = World(acting, "started", shows=lambda _: bool(context.lose()))
        with pytest.raises(LeaseLost):
            world.begin()
    assert (world.order, world.notes()) == (["look"], [])


def test_looking_ends_with_the_settling_time_and_looks_once_even_without_any(acting: Doing) -> None:
    for seconds in (0, 0.05):
        policies(acting.context.environment, settle_seconds=seconds)
        world = World(acting)
        assert settle(acting, world.look) is None
        assert len(world.order) >= 1


def test_waiting_ends_with_what_has_ended_and_says_how_long_it_has_been(acting: Doing) -> None:
    said: list[str] = []
    acting.context.say = said.append
    numbers = count()
    assert wait_until_ended(acting, lambda: next(numbers), lambda number: number == 3, 30) == 3
    assert len(said) == 3
    assert all("it: running for 0 s of at most 30 s" in sentence for sentence in said)


@pytest.mark.parametrize(("wait_seconds", "timeout", "limit"), [(None, 0.05, "0 s"), (0.05, 3600, "0 s")])
def test_waiting_has_an_end_the_catalogues_or_the_policys(
    acting: Doing, wait_seconds: float | None, timeout: float, limit: str
) -> None:
    policies(acting.context.environment, wait_seconds=wait_seconds)
    with pytest.raises(StillRunning, match=f"it is still running after {limit}. It was left alone"):
        wait_until_ended(acting, lambda: "running", lambda _: False, timeout)


def test_the_policys_limit_goes_before_a_shorter_one_of_the_catalogue(acting: Doing) -> None:
    policies(acting.context.environment, wait_seconds=30)
    numbers = count()
    assert wait_until_ended(acting, lambda: next(numbers), lambda number: number == 2, 1e-9) == 2


def test_what_has_ended_is_no_failure_however_long_it_took(acting: Doing) -> None:
    assert wait_until_ended(acting, lambda: "ended", lambda _: True, 0) == "ended"


def test_waiting_goes_on_under_the_switch_and_not_without_the_lease(environment: PipelineEnvironment) -> None:
    context, acting = losing(environment)
    policies(environment, kill_switch=["by ann: fire"], poll_seconds=0.01)
    context._asked = float("-inf")
    with pytest.raises(Stopped):
        acting.check()
    numbers = count()
    assert wait_until_ended(acting, lambda: next(numbers), lambda number: number == 2, 30) == 2
    with context.holding("a", "r") as lease:
        acting.run.leases = [lease]
        context.lose()
        with pytest.raises(LeaseLost):
            wait_until_ended(acting, lambda: "running", lambda _: False, 30)
