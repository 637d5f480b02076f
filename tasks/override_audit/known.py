"""What earlier audits have found: since when each finding is known, by when it was to be settled, and who has answered for it.

    remediation/override-findings/<month>/000001.json     chained; the first entry of a month carries what is still open

An audit of its own knows only what is there now. By this record a date stays the date it was, a finding whose evidence is
too old to be looked at is not forgotten, and people are asked once and not every morning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, JsonValue

from tasks.override_audit.finding import Finding
from tasks.remediation.case import Case
from tasks.remediation.context import Context
from tasks.remediation.ledger import Entry, LedgerDamaged, LedgerTaken
from tasks.remediation.months import month, months
from tasks.remediation.outcome import Refused

ROOT = "remediation/override-findings/"
PIECE = 500
"""Findings in one entry."""
What = Literal["asked", "overdue"]
"""Why somebody was told of a finding: it is new, or its time is over."""


class Found(BaseModel):
    """One finding as it was first seen; fields of another version are left out."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    code: str
    scene: str = ""
    gate: str = ""
    where: str
    sentence: str
    override: str = ""
    people: tuple[str, ...] = ()
    """Who asked for that override and who approved it: neither can answer for it."""
    at: AwareDatetime | None = None
    """When what it is about happened; None: it is so as long as nobody changes it."""
    since: AwareDatetime
    due: AwareDatetime


class Answer(BaseModel):
    """Somebody has said why it may stay as it is."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    by: str
    reason: str
    at: AwareDatetime


@dataclass(slots=True)
class Known:
    """The record as it was read, and the means to add to it."""

    context: Context
    chain: Case | None = None
    """The newest month; None: nothing was ever recorded."""
    found: dict[str, Found] = field(default_factory=dict)
    """Every finding that is not over, by its id."""
    answers: dict[str, Answer] = field(default_factory=dict)
    told: set[tuple[str, str]] = field(default_factory=set)
    """(`asked` or `overdue`, id) of what somebody was told."""
    pinned: set[str] = field(default_factory=set)
    """Ids whose evidence is kept (`tasks.override_audit.pin`)."""

    def open(self, now: datetime | None = None) -> list[Found]:
        """What nobody has answered for, the most urgent first; with `now` only what is overdue."""
        waiting = (one for one in self.found.values() if one.id not in self.answers and (now is None or one.due < now))
        return sorted(waiting, key=lambda one: (one.due, one.code, one.id))

    def see(self, new: Iterable[Found], now: datetime) -> None:
        """Record findings that are new. Raises `LedgerDamaged`, `LedgerTaken`, the block's errors."""
        rows = [one.model_dump(mode="json") for one in new]
        for start in range(0, len(rows), PIECE):
            self._add("seen", {"found": rows[start : start + PIECE]}, now)

    def end(self, ids: Iterable[str], now: datetime) -> None:
        """Record that findings are over: they were looked for and are not there any more."""
        if over := sorted(ids):
            self._add("over", {"ids": over}, now)

    def tell(self, what: What, ids: Iterable[str], now: datetime) -> None:
        """Record that somebody was told of these."""
        self._add("told", {"what": what, "ids": sorted(ids)}, now)

    def pin(self, id_: str, manifest: str, sha256: str, now: datetime) -> None:
        """Record that the evidence of one is kept."""
        self._add("pinned", {"id": id_, "manifest": manifest, "sha256": sha256}, now)

    def answer(self, said: Answer, now: datetime) -> None:
        """Record what somebody has answered."""
        self._add("answered", said.model_dump(mode="json"), now)

    def _add(self, kind: str, data: dict[str, Any], now: datetime) -> None:
        name = f"{now.astimezone(UTC):%Y-%m}"
        if self.chain is None or name not in self.chain.prefix:
            self._begin(month(self.context, ROOT, name))
        assert self.chain is not None
        before = len(self.chain.entries)
        self.chain.record(kind, data)
        self._take(self.chain.entries[before:])

    def _begin(self, chain: Case) -> None:
        """Begin a month with what is open; somebody else may have begun it, with the same."""
        chain.refresh()
        if not chain.entries:
            try:
                chain.append("carried", self._carried())
            except LedgerTaken:
                chain.refresh()
        self._take(chain.entries)
        self.chain = chain

    def _carried(self) -> dict[str, JsonValue]:
        return {
            "found": [one.model_dump(mode="json") for one in self.found.values()],
            "answers": [one.model_dump(mode="json") for one in self.answers.values()],
            "told": [list(one) for one in sorted(self.told)],
            "pinned": list[JsonValue](sorted(self.pinned)),
        }

    def _take(self, entries: Iterable[Entry]) -> None:
        """What entries say; kinds and fields of another version are passed over."""
        for one in entries:
            data = one.data
            for row in _rows(data, "found"):
                found = Found.model_validate(row)
                self.found.setdefault(found.id, found)
            for row in [*_rows(data, "answers"), *([data] if one.kind == "answered" else [])]:
                said = Answer.model_validate(row)
                self.answers.setdefault(said.id, said)
            match one.kind:
                case "carried":
                    self.told |= {(str(what), str(id_)) for what, id_ in map(_pair, _rows(data, "told"))}
                    self.pinned |= set(map(str, _rows(data, "pinned")))
                case "over":
                    self._forget(map(str, _rows(data, "ids")))
                case "told":
                    self.told |= {(str(data.get("what")), str(id_)) for id_ in _rows(data, "ids")}
                case "pinned":
                    self.pinned.add(str(data.get("id")))

    def _forget(self, ids: Iterable[str]) -> None:
        for id_ in ids:
            self.found.pop(id_, None)
            self.answers.pop(id_, None)
            self.told -= {("asked", id_), ("overdue", id_)}


