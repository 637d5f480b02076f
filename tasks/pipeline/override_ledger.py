"""The record of overrides that are made here: asked for, approved by somebody else, revoked. One ledger each, in the ops bucket.

    remediation/overrides/<id>/000001.json

Nothing of it is ever rewritten, and each entry has the SHA-256 of the one before it (`tasks.remediation.ledger`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from blocks.errors import NotFound, OutsideError
from tasks.remediation.case import Case, open_case
from tasks.remediation.context import Context
from tasks.remediation.ledger import LedgerDamaged
from tasks.remediation.outcome import Refused

ROOT = "remediation/overrides/"
ID = re.compile(r"ovr-[0-9]{8}t[0-9]{6}z-[0-9a-f]{8}")
PARALLEL = 16
"""Records that are read at the same time."""


class Said(BaseModel):
    """What an entry says; fields of another version are left out."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Requested(Said):
    """Somebody asks that a gate may be passed (handbook: "Quality-gate override audit")."""

    scene: str
    gate: str
    requester: str
    category: str
    ticket: str
    justification: str
    failing: str
    """What has failed, in the gate's own words."""
    report: str = ""
    """The gate report that says so, with its generation."""
    until: AwareDatetime
    """When it ends."""
    switch: str = ""
    """The switch by which the run is to pass the gate; empty: by the pipeline's own approval."""
    evidence: tuple[str, ...] = Field(default=())
    """Addresses of logs, pictures and summaries."""
    execution: str = ""
    """The execution of the workflow that was stopped."""


class Approved(Said):
    """Somebody else has allowed it."""

    approver: str
    verified: bool = False
    comment: str = ""


class Revoked(Said):
    """It counts no longer."""

    by: str
    reason: str


SAID: dict[str, type[Said]] = {"requested": Requested, "approved": Approved, "revoked": Revoked}


class Recorded:
    """One override as its ledger tells it."""

    def __init__(self, case: Case) -> None:
        """Raises `LedgerDamaged` when it does not begin with a request."""
        self.case = case
        self.request: Requested | None = None
        self.approved: Approved | None = None
        self.approved_at: datetime | None = None
        self.revoked: Revoked | None = None
        self.revoked_at: datetime | None = None
        for entry in case.entries:
            try:
                said = SAID[entry.kind].model_validate(entry.data)
            except (KeyError, ValidationError):
                continue  # of another version
            if isinstance(said, Requested) and self.request is None:
                self.request = said
            elif isinstance(said, Approved) and self.approved is None:
                self.approved, self.approved_at = said, entry.at
            elif isinstance(said, Revoked) and self.revoked is None:
                self.revoked, self.revoked_at = said, entry.at
        if self.request is None:
            raise LedgerDamaged(f"The record {case.prefix} does not begin with a request; look at its first object.")

    @property
    def asked(self) -> Requested:
        """What was asked for."""
        assert self.request is not None
        return self.request

    def word(self, now: datetime) -> str:
        """`requested`, `approved`, `expired` or `revoked`."""
        if self.revoked is not None:
            return "revoked"
        if now > self.asked.until:
            return "expired"
        return "approved" if self.approved is not None else "requested"


def record_of(id_: str) -> str:
    """Where an override's entries are. Raises `Refused` for what is no id of one."""
    if not ID.fullmatch(id_):
        raise Refused(f"{id_!r} is no override; `remediate override list` shows them.")
    return f"{ROOT}{id_}/"


def read_one(context: Context, id_: str) -> Recorded:
    """One override. Raises `Refused` when there is none of that id, `LedgerDamaged` when its chain is broken."""
    environment = context.environment
    try:
        return Recorded(open_case(environment.storage, environment.ops_bucket, record_of(id_), id_, context.actor))
    except NotFound:
        raise Refused(f"There is no override {id_}; `remediate override list` shows them.") from None


def read_all(
    context: Context, most: int | None = None
) -> Iterator[tuple[str, Recorded | LedgerDamaged | OutsideError]]:
    """Every override with its id, the newest first, `most` at most; what is wrong with it where it cannot be read.

    Raises the block's errors when they cannot even be listed.
    """
    environment = context.environment
    found = (one.removeprefix(ROOT).rstrip("/") for one in environment.storage.prefixes(environment.ops_bucket, ROOT))
    ids = sorted((one for one in found if ID.fullmatch(one)), key=lambda one: one[4:], reverse=True)[:most]

    def one(id_: str) -> Recorded | LedgerDamaged | OutsideError:
        try:
            return read_one(context, id_)
        except (LedgerDamaged, OutsideError) as error:
            return error
        except Refused as error:  # it went between listing and reading
            return NotFound(str(error))

    with ThreadPoolExecutor(PARALLEL) as pool:
        yield from zip(ids, pool.map(one, ids), strict=True)


def as_data(recorded: Recorded, now: datetime | None = None) -> dict[str, Any]:
    """As JSON, with keys that stay."""
    asked, yes, no = recorded.asked, recorded.approved, recorded.revoked
    return {
        "id": recorded.case.id,
        "state": recorded.word(now or datetime.now(UTC)),
        "requested_at": recorded.case.entries[0].at.isoformat(),
        **asked.model_dump(mode="json"),
        "approver": yes.approver if yes else None,
        "identity": ("verified" if yes.verified else "claimed") if yes else None,
        "approved_at": recorded.approved_at.isoformat() if recorded.approved_at else None,
        "revoked_by": no.by if no else None,
        "revoked_at": recorded.revoked_at.isoformat() if recorded.revoked_at else None,
        "revoked_because": no.reason if no else None,
    }
