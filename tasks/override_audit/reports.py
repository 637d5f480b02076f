"""A gate report: does it block, which gates failed, and does what it says at the top agree with its own results?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache

from blocks.catalogue import Catalogue
from blocks.patterns import matches
from tasks.override_audit.facts import Report
from tasks.override_audit.records import moment
from tasks.validation.documents.json_values import entries, mapping, number, text

NAMELESS = "(a gate without a name)"


def report_of(value: Mapping[str, object], where: str, path: str, updated: datetime, catalogue: Catalogue) -> Report:
    """What the report says."""
    summary = mapping(value.get("summary"))
    results = [one for _, one in entries(value, "results")]
    failed = [one for one in results if one.get("passed") is False]
    grave = [one for one in failed if one.get("severity") == "error"]
    blocks = summary.get("can_proceed") is False or (number(summary.get("blocking_failures")) or 0) > 0
    named = grave or (failed if blocks else [])
    return Report(
        where=where,
        stage=stage_of(catalogue, path) or _stage_of_checkpoint(catalogue, results),
        at=moment(value.get("timestamp")),
        updated=updated,
        blocks=blocks,
        failed=tuple(dict.fromkeys(map(_name, named))) or ((NAMELESS,) if blocks else ()),
        all_failed=tuple(dict.fromkeys(map(_name, failed))),
        passed=tuple(dict.fromkeys(_name(one) for one in results if one.get("passed") is True)),
        said={_name(one): text(one.get("message")) or "" for one in failed},
        stated=text(value.get("timestamp")) or "",
    )


@lru_cache(maxsize=512)
def _by_path(paths: tuple[tuple[str, str], ...], path: str) -> str:
    return next((stage for pattern, stage in paths if matches(pattern, path)), "")


def stage_of(catalogue: Catalogue, path: str) -> str:
    """The stage that writes a report: by the catalogue's outputs, else by the job whose folder it is in."""
    known = tuple(
        (one, name)
        for name, stage in catalogue.stages.items()
        for output in stage.outputs
        if output.check == "gate_report"
        for one in (output.path, *output.or_paths)
    )
    job = catalogue.jobs.get(path.split("/", 1)[0])
    return _by_path(known, path) or (job.stage if job is not None and job.stage else "")


def _stage_of_checkpoint(catalogue: Catalogue, results: list[dict[str, object]]) -> str:
    """The stage of the first gate that says where it was asked: the local runner has one report for all stages."""
    known = catalogue.gates.checkpoints
    failed = [one for one in results if one.get("passed") is False]
    return next((known[name] for one in failed if (name := text(one.get("checkpoint")) or "") in known), "")


def _name(result: Mapping[str, object]) -> str:
    return text(result.get("gate_id")) or NAMELESS
