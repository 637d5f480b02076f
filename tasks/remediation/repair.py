"""Mend a journal in which two processes have written side by side (versions before this one could).

The longest unbroken chain is kept; what does not belong to it is moved aside, never thrown away, and named. Done under
the subject's lease, so that nobody works from the journal meanwhile.

    remediation/forked/<subject>/<run>/000008-note.json
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from blocks.errors import NotFound, PreconditionFailed
from blocks.stored_object import StoredObject
from tasks.remediation.context import Context
from tasks.remediation.journal import Journal
from tasks.remediation.ledger import Entry, LedgerDamaged, entry_from

ROOT = "remediation/forked/"


@dataclass(slots=True)
class Link:
    """One object of a journal: its entry, and the hash that the next one carries."""

    stored: StoredObject
    entry: Entry
    hash: str


@dataclass(slots=True)
class Mended:
    """What was kept and what was moved aside, by object name."""

    kept: list[str] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)

    def sentences(self) -> list[str]:
        """One sentence each, for the person on call."""
        if not self.aside:
            return [f"The journal is one unbroken chain of {len(self.kept)} entries; nothing was changed."]
        told = [f"Kept {len(self.kept)} entries, the last {self.kept[-1]}."]
        return [*told, *(f"Moved {name} to {ROOT}, because it does not follow that chain." for name in self.aside)]


def repair(context: Context, subject: str, run: str) -> Mended:
    """Keep the longest chain of a run's journal and move the rest aside.

    Raises:
        NotFound: there is no such journal.
        LedgerDamaged: no entry can be the first one; nothing is changed.
        LeaseBusy: somebody works on the subject.
    """
    with context.holding(subject, f"repair-{run}") as lease:
        links = read_links(context, subject, run)
        chain = longest_chain(links)
        if not chain:
            raise LedgerDamaged(f"The journal of run {run} of {subject} has no first entry; nothing was changed.")
        kept = {link.stored.name for link in chain}
        mended = Mended([link.stored.name for link in chain])
        for link in (found for found in links if found.stored.name not in kept):
            lease.confirm()
            set_aside(context, subject, run, link)
            mended.aside.append(link.stored.name)
        return mended


def read_links(context: Context, subject: str, run: str) -> list[Link]:
    """Every entry of the journal, whatever it follows. Raises `NotFound`, `LedgerDamaged`."""
    storage, bucket = context.environment.storage, context.environment.ops_bucket
    prefix, found = Journal(storage, bucket, subject, run, context.actor).prefix, []
    for stored in storage.list(bucket, prefix):
        body = storage.read(bucket, stored.name, generation=stored.generation)
        entry = entry_from(body, f"gs://{bucket}/{stored.name}")
        found.append(Link(stored, entry, hashlib.sha256(body).hexdigest()))
    if not found:
        raise NotFound(f"There is no run {run} of {subject}; its report names it.")
    return found


def longest_chain(links: list[Link]) -> list[Link]:
    """The longest chain from a first entry on; of equally long ones that with an end, then the older one."""
    followers: dict[str, list[Link]] = {}
    for link in links:
        followers.setdefault(link.entry.previous, []).append(link)
    chains: list[list[Link]] = []
    ahead = [[link] for link in followers.get("", []) if link.entry.sequence == 1]
    while ahead:
        chain = ahead.pop()
        nexts = [one for one in followers.get(chain[-1].hash, []) if one.entry.sequence == len(chain) + 1]
        ahead += [[*chain, one] for one in nexts]
        if not nexts:
            chains.append(chain)
    return max(chains, key=worth, default=[])


def worth(chain: list[Link]) -> tuple[int, bool, float]:
    """By what chains are compared."""
    return len(chain), chain[-1].entry.kind == "end", -chain[-1].entry.at.timestamp()


def set_aside(context: Context, subject: str, run: str, link: Link) -> None:
    """Copy an entry away, then remove it by its generation."""
    storage, bucket = context.environment.storage, context.environment.ops_bucket
    name = f"{ROOT}{subject}/{run}/{link.stored.name.rpartition('/')[2]}"
    try:
        storage.copy(link.stored, bucket, name)
    except PreconditionFailed:
        there = storage.stat(bucket, name)
        if there is None or there.crc32c != link.stored.crc32c:
            raise
    storage.delete(bucket, link.stored.name, generation=link.stored.generation)
