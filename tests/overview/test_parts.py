"""Each kind of state is shown, with since when, whose, and the exact command."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.pipeline.damage import damage
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.server import Sandbox
from tasks.delivery.tickets import Ticket, write_ticket
from tasks.incidents.entries import Updated
from tasks.incidents.incident import declare
from tasks.overview.ask import look_at_all
from tasks.overview.broken import FEW, OLD, faults
from tasks.overview.mended import ask_runs
from tasks.overview.state import State
from tasks.recovery.sweep_record import NAME, Bad, Seen, SweepRecord, write_sweep
from tasks.remediation.context import Context
from tasks.remediation.lease import lease_name
from tasks.remediation.runner import run
from tests.intake.test_starters import MARKER, OWN
from tests.intake.world import pause
from tests.kernel.cases import CASES, environment_of
from tests.kernel.world import Killed, heir, killed_at, policies
from tests.overview.world import items, only, seen, swept, unknown
from tests.response.world import wanted

DATA, OPS, BACKUP = "sandbox-scenes", "sandbox-ops", "sandbox-backup"
NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


# Broken


def test_a_broken_scene_is_told_by_the_record_of_the_sweep(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    make_scene(sandbox.store, DATA, "a", "office", objects=1)
    damage(sandbox.store, DATA, "a", "usd_missing")
    swept(environment, datetime.now(UTC) - MINUTE)
    sandbox.requests.reset()
    state = seen(environment)
    item = only(state, "broken")
    assert item.what.startswith(
        "a is broken (stage usd-assembly, usd-missing" if "usd-assembly" in item.what else "a is"
    )
    assert (item.next, item.acts, item.subjects) == ("remediate recover a", True, ("a",))
    assert item.since is not None
    assert state.sweep is not None
    assert state.sweep.bad[0].stages
    assert sum(n for name, n in sandbox.requests.snapshot().items() if "insert" in name) == 0


def test_scenes_with_one_fault_are_one_line_and_many_are_diagnosed_first() -> None:
    bad = [Bad(scene_id=f"s{n:02}", kind="broken", fault="usd:x", since=NOON - n * MINUTE) for n in range(FEW + 1)]
    record = SweepRecord(
        seen=Seen(at=NOON, scenes=9, broken=7, unseen=0), bad=(*bad, bad[0].model_copy(update={"fault": "y:z"}))
    )
    many, one = faults(record)
    assert many.what.startswith("s00, s01 and 4 more are broken (stage usd, x)")
    assert many.since == NOON - FEW * MINUTE
    assert many.next == "remediate diagnose s00 s01 s02"
    assert one.next == "remediate recover s00"


@pytest.mark.parametrize(("fault", "why"), [
    ("usd:x", "(stage usd, x)"), (":x", "(x)"), ("usd:", "(of unknown cause)"), ("", "(of unknown cause)"),
])  # fmt: skip
def test_a_fault_without_a_stage_names_none(fault: str, why: str) -> None:
    bad = (Bad(scene_id="s", kind="broken", fault=fault, since=NOON),)
    (one,) = faults(SweepRecord(seen=Seen(at=NOON, scenes=1, broken=1, unseen=0), bad=bad))
    assert why in one.what


def test_without_a_sweep_or_with_an_old_one_what_is_broken_is_unknown(environment: PipelineEnvironment) -> None:
    assert "No sweep has left a record yet" in unknown(seen(environment), "broken")
    write_sweep(environment, NOON, 3, [])
    assert unknown(seen(environment, NOON + OLD), "broken") == ""
    late = unknown(seen(environment, NOON + OLD + MINUTE), "broken")
    assert late == (
        "What has broken since the sweep of 2026-06-01 12:00 UTC is not known. "
        "prefect deployment run export-sweep/export-sweep"
    )


def test_a_scene_that_could_not_be_read_is_unknown_and_a_stopped_one_is_held(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    for name in ("a", "b"):
        make_scene(sandbox.store, DATA, name, "office", objects=1)
    guard = next(one for one in environment.catalogue.guards if one.kind == "stop" and not one.bucket_wide)
    sandbox.store.put(DATA, f"scenes/a/{guard.paths[0].replace('*', 'x')}", b"", quiet=True)
    swept(environment)
    state = seen(environment)
    assert items(state, "broken") == []
    assert only(state, "held").what.startswith("Work on a is stopped: ")
    assert not only(state, "held").acts, "whoever has stopped it meant it"
    sandbox.store.delete(OPS, NAME)
    sandbox.faults.add(FaultRule(service="storage", method="objects.media", kind="status", status=403))
    swept(environment)
    sandbox.faults.clear()
    assert "could not be read (" in unknown(seen(environment), "broken")


def test_an_open_incident_is_broken_and_a_late_update_is_overdue(environment: PipelineEnvironment) -> None:
    incident = declare(heir(environment), wanted().declaration())
    promised = datetime.now(UTC) - 9 * MINUTE
    incident.say(Updated(impact="x", mitigation="y", next_update_at=promised))
    state = seen(environment)
    shown, late = only(state, "broken"), items(state, "overdue")[0]
    assert (shown.whose, shown.next) == ("bo", f"remediate incident show {incident.id}")
    assert shown.since == incident.declared_at
    assert "9 minutes late" in late.what
    assert (late.since, late.whose, late.next) == (promised, "bo", f"remediate incident update {incident.id}")


# Being mended


def left(sandbox: Sandbox) -> PipelineEnvironment:
    """A recovery whose process died."""
    (case,) = [case for case in CASES if case.name == "export-recovery"]
    environment = environment_of(sandbox)
    procedure, request = case.make(sandbox, environment)
    with killed_at(2, before=False), pytest.raises(Killed):
        run(procedure, Context(environment, "ann"), request)
    return environment


def test_a_run_that_was_left_is_told_with_the_command_that_carries_it_on(sandbox: Sandbox) -> None:
    environment = left(sandbox)
    item = only(seen(environment), "mended")
    assert item.what.startswith("export-recovery of kitchen_001 (run ")
    assert (item.whose, item.next, item.acts) == ("ann", "remediate unfinished --continue", True)


def test_who_is_at_work_is_named_and_the_scene_is_his(sandbox: Sandbox) -> None:
    environment = left(sandbox)
    swept(environment)
    state = look_at_all(Context(environment, "look", gone=lambda _: False))
    item = only(state, "mended")
    assert (item.acts, item.next, item.whose) == (False, "", "ann")
    assert only(state, "broken").whose == "ann"


def test_who_only_plans_is_told_by_his_lease_and_a_damaged_one_by_its_name(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    with Context(environment, "ann").holding("kitchen_001", "r1"):
        state = State(datetime.now(UTC))
        ask_runs(Context(environment, "look"), state)
        item = only(state, "mended")
        assert (item.what, item.whose, item.acts) == (
            "kitchen_001 is being looked at or planned (run r1).",
            "ann",
            False,
        )
    sandbox.store.put(OPS, lease_name("office_001"), b"{}")
    item = only(seen(environment), "mended")
    assert item.acts
    assert item.next == f"gcloud storage cat gs://{OPS}/{lease_name('office_001')}"


# Held


def test_a_pause_of_intake_is_told_once_with_its_deadline_and_how_it_is_resumed(
    environment: PipelineEnvironment,
) -> None:
    done = pause(environment)
    (item,) = [one for one in items(seen(environment), "held") if "@intake" in one.subjects]
    assert len(items(seen(environment), "held")) == 1, "its hold of delivery is not told twice"
    assert (item.whose, item.next, item.acts) == ("ann", f"remediate intake resume {done.id} --apply", False)
    assert "until " in item.what
    assert "export is broken" in item.what
    late = seen(environment, datetime.now(UTC) + timedelta(days=30))
    assert only(late, "held").acts


def test_a_hold_whose_time_is_over_must_be_given_back(environment: PipelineEnvironment) -> None:
    ticket = Ticket(
        run="20260601t120000z-aaaaaaaa", subject="x", owner="ann", made_at=NOON, deadline=NOON + MINUTE, held=()
    )
    write_ticket(environment, ticket)
    item = only(seen(environment), "held")
    assert (item.since, item.whose, item.acts) == (NOON, "ann", True)
    assert item.next == "prefect deployment run hold-watch/hold-watch -p mode=apply"


def test_the_kill_switch_is_told_with_since_when_whose_and_which(environment: PipelineEnvironment) -> None:
    policies(environment, kill_switch=["2026-06-01 12:00 UTC ann: fire: really", "somebody typed this"])
    one, other = items(seen(environment), "held")
    assert (one.what, one.since, one.whose) == ("The kill switch stops every change: fire: really", NOON, "ann")
    assert one.next == "remediate kill-switch off 1 --reason WHY"
    assert (other.since, other.whose, other.next) == (None, "", "remediate kill-switch off 2 --reason WHY")
    assert one.acts


def test_a_pause_that_the_pipeline_has_set_itself_is_told(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    environment.catalogue_overlay = OWN
    sandbox.store.put(DATA, MARKER, b"", quiet=True)
    item = only(seen(environment), "held")
    assert "has paused its daily automation itself" in item.what
    assert item.next == f"gcloud storage cat gs://{DATA}/{MARKER}"
