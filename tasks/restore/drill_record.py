"""What a drill proved, as it is kept in the ops bucket and shown to people.

remediation/backup/drills/<run>.json        created once
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from blocks.backup import BackupPolicy
from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError
from tasks.remediation.outcome import read_word
from tasks.remediation.plan import canonical
from tasks.remediation.report import Section
from tasks.snapshots.summary import Summary
from tasks.sync.progress import human

ROOT = "remediation/backup/drills/"
LOOKED_BACK = 500
"""Records that are read to find out which scenes were drilled when."""


Outcome = Literal["clean", "nothing to do", "failed"]
"""Words of the stored record."""


class Model(BaseModel):
    """Read-only; what a newer version has written beside the fields is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class SceneDrill(Model):
    """One scene that was restored."""

    scene_id: str
    objects: int
    bytes: int
    seconds: float
    """To copy and compare it."""
    validation_seconds: float
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class DrillRecord(Model):
    """One drill."""

    run: str
    at: datetime
    night: str
    night_at: datetime
    night_objects: int
    night_bytes: int
    scenes: tuple[SceneDrill, ...]
    outcome: Outcome
    problems: tuple[str, ...] = ()

    @property
    def objects(self) -> int:
        """Objects restored."""
        return sum(one.objects for one in self.scenes)

    @property
    def bytes(self) -> int:
        """Bytes restored."""
        return sum(one.bytes for one in self.scenes)

    @property
    def seconds(self) -> float:
        """Time to restore and compare them."""
        return sum(one.seconds for one in self.scenes)

    @property
    def scene_seconds(self) -> float:
        """The slowest scene, validation included: what a scene's restore takes."""
        return max((one.seconds + one.validation_seconds for one in self.scenes), default=0.0)

    @property
    def bucket_seconds(self) -> float:
        """An estimate for everything the night holds: by objects or by bytes, whichever takes longer at this rate."""
        if not self.objects or self.seconds <= 0:
            return 0.0
        by_objects = self.night_objects * self.seconds / self.objects
        by_bytes = self.night_bytes * self.seconds / self.bytes if self.bytes else 0.0
        return max(by_objects, by_bytes)

    def sentence(self) -> str:
        """One line for logs and state messages."""
        names = ", ".join(one.scene_id for one in self.scenes) or "no scene"
        if self.problems:
            return f"The drill of night {self.night} failed ({names}): {' '.join(self.problems[:3])}"
        rate = self.objects / self.seconds if self.seconds else 0.0
        said = f"Night {self.night} restores: {names}, {self.objects:,} objects, {human(self.bytes)}, {rate:,.0f} objects/s"
        notes = [note for one in self.scenes for note in one.notes]
        return f"{said}. {' '.join(notes)}" if notes else said


def summarise(run: str, night: Summary, scenes: list[SceneDrill], problems: list[str]) -> DrillRecord:
    """The record of a drill that has ended."""
    found = [*(f"{one.scene_id}: {problem}" for one in scenes for problem in one.problems), *problems]
    outcome: Outcome = "failed" if found else "clean" if scenes else "nothing to do"
    return DrillRecord(
        run=run,
        at=datetime.now(UTC),
        night=night.night,
        night_at=night.begun_at,
        night_objects=night.objects,
        night_bytes=night.bytes,
        scenes=tuple(scenes),
        outcome=outcome,
        problems=tuple(found[:100]),
    )


def write_record(environment: PipelineEnvironment, record: DrillRecord) -> None:
    """Keep it."""
    body = canonical(record.model_dump(mode="json"))
    environment.storage.create(environment.ops_bucket, f"{ROOT}{record.run}.json", body)


def past_drills(environment: PipelineEnvironment, most: int = LOOKED_BACK) -> list[DrillRecord]:
    """The last drills, `most` at most, oldest first. Raises PermanentError for a record that cannot be read."""
    names = [found.name for found in environment.storage.list(environment.ops_bucket, ROOT)]
    found = [read_record(environment, name) for name in sorted(names)[-most:]]
    return sorted(found, key=lambda record: record.at)  # runs of the same second have no order


def read_record(environment: PipelineEnvironment, name: str) -> DrillRecord:
    """One record."""
    try:
        return DrillRecord.model_validate_json(environment.storage.read(environment.ops_bucket, name))
    except ValidationError as error:
        raise PermanentError(f"gs://{environment.ops_bucket}/{name} is no drill's record; move it away.") from error


def scorecard(record: DrillRecord, rules: BackupPolicy) -> str:
    """Achieved beside the aims, as Markdown. What was not measured is called an estimate."""
    scenes = [
        (one.scene_id, f"{one.objects:,}", human(one.bytes), f"{one.seconds:.2f}", result_of(one))
        for one in record.scenes
    ]
    rate = f"{record.objects / record.seconds:,.0f} objects/s" if record.seconds else "nothing was restored"
    return "\n\n".join(
        [
            f"# Restore drill: {read_word(record.outcome)}",
            record.sentence(),
            table(("aim", "achieved", "our aim", "the pipeline's aim"), aims(record, rules)),
            f"The estimate for everything is {record.night_objects:,} objects and {human(record.night_bytes)} at the "
            f"measured {rate}; a real restore also holds delivery and proves each scene.",
            table(("scene", "objects", "size", "seconds", "result"), scenes),
            "\n".join(f"- {note}" for one in record.scenes for note in one.notes),
        ]
    )


def result_of(scene: SceneDrill) -> str:
    """What came of one scene, in a cell of the table."""
    return "; ".join(scene.problems) or ("as recorded, when it was broken" if scene.notes else "whole")


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table."""
    return Section("", rows=tuple(dict(zip(head, row, strict=True)) for row in rows)).markdown()


def aims(record: DrillRecord, rules: BackupPolicy) -> list[tuple[str, str, str, str]]:
    """What was achieved, in words, beside what is aimed at."""
    age = (record.at - record.night_at).total_seconds() / 60
    scene, bucket = record.scene_seconds / 60, record.bucket_seconds / 60
    rpo = (rules.target_rpo_minutes, rules.pipeline_rpo_minutes)
    rto = (rules.target_rto_minutes, rules.pipeline_rto_minutes)
    rows = [
        ("data lost (RPO)", age, f"{age:,.0f} min: the night's age", rpo),
        ("one scene back (RTO)", scene, f"{scene:,.2f} min, measured", rto),
        ("all back (RTO)", bucket, f"{bucket:,.1f} min, estimated", rto),
    ]
    return [(what, said, met(minutes, ours), met(minutes, theirs)) for what, minutes, said, (ours, theirs) in rows]


def met(minutes: float, aim: int) -> str:
    """`✅ 60 min` or `❌ 60 min`."""
    return f"{'✅' if minutes <= aim else '❌'} {aim:,} min"
