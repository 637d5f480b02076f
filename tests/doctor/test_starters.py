"""What starts work: triggers and schedulers, each judged by what is told of them."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.doctor.examine import Look
from tasks.doctor.schedulers import look_at_schedulers
from tasks.doctor.triggers import look_at_triggers, own_buckets, unwritten
from tests.doctor.told import (
    BACKUP,
    DATA,
    OPS,
    PLACE,
    Told,
    World,
    environment,
    facts,
    found,
    looked,
    names,
    scheduler,
    trigger,
)
from tests.doctor.world import codes, said

USD, USD_TRIGGER = "usd-assembly-pipeline", "usd-assembly-trigger"
PATTERN = r"^scenes/.+/assets/\.regen3d_complete$"
DAILY, POLLER, CLEANUP = "scene-generation-daily", "genie-sim-import-poller", "retention-cleanup-daily"


def one_trigger(called: str = USD_TRIGGER, workflow: str = USD, **told: Any) -> Look:
    """What is said of one trigger, besides that all others are missing."""
    look = looked(look_at_triggers, World(triggers=[trigger(called, workflow, **told)]))
    look.findings = [one for one in look.findings if one.code.name != "trigger-missing"]
    return look


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, {"trigger-bucket-only"}),
        ({"name": PATTERN}, {"trigger-name-filter"}),
        ({"name": "^scenes/"}, {"trigger-filter-differs"}),
        ({"bucket": "another"}, {"trigger-other-bucket"}),
        ({"bucket": ""}, {"trigger-other-bucket"}),
        ({"bucket": OPS}, {"trigger-on-own-bucket"}),
        ({"bucket": BACKUP}, {"trigger-on-own-bucket"}),
        ({"type": "google.cloud.storage.object.v1.deleted"}, {"trigger-other-event", "trigger-bucket-only"}),
        ({"type": ""}, {"trigger-other-event", "trigger-bucket-only"}),
        ({"location": "us-east1"}, {"trigger-elsewhere", "trigger-bucket-only"}),
        ({"workflow": "scale-pipeline"}, {"trigger-wrong-workflow", "trigger-bucket-only"}),
        ({"workflow": ""}, {"trigger-wrong-workflow", "trigger-bucket-only"}),
    ],
)
def test_each_way_in_which_a_known_trigger_differs_is_told(told: dict[str, str], expected: set[str]) -> None:
    assert codes(one_trigger(**told)) == expected


@pytest.mark.parametrize(
    ("workflow", "bucket", "ours"),
    [(USD, "another", True), ("somebodys-workflow", DATA, True), ("", DATA, True), ("somebodys", "another", False)],
)
def test_a_trigger_nobody_knows_is_ours_by_its_bucket_or_its_workflow(workflow: str, bucket: str, ours: bool) -> None:
    look = one_trigger("somebodys-trigger", workflow, bucket=bucket)
    assert ("trigger-not-in-catalogue" in codes(look)) is ours


def test_a_forbidden_trigger_is_said_once_and_one_that_is_not_there_is_in_order() -> None:
    name = "upsell-features-trigger"
    look = one_trigger(name, "upsell-features-pipeline")
    assert codes(look) == {"trigger-forbidden"}
    assert names(found(look), "trigger-forbidden") == [name]
    assert "trigger-forbidden" not in codes(looked(look_at_triggers))


def test_a_trigger_that_is_said_not_to_be_deployed_is_not_missed() -> None:
    missing = names(found(looked(look_at_triggers, World(triggers=[]))), "trigger-missing")
    assert USD_TRIGGER in missing
    assert not {"regen3d-trigger", "training-trigger", "upsell-features-trigger"} & set(missing)


def test_a_custom_event_is_not_judged_by_what_objects_it_fires_for() -> None:
    look = one_trigger("training-trigger", "training-pipeline", type="custom", bucket="")
    assert codes(look) == set()


def test_a_trigger_whose_workflow_would_be_elsewhere_is_not_said_to_start_nothing() -> None:
    here = trigger(USD_TRIGGER, USD)
    away = here | {"destination": {"workflow": f"{PLACE.replace('us-central1', 'us-east1')}/workflows/{USD}"}}
    for told, expected in ((here, [USD_TRIGGER]), (away, [])):
        look = looked(look_at_triggers, World(triggers=[told], workflows={USD: None}))
        assert names(found(look), "trigger-destination-missing") == expected


def test_a_bucket_whose_location_cannot_be_seen_hides_nothing_of_its_triggers() -> None:
    world = World(triggers=[trigger(USD_TRIGGER, "scale-pipeline")], buckets={DATA: facts("refused")})
    look = looked(look_at_triggers, world)
    assert codes(look) >= {"not-readable", "trigger-wrong-workflow", "trigger-missing"}
    assert "trigger-elsewhere" not in codes(look)


@pytest.mark.parametrize(
    ("place", "wrong"), [("us-central1", False), ("US-CENTRAL1", False), ("US", True), ("", False)]
)
def test_a_location_is_compared_whatever_its_capitals(place: str, wrong: bool) -> None:
    world = World(triggers=[trigger(USD_TRIGGER, USD)], buckets={DATA: facts(location=place)})
    assert ("trigger-elsewhere" in codes(looked(look_at_triggers, world))) is wrong


def test_a_bucket_that_is_the_data_bucket_too_is_none_of_our_own() -> None:
    assert own_buckets(Told(World())) == {OPS: "ops", BACKUP: "backup"}
    shared = environment(ops_bucket="", backup_bucket=DATA)
    assert own_buckets(Told(World(shared))) == {}


@pytest.mark.parametrize(
    ("pattern", "workflow", "marker"),
    [
        (r"/usd/\.usd_complete$", USD, "usd/.usd_complete"),
        (r"/usd/\.usd_complete$|/assets/\.regen3d_complete$", USD, ""),
        (PATTERN, USD, ""),
        ("never-a-marker", USD, ""),
        (None, "episode-generation-pipeline", "usd/.usd_complete"),
        (None, "no-such-workflow", ""),
    ],
)
def test_a_marker_that_nobody_writes_is_named_if_nothing_else_can_fire_it(
    pattern: str | None, workflow: str, marker: str
) -> None:
    assert unwritten(Told(World()), pattern, workflow) == marker


# Schedulers


def one_scheduler(name: str, cron: str, **told: Any) -> Look:
    """What is said of one scheduler, besides that all others are missing."""
    look = looked(look_at_schedulers, World(schedulers=[scheduler(name, cron, **told)]))
    look.findings = [one for one in look.findings if one.code.name != "scheduler-missing"]
    return look


@pytest.mark.parametrize(
    ("name", "told", "expected"),
    [
        (POLLER, {}, set()),
        (POLLER, {"cron": "*/10  * * * *"}, set()),
        (POLLER, {"cron": "*/5 * * * *"}, {"scheduler-other-time"}),
        (POLLER, {"state": "PAUSED"}, {"scheduler-paused"}),
        (POLLER, {"state": "DISABLED"}, {"scheduler-broken"}),
        (POLLER, {"target": "scale-pipeline"}, {"scheduler-wrong-target"}),
        (POLLER, {"status": {"code": 7, "message": "Permission denied"}}, {"scheduler-last-failed"}),
        (POLLER, {"status": {}}, set()),
        (DAILY, {"state": "PAUSED"}, {"scheduler-paused-as-created"}),
        (DAILY, {}, set()),
        (CLEANUP, {}, {"scheduler-deletes"}),
        (CLEANUP, {"state": "PAUSED"}, {"scheduler-paused"}),
    ],
)
def test_each_way_in_which_a_scheduler_differs_is_told(name: str, told: dict[str, Any], expected: set[str]) -> None:
    known = environment().catalogue.schedulers[name]
    assert codes(one_scheduler(name, **({"cron": known.cron, "target": known.target} | told))) == expected


def test_a_scheduler_says_what_google_said_of_its_last_call() -> None:
    told = {"target": POLLER, "status": {"code": 7, "message": "Permission denied"}}
    assert said(one_scheduler(POLLER, "*/10 * * * *", **told), "scheduler-last-failed") == (
        f"The last call of scheduler {POLLER} failed with code 7 Permission denied."
    )
    told["status"] = {"code": 7}
    assert said(one_scheduler(POLLER, "*/10 * * * *", **told), "scheduler-last-failed").endswith("with code 7.")


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"target": USD}, {"scheduler-not-in-catalogue"}),
        ({"target": USD, "state": "PAUSED"}, set()),
        ({"target": "somebodys-workflow"}, set()),
    ],
)
def test_of_schedulers_nobody_knows_those_that_start_our_workflows_are_told(
    told: dict[str, str], expected: set[str]
) -> None:
    assert codes(one_scheduler("somebodys-clock", "0 1 * * *", **told)) == expected


def test_a_scheduler_whose_workflow_is_gone_starts_nothing() -> None:
    look = looked(look_at_schedulers, World(workflows={POLLER: None}))
    assert names(found(look), "scheduler-target-missing") == [POLLER]
    wrong = World(schedulers=[scheduler(POLLER, "*/10 * * * *", target="gone")], workflows={POLLER: None})
    assert "scheduler-target-missing" not in codes(looked(look_at_schedulers, wrong)), "the target is another one"


def test_every_scheduler_of_the_catalogue_is_missed() -> None:
    look = looked(look_at_schedulers, World(schedulers=[]))
    assert names(found(look), "scheduler-missing") == [DAILY, POLLER, CLEANUP]
    assert look.good == 0
