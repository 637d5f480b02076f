"""What audits of overrides have found: since when each finding is known, by when it was to be settled, and who answered for it.

    remediation/override-findings/<month>/000001.json     chained; the first entry of a month carries what is still open

An audit of its own knows only what is there now. By this record a date stays the date it was, a finding whose evidence is
too old to be looked at is not forgotten, and people are asked once and not every morning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, JsonValue

from tasks.remediation.case import Case
from tasks.remediation.context import Context
from tasks.remediation.ledger import Entry, LedgerDamaged, LedgerTaken
from tasks.remediation.months import month, months

ROOT = "remediation/override-findings/"
PIECE = 500
"""Findings in one entry."""


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
    settled_by: str = ""
    """What must have been looked at so that its not being found means that it is over; empty: only an answer settles it."""
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


class Decided(BaseModel):
    """What somebody has decided about a gate after an audit."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    gate: str
    verdict: str
    """`codify`, `tighten`, `stop` or `keep`."""
    by: str
    reason: str
    at: AwareDatetime


@dataclass(slots=True)
class Known:
    """The record as it was read, and the means to add to it."""

    context: Context
    newest: str = ""
    """The month that is read, as `2026-11`; empty: nothing was ever recorded."""
    chain: Case | None = None
    """Its chain; None: it is to be begun."""
    found: dict[str, Found] = field(default_factory=dict)
    """Every finding that is not over, by its id."""
    answers: dict[str, Answer] = field(default_factory=dict)
    told: set[tuple[str, str]] = field(default_factory=set)
    """(`asked` or `overdue`, id) of what somebody was told."""
    decided: dict[str, Decided] = field(default_factory=dict)
    """By gate, the last that was decided about it."""
    pinned: set[str] = field(default_factory=set)
    """Ids whose evidence is kept (`remediation/override-evidence/`)."""

    damaged: dict[str, str] = field(default_factory=dict)
    """By the prefix of a chain that is damaged, what is wrong with it. What was read before the damage is carried on."""

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

    def tell(self, what: str, ids: Iterable[str], now: datetime) -> None:
        """Record that somebody was told of these, as `asked` (they are new) or `overdue`."""
        self._add("told", {"what": what, "ids": sorted(ids)}, now)

    def pin(self, kept: Mapping[str, tuple[str, str]], now: datetime) -> None:
        """Record that evidence is kept: by the id of what it is about, the manifest's name and SHA-256."""
        rows = [{"id": id_, "manifest": name, "sha256": digest} for id_, (name, digest) in sorted(kept.items())]
        self._add("pinned", {"rows": rows}, now)

    def answer(self, said: Answer, now: datetime) -> None:
        """Record what somebody has answered."""
        self._add("answered", said.model_dump(mode="json"), now)

    def decide(self, said: Decided, now: datetime) -> None:
        """Record what somebody has decided about a gate."""
        self._add("decided", said.model_dump(mode="json"), now)

    def _add(self, kind: str, data: dict[str, Any], now: datetime) -> None:
        name = max(f"{now.astimezone(UTC):%Y-%m}", self.newest)  # a clock may be wrong: nobody reads an older month
        if self.chain is None or f"{ROOT}{name}/" != self.chain.prefix:
            self._begin(month(self.context, ROOT, name))
            self.newest = name
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
            "decided": [one.model_dump(mode="json") for one in self.decided.values()],
            "told": [list(one) for one in sorted(self.told)],
            "pinned": list[JsonValue](sorted(self.pinned)),
            "damaged": [list(one) for one in sorted(self.damaged.items())],
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
            for row in [*_rows(data, "decided"), *([data] if one.kind == "decided" else [])]:
                decided = Decided.model_validate(row)
                self.decided[decided.gate] = decided
            match one.kind:
                case "carried":
                    self.damaged |= {str(where): str(what) for where, what in map(_pair, _rows(data, "damaged"))}
                    self.told |= {(str(what), str(id_)) for what, id_ in map(_pair, _rows(data, "told"))}
                    self.pinned |= set(map(str, _rows(data, "pinned")))
                case "over":
                    self._forget(map(str, _rows(data, "ids")))
                case "told":
                    self.told |= {(str(data.get("what")), str(id_)) for id_ in _rows(data, "ids")}
                case "pinned":
                    self.pinned |= {str(row.get("id")) for row in _rows(data, "rows") if isinstance(row, dict)}

    def _take_what_can_be_read(self, entries: Iterable[Entry]) -> None:
        for one in entries:
            with suppress(ValueError, TypeError):
                self._take([one])

    def _forget(self, ids: Iterable[str]) -> None:
        for id_ in ids:
            self.found.pop(id_, None)
            self.answers.pop(id_, None)
            self.told -= {("asked", id_), ("overdue", id_)}
            self.pinned.discard(id_)


def read_known(context: Context) -> Known:
    """What is recorded. Of a chain that is damaged what was read before the damage counts, and what follows is written beside it.

    Raises the block's errors when it cannot be read.
    """
    names, known = months(context, ROOT), Known(context)
    if not names:
        return known
    known.newest = names[-1]
    chain = month(context, ROOT, known.newest)
    try:
        chain.refresh()
        known._take(chain.entries)
    except (LedgerDamaged, ValueError, TypeError) as error:
        known._take_what_can_be_read(chain.entries)
        known.damaged[f"gs://{chain.bucket}/{chain.prefix}"] = (
            f"The record of findings about overrides is damaged, and what it said after that is lost: {error}"
        )
        known.newest += "b"
        return known
    known.chain = chain
    return known


def _rows(data: Mapping[str, JsonValue], name: str) -> list[JsonValue]:
    found = data.get(name)
    return found if isinstance(found, list) else []


def _pair(value: JsonValue) -> tuple[JsonValue, JsonValue]:
    first, second = value if isinstance(value, list) else [None, None]
    return first, second
