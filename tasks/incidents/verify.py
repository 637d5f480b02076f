"""Whether an incident's record and its evidence are as they were written.

The chain of hashes shows an entry that was edited, moved, or taken out of the middle. An entry that was taken off the end
leaves no gap: only the bucket's own history (object versioning, or soft delete) still knows it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from pydantic import ValidationError

from blocks.errors import NotFound
from tasks.incidents.entries import Evidence
from tasks.incidents.incident import record_of
from tasks.remediation.case import Case
from tasks.remediation.context import Context
from tasks.remediation.ledger import LedgerDamaged, entry_from
from tasks.remediation.outcome import Refused

PARALLEL = 8
"""Files that are read at the same time."""


def verify_incident(context: Context, id_: str) -> list[str]:
    """Everything that is wrong with it, one sentence each; empty: the chain is whole and every file is what it was.

    Raises `Refused` when there is no incident of that id.
    """
    environment = context.environment
    case = Case(environment.storage, environment.ops_bucket, record_of(id_), id_, context.actor)
    if not any(environment.storage.list(environment.ops_bucket, case.prefix)):
        raise Refused(f"There is no incident {id_}; `remediate incident list` shows them.")
    return [*case.verify(), *tampered(case), *changed_evidence(case)]


def keeps_history(context: Context) -> bool:
    """Whether the ops bucket would show that the last entries were removed."""
    return context.environment.storage.protection(context.environment.ops_bucket).undoable


def tampered(case: Case) -> Iterator[str]:
    """Entries that were overwritten or deleted, as far as the bucket's history knows."""
    kept = list(case.storage.list(case.bucket, case.prefix, versions=True))
    if case.storage.protection(case.bucket).soft_delete_seconds:
        kept += case.storage.list(case.bucket, case.prefix, soft_deleted=True)
    generations = Counter(name for name, _ in {(one.name, one.generation) for one in kept})
    live = {one.name for one in kept if one.is_live}
    for name, count in sorted(generations.items()):
        if name not in live:
            yield f"gs://{case.bucket}/{name} was deleted; the bucket still keeps what it was."
        elif count > 1:
            yield f"gs://{case.bucket}/{name} was overwritten; the bucket still keeps what it was."


def changed_evidence(case: Case) -> Iterator[str]:
    """Files beside the record that are gone or are not what its entries say."""
    with ThreadPoolExecutor(PARALLEL) as pool:
        yield from filter(None, pool.map(lambda one: changed(case, one), evidence_of(case)))


def evidence_of(case: Case) -> list[Evidence]:
    """What the readable entries say of files; a damaged chain is told elsewhere."""
    found: list[Evidence] = []
    for stored in case.storage.list(case.bucket, case.prefix):
        body = case.storage.read(case.bucket, stored.name, generation=stored.generation)
        try:
            entry = entry_from(body, stored.name)
            found += [Evidence.model_validate(entry.data)] if entry.kind == Evidence.kind else []
        except (LedgerDamaged, ValidationError):
            continue
    return found


def changed(case: Case, one: Evidence) -> str:
    """One sentence when a file is not what its entry says."""
    try:
        body = case.storage.read(case.bucket, one.name)
    except NotFound:
        return f"gs://{case.bucket}/{one.name} is missing; the record has {one.bytes:,} bytes of it."
    sha256 = hashlib.sha256(body).hexdigest()
    if sha256 == one.sha256:
        return ""
    return f"gs://{case.bucket}/{one.name} was altered: its SHA-256 is {sha256}, not {one.sha256} as the record has it."
