"""Where everything is in the backup bucket. Each object is created once and never overwritten.

    objects/<name>+<generation>                     one copy of each generation that was captured (`tasks.sync.copy_names`)
    objects/<name>+<generation>.<metageneration>    the same with metadata that was changed later
    definitions/<kind>/<name>+<sha256>.json         a workflow, job, trigger or scheduler as it was
    terraform/<object name>+<generation>            a generation of a Terraform state
    nights/<night>/manifest-00000.jsonl.gz          what the data bucket held, a part for each range of names
    nights/<night>/definitions.jsonl.gz             what was deployed
    nights/<night>/terraform.jsonl.gz               which state generations there were
    nights/<night>/summary.json                     written last: a night without it does not exist
    transfers/<night>/<name>                        what Storage Transfer Service brought, until it is renamed

Order of writes: copies, parts, lists, summary. Order of deletions: summary, lists and parts, then copies.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import quote

from blocks.environment import PipelineEnvironment
from tasks.sync.copy_names import copy_key

DefinitionKind = Literal["workflows", "jobs", "triggers", "schedulers"]
SUMMARY = "summary.json"
_NIGHT = re.compile(r"\d{8}T\d{6}Z")
_FORMAT = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Layout:
    """The names in one backup bucket. `prefix` is empty or ends in '/'."""

    bucket: str
    prefix: str = ""

    @property
    def copies_root(self) -> str:
        """What every copy's name begins with; the rest is its `copy_key`."""
        return f"{self.prefix}objects/"

    @property
    def nights_root(self) -> str:
        """What the names of all records of nights begin with."""
        return f"{self.prefix}nights/"

    @property
    def definitions_root(self) -> str:
        """What the names of all captured definitions begin with."""
        return f"{self.prefix}definitions/"

    @property
    def terraform_root(self) -> str:
        """What the names of all captured Terraform states begin with."""
        return f"{self.prefix}terraform/"

    @property
    def transfers_root(self) -> str:
        """Where Storage Transfer Service puts copies, by night and under their own names, until they get ours."""
        return f"{self.prefix}transfers/"

    def copy_name(self, name: str, generation: int, metageneration: int = 1) -> str:
        """The copy of one generation of a source object, with that state of its metadata."""
        return self.copies_root + copy_key(name, generation, metageneration)

    def night_prefix(self, night: str) -> str:
        """The folder of a night's record."""
        return f"{self.nights_root}{night}/"

    def summary_name(self, night: str) -> str:
        """The signed summary, the last object of a night."""
        return self.night_prefix(night) + SUMMARY

    def part_name(self, night: str, number: int) -> str:
        """One part of the manifest."""
        return f"{self.night_prefix(night)}manifest-{number:05d}.jsonl.gz"

    def definitions_name(self, night: str) -> str:
        """The list of what was deployed that night."""
        return f"{self.night_prefix(night)}definitions.jsonl.gz"

    def terraform_name(self, night: str) -> str:
        """The list of Terraform's state generations that night."""
        return f"{self.night_prefix(night)}terraform.jsonl.gz"

    def definition_name(self, kind: DefinitionKind, name: str, sha256: str) -> str:
        """One captured definition; equal definitions are one object."""
        return f"{self.definitions_root}{kind}/{quote(name, safe='')}+{sha256[:16]}.json"

    def terraform_copy(self, name: str, generation: int) -> str:
        """The copy of one generation of a Terraform state."""
        return self.terraform_root + copy_key(name, generation)


def layout_of(environment: PipelineEnvironment) -> Layout:
    """The layout of an environment's backups. Raises ValueError when it names no backup bucket."""
    if not environment.backup_bucket:
        raise ValueError("The environment block names no backup_bucket; create one and name it there.")
    prefix = environment.backup_prefix.strip("/")
    return Layout(environment.backup_bucket, f"{prefix}/" if prefix else "")


def night_id(moment: datetime) -> str:
    """The night that begins at `moment`, e.g. `20261123T020000Z`; sorts by time."""
    return moment.astimezone(UTC).strftime(_FORMAT)


def night_time(night: str) -> datetime:
    """When a night began, to the second. Raises ValueError for anything else than a night's id."""
    if not _NIGHT.fullmatch(night):
        raise ValueError(f"{night!r} is no night; it is written like 20261123T020000Z (its beginning in UTC).")
    return datetime.strptime(night, _FORMAT).replace(tzinfo=UTC)


def is_night(text: str) -> bool:
    """Whether it is written like a night's id."""
    return _NIGHT.fullmatch(text) is not None
