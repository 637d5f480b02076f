"""An image is bad only when it is another one, everything with it has failed, and the one before it worked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks.diagnosis.attempts import Attempt
from tasks.diagnosis.jobs import changed

NOON = datetime(2026, 1, 18, 12, tzinfo=UTC)
OLD, NEW = f"r/job@sha256:{'a' * 64}", f"r/job@sha256:{'b' * 64}"


def history(*runs: tuple[str, str]) -> list[Attempt]:
    """Executions, newest first: the image and how it ended."""
    return [
        Attempt(
            "job", True, f"p/jobs/job/executions/job-{n}", "s", "", outcome, NOON - timedelta(hours=n), None, "", image
        )  # type: ignore[arg-type]
        for n, (image, outcome) in enumerate(runs)
    ]


def test_an_image_since_which_everything_has_failed_is_named_with_the_one_before() -> None:
    found = changed(history((NEW, "failed"), (NEW, "failed"), (OLD, "success"), (OLD, "failed")), 2)
    assert found is not None
    assert (found.image, found.former, len(found.failed)) == (NEW, OLD, 2)
    assert found.last_good.id == "job-2"


@pytest.mark.parametrize(
    "runs",
    [
        [],
        [(NEW, "failed"), (OLD, "success")],  # one failure may be its scene's
        [(NEW, "failed"), (NEW, "success"), (NEW, "failed"), (OLD, "success")],  # it works
        [(NEW, "failed"), (NEW, "failed"), (OLD, "failed")],  # nothing ever worked: nobody knows a good one
        [(OLD, "failed"), (OLD, "failed"), (OLD, "success")],  # nothing was changed
        [(OLD, "success"), (NEW, "failed"), (NEW, "failed"), (OLD, "success")],  # it was put back already
        [(NEW, "running"), (NEW, "running"), (OLD, "success")],  # nobody knows yet
        [("r/job:latest", "failed"), ("r/job:latest", "failed"), ("r/job:v1", "success")],  # tags say nothing
        [("", "failed"), ("", "failed"), (OLD, "success")],
    ],
)
def test_nothing_is_concluded_from_less(runs: Any) -> None:
    assert changed(history(*runs), 2) is None


def test_executions_that_were_cancelled_or_still_run_count_for_nothing() -> None:
    runs = history((NEW, "running"), (NEW, "failed"), (NEW, "cancelled"), (NEW, "failed"), (OLD, "success"))
    found = changed(runs, 2)
    assert found is not None
    assert len(found.failed) == 2


def test_of_several_former_images_the_last_one_that_worked_is_named() -> None:
    older = f"r/job@sha256:{'c' * 64}"
    found = changed(
        history((NEW, "failed"), (NEW, "failed"), (older, "failed"), (OLD, "success"), (older, "success")), 2
    )
    assert found is not None
    assert found.former == OLD
