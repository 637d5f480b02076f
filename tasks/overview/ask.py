"""Everything is asked at the same time, each with the same limit; what does not answer is unknown and hides nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from blocks.clients import FOR_STORAGE, load_libraries
from tasks.overview import broken, held, mended, overdue, pages, proved
from tasks.overview.state import Item, Part, State, Unknown, capital, worst_first
from tasks.pipeline.at_once import at_once
from tasks.remediation.context import Context
from tasks.remediation.lease import LeaseDamaged
from tasks.remediation.ledger import LedgerDamaged
from tasks.remediation.outcome import Refused, Stopped

SECONDS = 8.0
"""How long everything may take together: one screen is there within ten seconds of a cold start."""


class Ask(NamedTuple):
    """One question."""

    about: str
    """As in 'the leases': what is unknown when it is not answered."""
    parts: tuple[str, ...]
    """Which parts then do not know it."""
    ask: Callable[[Context, State], None]


ASKS = (
    Ask("the record of the sweep", ("broken",), broken.ask_sweep),
    Ask("the incidents", ("broken", "overdue"), overdue.ask_incidents),
    Ask("unfinished runs and leases", ("mended",), mended.ask_runs),
    Ask("the kill switch", ("held",), held.ask_switch),
    Ask("holds and pauses", ("held",), held.ask_holds),
    Ask("the pipeline's own pause", ("held",), held.ask_own_pause),
    Ask("approvals", ("overdue",), overdue.ask_approvals),
    Ask("the findings about overrides", ("overdue",), overdue.ask_overrides),
    Ask("schedules and the doctor", ("overdue", "proved"), overdue.ask_schedules),
    Ask("Prefect's slots", ("overdue",), overdue.ask_slots),
    Ask("the event receiver", ("overdue",), overdue.ask_events),
    Ask("the nights", ("proved", "overdue"), proved.ask_nights),
    Ask("the drills", ("proved",), proved.ask_drills),
    Ask("the heartbeat", ("proved",), proved.ask_heartbeat),
    Ask("the pages of the checks", ("proved",), pages.ask_pages),
)


def look_at_all(context: Context, now: datetime | None = None, seconds: float = SECONDS) -> State:
    """Ask everything. Changes nothing, and raises nothing for what can go wrong outside.

    Args:
        context: Environment, and who asks.
        now: The time.
        seconds: How long all of it may take.
    """
    load_libraries(
        FOR_STORAGE
    )  # before the threads; of the others, which take longer than all questions, one asks at most
    seen = [State(now or datetime.now(UTC)) for _ in ASKS]
    ends = at_once([carefully(one, context, state) for one, state in zip(ASKS, seen, strict=True)], seconds)
    whole, silent = State(seen[0].at), defaultdict[tuple[str, str], list[str]](list)
    for one, state, end in zip(ASKS, deepcopy(seen), ends, strict=True):  # a late one may go on writing into its own
        for name in one.parts if end.problem else ():
            silent[name, end.problem].append(one.about)
        add(whole, state)
    for (name, problem), abouts in silent.items():
        whole.parts[name].unknown.append(Unknown(f"{capital(', '.join(abouts))}: {problem}"))
    return arranged(whole)


def carefully(one: Ask, context: Context, state: State) -> Callable[[], None]:
    """The question; a record that a person must look at is unknown, with its sentence."""

    def look() -> None:
        try:
            one.ask(context, state)
        except (LedgerDamaged, LeaseDamaged, Refused, Stopped) as error:
            for name in one.parts:
                state.parts[name].unknown.append(Unknown(f"{capital(one.about)}: {error}"))

    return look


def add(whole: State, state: State) -> None:
    """What one question has found."""
    for name, part in state.parts.items():
        into = whole.parts[name]
        into.items += part.items
        into.unknown += part.unknown
        into.notes += part.notes
    whole.pages += state.pages
    whole.sweep, whole.nights = state.sweep or whole.sweep, state.nights if state.nights is not None else whole.nights


def arranged(state: State) -> State:
    """Worst first; and what is broken is his who is at work on it."""
    owners: dict[str, str] = {
        subject: item.whose for item in state.parts["mended"].items if item.whose for subject in item.subjects
    }
    broken_part: Part = state.parts["broken"]
    broken_part.items = [with_owner(item, owners) for item in broken_part.items]
    for part in state.parts.values():
        part.items = worst_first(part.items)
    return state


def with_owner(item: Item, owners: dict[str, str]) -> Item:
    """The item with those who are at work on its scenes."""
    found = list(dict.fromkeys(owners[subject] for subject in item.subjects if subject in owners))
    return replace(item, whose=", ".join(found)) if found and not item.whose else item
