"""Every form in which the clean-up job says what it did, and lines that say nothing."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from blocks.catalogue_load import load_catalogue
from blocks.logs import LogLine
from tasks.retention.lines import Tally, query_of, removal_of
from tests.retention.world import LAYOUT, NOON, line

CATALOGUE = load_catalogue()


def as_line(said: dict[str, Any] | str, *, structured: bool = False) -> LogLine:
    text = said if isinstance(said, str) else f"INFO:root:{json.dumps(said)}"
    data = said if structured and isinstance(said, dict) else {}
    return LogLine(NOON, "INFO", "stderr", "cloud_run_job", "" if data else text, data=data)


@pytest.mark.parametrize("structured", [False, True])
@pytest.mark.parametrize("root", ["/mnt/gcs/", "/mnt/gcs/my-bucket/", "/data/"])
def test_what_was_removed_is_read_below_any_mount(root: str, structured: bool) -> None:
    said = line("kitchen_001", at=NOON) | {"path": f"{root}scenes/kitchen_001/{LAYOUT}"}
    found = removal_of(as_line(said, structured=structured), CATALOGUE, Tally())
    assert found is not None
    assert (found.scene, found.path, found.kept_as, found.days) == ("kitchen_001", LAYOUT, "intermediate", 30)
    assert found.removed_at == NOON
    assert found.last_modified == (NOON - timedelta(days=31)).isoformat()


@pytest.mark.parametrize(("deleted_at", "when"), [
    ("2026-03-04T03:00:00+00:00", NOON - timedelta(hours=33)), ("2026-03-04T03:00:00", NOON - timedelta(hours=33)),
    ("2026-03-04T05:00:00+02:00", NOON - timedelta(hours=33)), ("yesterday", NOON), (None, NOON), (7, NOON),
])  # fmt: skip
def test_a_line_without_a_readable_time_has_the_time_of_its_entry(deleted_at: object, when: object) -> None:
    found = removal_of(as_line(line(at=NOON) | {"deleted_at": deleted_at}), CATALOGUE, Tally())
    assert found is not None and found.removed_at == when


@pytest.mark.parametrize(("action", "counted"), [
    ("summary", "runs"), ("delete_failed", "failed"), ("dry_run", "dry"),
])  # fmt: skip
def test_what_was_not_removed_is_counted_and_never_recorded(action: str, counted: str) -> None:
    tally = Tally()
    assert removal_of(as_line(line(at=NOON, action=action)), CATALOGUE, tally) is None
    assert {"runs": tally.runs, "failed": tally.failed, "dry": tally.dry}[counted] == 1
    assert tally.runs + tally.failed + tally.dry + tally.unread == 1


@pytest.mark.parametrize("said", [
    {"scene": "../x"}, {"scene": 5}, {"path": None}, {"path": "/mnt/gcs/scenes/other/layout/x"},
    {"path": "/mnt/gcs/scenes/s-1/"}, {"path": "scenes/s-1/x"}, {"scene": ""},
])  # fmt: skip
def test_a_line_that_names_no_object_of_a_scene_is_counted_as_unread(said: dict[str, Any]) -> None:
    tally = Tally()
    assert removal_of(as_line(line(at=NOON) | said), CATALOGUE, tally) is None
    assert tally == Tally(unread=1)


@pytest.mark.parametrize(
    "text", ["", "Container called exit(0).", "INFO:root:{", '["deleted"]', '{"action": 5}', "{" * 5000, "null"]
)
def test_other_lines_say_nothing(text: str) -> None:
    tally = Tally()
    assert removal_of(as_line(text), CATALOGUE, tally) is None
    assert tally == Tally()


def test_odd_values_beside_the_path_do_not_hide_a_removal() -> None:
    said = line(at=NOON) | {"class": None, "retention_days": "30", "last_modified": 3}
    found = removal_of(as_line(said), CATALOGUE, Tally())
    assert found is not None and (found.kept_as, found.days, found.last_modified) == ("", 0, "")


def test_the_log_of_every_job_that_removes_something_is_asked_for() -> None:
    assert query_of({"b", "a"}, "r").endswith('resource.labels.job_name=("a" OR "b")')


def test_both_states_of_the_pipeline_name_the_job() -> None:
    for state in (None, "2026-06"):
        assert {rule.job for rule in load_catalogue(state).retention.values()} == {"retention-cleanup-job"}