def read_known(context: Context) -> Known:
    """What is recorded. Raises `LedgerDamaged` when the chain is broken, the block's errors when it cannot be read."""
    names, known = months(context, ROOT), Known(context)
    if not names:
        return known
    chain = month(context, ROOT, names[-1])
    chain.refresh()
    try:
        known._take(chain.entries)
    except (ValueError, TypeError, IndexError) as error:
        raise LedgerDamaged(f"An entry of gs://{chain.bucket}/{chain.prefix} says what none says: {error}") from error
    known.chain = chain
    return known


def begun_beside(context: Context) -> Known:
    """An empty record beside a damaged one, which is left for a person to look at."""
    return Known(context, month(context, ROOT, f"{months(context, ROOT)[-1]}b"))


def found_of(one: Finding, now: datetime, people: tuple[str, ...]) -> Found:
    """A finding that is seen for the first time."""
    said = {"code": one.code, "scene": one.scene, "gate": one.gate, "where": one.where, "sentence": one.sentence}
    return Found(id=one.id, **said, override=one.override, people=people, at=one.at, since=now, due=one.due)


def answer(context: Context, id_: str, by: str, reason: str, now: datetime | None = None) -> Found:
    """Record that somebody answers for a finding, and return it.

    Raises `Refused`: nothing of that id is open, no name, a reason that is too short to be judged, somebody who asked for
    the override or approved it; `LedgerDamaged`, `LedgerTaken`, the block's errors.
    """
    at, name, why = now or datetime.now(UTC), by.strip(), reason.strip()
    known = read_known(context)
    least = context.environment.catalogue.gates.rules.justification_least
    if (one := known.found.get(id_)) is None:
        raise Refused(
            f"No finding {id_!r} is on record: take its id from the page of the last run of the deployment override-audit."
        )
    if not name:
        raise Refused("Say who answers: give --by.")
    if name.casefold() in {each.casefold() for each in one.people}:
        raise Refused(f"{name} asked for {one.override} or approved it, and cannot answer for it; ask somebody else.")
    if len(why) < least:
        raise Refused(f"The reason has {len(why)} characters and needs {least}: say why it may stay as it is.")
    if id_ in known.answers:
        raise Refused(f"{known.answers[id_].by} has answered for {id_} already; nothing was changed.")
    known.answer(Answer(id=id_, by=name, reason=why, at=at), at)
    return one


def _rows(data: Mapping[str, JsonValue], name: str) -> list[JsonValue]:
    found = data.get(name)
    return found if isinstance(found, list) else []


def _pair(value: JsonValue) -> tuple[JsonValue, JsonValue]:
    first, second = value if isinstance(value, list) else [None, None]
    return first, second
