"""What is overdue and when it was last proved, each with since when and the exact command."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from blocks.approvals import Undecided
from blocks.environment import PipelineEnvironment
from blocks.errors import TemporaryError
from blocks.schedules import ScheduledDeployment
from deployments.sandbox.server import Sandbox
from tasks.backup.calendar import ProvedNight
from tasks.overview import overdue, proved
from tasks.overview.proved import SILENT, VERIFIED_BY, unproved
from tasks.overview.state import State
from tasks.remediation.context import Context
from tasks.survival.watchdog import HEARTBEAT, beat
from tests.backup.world import done as backed_up
from tests.backup.world import fill, verified
from tests.overview.world import items, only, seen, unknown

DATA, OPS, BACKUP = "sandbox-scenes", "sandbox-ops", "sandbox-backup"
NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def scheduled(name: str = "doctor", state: str = "COMPLETED", late: datetime | None = None) -> ScheduledDeployment:
    return ScheduledDeployment(name, late, NOON, NOON, state)


def asked(monkeypatch: pytest.MonkeyPatch, *known: ScheduledDeployment) -> State:
    """What is made of these answers of Prefect."""
    monkeypatch.setattr(overdue, "need_prefect", lambda: None)
    monkeypatch.setattr(overdue, "scheduled_deployments", lambda grace: list(known))
    state = State(NOON)
    overdue.ask_schedules(None, state)  # type: ignore[arg-type]
    return state


def test_a_schedule_that_did_not_run_is_overdue_since_then(monkeypatch: pytest.MonkeyPatch) -> None:
    state = asked(monkeypatch, scheduled(), scheduled("sweep", late=NOON - MINUTE), scheduled("watch", "CRASHED"))
    late, crashed = items(state, "overdue")
    assert (late.since, late.next) == (NOON - MINUTE, "prefect work-pool ls")
    assert (crashed.since, crashed.next) == (NOON, "prefect flow-run ls --state CRASHED")


@pytest.mark.parametrize(("word", "acts"), [("COMPLETED", False), ("FAILED", True), ("CRASHED", True)])
def test_the_doctors_last_run_is_told(monkeypatch: pytest.MonkeyPatch, word: str, acts: bool) -> None:
    item = only(asked(monkeypatch, scheduled(state=word)), "proved")
    assert (item.since, item.acts, item.next) == (NOON, acts, "remediate doctor" if acts else "")


def test_a_doctor_that_never_ran_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "No run of the doctor" in unknown(asked(monkeypatch), "proved")


def test_an_approval_that_nobody_gave_is_overdue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overdue, "need_prefect", lambda: None)
    monkeypatch.setattr(overdue, "undecided", lambda since: [Undecided("recover a (apply)", NOON)])
    state = State(NOON)
    overdue.ask_approvals(None, state)  # type: ignore[arg-type]
    item = only(state, "overdue")
    assert item.what.startswith("recover a (apply) waited for an approval until 2026-06-01 12:00 UTC")
    assert (item.since, item.acts) == (NOON, True)


def test_without_prefect_no_server_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TemporaryError, match="set PREFECT_API_URL"):
        overdue.need_prefect()


# Last proved


def test_a_night_that_is_too_old_partial_or_not_verified_is_overdue(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    assert only(seen(environment), "overdue").next == "remediate backup --apply"
    fill(sandbox.store, 3)
    night = backed_up(environment)
    assert items(seen(environment), "overdue") == [], "it is verified a while later"
    (shown,) = [one for one in items(seen(environment), "proved") if one.whose == "nightly-backup"]
    assert (shown.since, shown.acts) == (night.begun_at, False)
    assert "captured, not verified" in shown.what
    told = {one.next for one in items(seen(environment, night.begun_at + timedelta(hours=30)), "overdue")}
    assert told == {"remediate backup --apply", "remediate verify-backup"}


def test_a_night_with_findings_must_be_looked_at() -> None:
    assert unproved(ProvedNight("n", NOON, "findings"), NOON)[0].next == "remediate verify-backup n"
    assert unproved(ProvedNight("n", NOON, "captured"), NOON + VERIFIED_BY) == []
    assert unproved(ProvedNight("n", NOON, "proved"), NOON + 9 * VERIFIED_BY) == []


def test_a_damaged_night_is_overdue(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    fill(sandbox.store, 3)
    night = backed_up(environment).night
    verified(environment)
    (summary,) = [one for one in sandbox.store.list(BACKUP, "") if one.name.endswith(f"{night}/summary.json")]
    sandbox.store.put(BACKUP, summary.name, b"{}", quiet=True)
    assert "look at it" in only(seen(environment), "overdue").what


def test_a_night_whose_verification_cannot_be_read_is_unknown(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    fill(sandbox.store, 3)
    night = backed_up(environment).night
    verified(environment)
    state = State(datetime.now(UTC))
    found = [ProvedNight(night, NOON, "unread")]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(proved, "proved_nights", lambda *_: found)
        proved.ask_nights(Context(environment, "look"), state)
    (one,) = state.parts["proved"].unknown
    assert (one.what, one.next) == (
        f"Whether night {night} is proved could not be read.",
        f"remediate verify-backup {night}",
    )


def test_a_heartbeat_that_stopped_is_told(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    assert "has never said that all is well" in unknown(seen(environment), "proved")
    beat(Context(environment, "x"), NOON)
    told = [one for one in items(seen(environment, NOON + SILENT), "proved") if one.whose == "watchdog"]
    assert [(one.since, one.acts) for one in told] == [(NOON, False)]
    told = [one for one in items(seen(environment, NOON + SILENT + MINUTE), "proved") if one.whose == "watchdog"]
    assert [(one.acts, one.next) for one in told] == [(True, "prefect deployment run watchdog/watchdog")]
    for body in (b"{}", b"[]", b"no", b'{"at": "2026-06-01"}'):
        sandbox.store.put(OPS, HEARTBEAT, body)
        assert "is no heartbeat" in unknown(seen(environment), "proved"), body


def test_without_a_backup_bucket_the_nights_are_unknown(environment: PipelineEnvironment) -> None:
    environment.backup_bucket = ""
    assert "names no backup bucket" in unknown(seen(environment), "proved")
    assert items(seen(environment), "overdue") == []
