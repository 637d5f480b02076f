"""A hundred scenes without an override that is wrong, and records that are odd but valid: nothing is found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.server import Sandbox
from tasks.override_audit.audit import Audited
from tasks.override_audit.check import OverrideAudit, Question, word_of
from tasks.override_audit.follow_up import Followed
from tasks.remediation.check import check
from tasks.remediation.context import Context
from tests.override_audit.planted import recorded
from tests.override_audit.planted_switches import ago, in_argument
from tests.override_audit.world import (
    GATE,
    HOUR,
    audited,
    data_set,
    declared,
    dumped,
    environment_of,
    january,
    job_ran,
    log_entry,
    metadata,
    put,
    put_scene,
    record,
    report,
    stamp,
)

Odd = Callable[[Sandbox, PipelineEnvironment, str], object]


def blocked(sandbox: Sandbox, scene: str) -> datetime:
    at = ago(10)
    put_scene(sandbox, scene, at, report(at, GATE))
    return at


def other_order(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    at = blocked(sandbox, scene)
    said = dict(reversed(metadata(at).items()))
    declared(sandbox, scene, at, said)
    made = dict(reversed(record(f"apr_{scene}", scene, at, said).items()))
    put(sandbox, f"scenes/{scene}/approvals/apr_1.json", made)
    put(sandbox, f"scenes/{scene}/approvals/audit/apr_1_overridden.json", log_entry(f"apr_{scene}", scene, at, said))


def extra_fields(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    at = blocked(sandbox, scene)
    declared(sandbox, scene, at, metadata(at, reviewed_with=["a", 1, None], züge="ja"), slack_thread={"ts": 1.5})


def zones(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    at = blocked(sandbox, scene)
    told = at.astimezone(timezone(timedelta(hours=5, minutes=30))).isoformat()
    said = metadata(at, timestamp=told)
    sandbox.firestore.put("quality_gate_approvals", f"apr_{scene}", record(f"apr_{scene}", scene, at))
    entry = log_entry(f"apr_{scene}", scene, at, said)
    sandbox.firestore.put("quality_gate_approvals_audit", f"log-{scene}", entry)


def no_zone(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    at = blocked(sandbox, scene)
    declared(sandbox, scene, at, metadata(at, timestamp=at.replace(tzinfo=None).isoformat()))


def firestore_times(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    at = blocked(sandbox, scene)
    id_ = declared(sandbox, scene, at)
    sandbox.firestore.put("quality_gate_approvals", id_, record(id_, scene, at, approved_at=at, created_at=at))


def january_file(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    at = blocked(sandbox, scene)
    put(sandbox, f"scenes/{scene}/approvals/apr_1.json", record(f"apr_{scene}", scene, at, january(at)))


def january_log(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    at = blocked(sandbox, scene)
    entry = log_entry(f"apr_{scene}", scene, at, january(at), override_metadata_hash=None)
    lines = b"\n".join(json.dumps(one).encode() for one in (entry, entry)) + b"\n\n"
    put(sandbox, f"approvals/{scene}/audit/audit.log.jsonl", lines)


def migrated(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    """Records that went from files to Firestore: the file stays, of an earlier time, and the log is there twice."""
    at = blocked(sandbox, scene)
    id_ = declared(sandbox, scene, at)
    sandbox.firestore.put("quality_gate_approvals_audit", f"again-{scene}", log_entry(id_, scene, at))
    waiting = record(id_, scene, at, {}, status="pending", approved_by=None, approved_at=None)
    put(sandbox, f"approvals/{scene}/{id_}.json", waiting)


def override_after_expiry(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    """The pipeline lets a request be overridden when its time is over."""
    at = blocked(sandbox, scene)
    declared(sandbox, scene, at, expires_at=stamp(at - HOUR))


def approved_in_time(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    at = blocked(sandbox, scene)
    declared(sandbox, scene, at, status="approved", override_metadata=None, approved_by="qa@example.com")


def approved_for_ever(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    at, last = blocked(sandbox, scene), "9999-12-31T23:59:59Z"
    declared(
        sandbox, scene, at, status="approved", override_metadata=None, approved_by="qa@example.com", expires_at=last
    )


def times_of_no_year(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    """Times that are before the first year or after the last one in UTC: in a record, in a report and in a marker."""
    at, first, last = ago(10), "0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-08:00"
    put_scene(sandbox, scene, at, report(at, GATE) | {"timestamp": first})
    declared(sandbox, scene, at, metadata(at, expires_at=last), created_at=first)
    put(sandbox, f"scenes/{scene}/replicator/.replicator_complete", {"status": "complete", "timestamp": last})


def rejected(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    at = ago(10)
    put_scene(sandbox, scene, at, report(at, GATE), went_on=False)
    declared(sandbox, scene, at, status="rejected", override_metadata=None, approved_by="qa@example.com")


def waits(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    at = ago(10)
    put_scene(sandbox, scene, at, report(at, GATE), went_on=False)
    made = record(f"apr_{scene}", scene, at, {}, status="pending", approved_by=None, approved_at=None)
    sandbox.firestore.put("quality_gate_approvals", f"apr_{scene}", made)


def blocked_and_stopped(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    put_scene(sandbox, scene, ago(10), report(ago(10), GATE), went_on=False)


def blocked_after_it_went_on(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    """The replicator's marker is older than the report by what both say, though the object was written later."""
    put_scene(sandbox, scene, ago(10), report(ago(5), GATE))


def june_report(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    more = {
        "report_version": "2.0",
        "required_checkpoints": [],
        "skipped_checkpoints": ["scene_ready"],
        "skip_reasons": {},
    }
    put_scene(sandbox, scene, ago(10), report(ago(10), GATE, passed=True, **more))


def only_a_warning(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    said = report(ago(10), "qg-2-physics", proceed=True)
    said["results"][0]["severity"] = "warning"
    put_scene(sandbox, scene, ago(10), said)


def harmless_switches(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    env = {"BYPASS_QUALITY_GATES": "", "REQUIRE_QUALITY_GATES": "true", "USE_MOCK_DATA": "false", "BP_QUALITY": "x",
           "BP_QUALITY_NOTIFICATIONS_SLACK_WEBHOOK_URL": "https://example.com", "INTERACTIVE_FAILURE_POLICY": "strict"}  # fmt: skip
    job_ran(sandbox, "simready-job", ago(4), SCENE_ID=scene, **env)
    in_argument(enforce_quality_gates=True, bundle_tier="pro")(sandbox, environment, scene)


def declared_switch(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    """A bypass in one run, of a scene whose override names it and held then."""
    recorded(environment, scene, switch="BYPASS_QUALITY_GATES")
    job_ran(sandbox, "simready-job", datetime.now(UTC) + timedelta(seconds=1), SCENE_ID=scene, BYPASS_QUALITY_GATES="1")


def old_run(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    """Before the window."""
    job_ran(sandbox, "replicator-job", ago(24 * 40), SCENE_ID=scene, BYPASS_QUALITY_GATES="1")


def declared_data_set(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    """Made without gates, and an override of then names the switch."""
    recorded(environment, scene, switch="bypass_quality_gates")
    data_set(sandbox, scene, bypass_enabled=True)


def asked_again(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    """The gates were asked again after the data set was made: another time, another hash."""
    where = "episode-generation-job/quality_gate_report.json"
    said = {
        "report_timestamp": stamp(ago(20)),
        "report_hash": "0" * 64,
        "report_path": f"/mnt/gcs/scenes/{scene}/{where}",
    }
    data_set(sandbox, scene, bypass_enabled=False, **said)
    put(sandbox, f"scenes/{scene}/{where}", report(ago(10), "qg-6-episodes", passed=True))


def upper_case_hash(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    """The same report, and its hash in capitals."""
    where, at = "episode-generation-job/quality_gate_report.json", ago(10)
    made = report(at, "qg-6-episodes", passed=True)
    digest = hashlib.sha256(dumped(made)).hexdigest().upper()
    put(sandbox, f"scenes/{scene}/{where}", made)
    said = {"report_timestamp": stamp(at), "report_hash": digest, "report_path": f"/mnt/gcs/scenes/{scene}/{where}"}
    data_set(sandbox, scene, bypass_enabled=None, **said)


def odd_data_sets(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    """That say nothing of gates, in every form."""
    data_set(sandbox, scene, bypass_enabled="env:BYPASS_QUALITY_GATES", report_hash=7, report_path=None)
    for number, body in enumerate((b"", b"[]", b"{", b'{"lineage": [1]}', b'{"lineage": {"quality_gates": "yes"}}')):
        put(sandbox, f"scenes/{scene}/episodes/geniesim_{number}/lerobot/meta/info.json", body)


ODD: tuple[Odd, ...] = (
    other_order, extra_fields, zones, no_zone, firestore_times, january_file, january_log, migrated, override_after_expiry,
    approved_in_time, approved_for_ever, times_of_no_year, rejected, waits, blocked_and_stopped, blocked_after_it_went_on, june_report, only_a_warning,
    harmless_switches, declared_switch, old_run, declared_data_set, asked_again, upper_case_hash, odd_data_sets,
)  # fmt: skip


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[Sandbox, PipelineEnvironment]]:
    with Sandbox(job_seconds=0.02, seed=7) as sandbox:
        environment = environment_of(sandbox)
        yield sandbox, environment
        environment.close()


@pytest.fixture(scope="module")
def seen(world: tuple[Sandbox, PipelineEnvironment]) -> Audited:
    sandbox, environment = world
    make_scene(sandbox.store, "sandbox-scenes", "kitchen_001", "kitchen", objects=4)
    for number in range(100):
        at = ago(10 + number)
        put_scene(sandbox, f"clean_{number:03}", at, report(at, GATE, "qg-2-physics", passed=True))
    for odd in ODD:
        odd(sandbox, environment, odd.__name__)
    return audited(environment)


def test_nothing_is_found_on_a_hundred_clean_scenes_and_one_that_the_pipeline_made(seen: Audited) -> None:
    assert [one for one in seen.findings if one.scene.startswith(("clean", "kitchen"))] == []
    assert (seen.facts.unknown, seen.facts.judged_on["qg-2-physics"] > 100) == ([], True)


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.__name__)
def test_a_record_that_is_odd_but_valid_is_no_finding(seen: Audited, odd: Odd) -> None:
    assert [one for one in seen.findings if odd.__name__ in (one.scene, one.override.removeprefix("apr_"))] == []


def test_nothing_at_all_is_found_and_the_word_says_so(seen: Audited) -> None:
    assert [one.sentence for one in seen.findings] == []
    assert word_of(Followed(seen)) == "nothing_to_do"
    assert {one.id for one in seen.decisions} >= {"apr_january_file", "apr_january_log", "apr_zones"}


def test_it_asks_only_and_lists_the_scenes_once(world: tuple[Sandbox, PipelineEnvironment], seen: Audited) -> None:
    sandbox, environment = world
    sandbox.requests.reset()
    audited(environment)
    counts = sandbox.requests.snapshot()
    assert sandbox.requests.mutating()["total"] == 0
    assert counts["storage.objects.list"] <= 6  # scenes, the folder of approvals, the ledgers and the one that there is


@pytest.mark.parametrize("service", ["firestore", "executions", "run", "scheduler", "workflows", "storage"])
def test_what_cannot_be_asked_is_unknown_and_nothing_is_made_of_it(
    world: tuple[Sandbox, PipelineEnvironment], seen: Audited, service: str
) -> None:
    sandbox, environment = world
    sandbox.faults.add(FaultRule(service=service, kind="status", status=403))
    try:
        one = check(OverrideAudit(), Context(environment, "a test"), Question())
    finally:
        sandbox.faults.clear()
    assert one.facts is not None
    assert one.facts.facts.seen.facts.unknown != []
    assert (one.outcome, one.facts.facts.seen.findings) == ("partial", [])


@pytest.mark.parametrize("days", [0, -1, 401])
def test_a_window_that_makes_no_sense_is_refused(world: tuple[Sandbox, PipelineEnvironment], days: int) -> None:
    one = check(OverrideAudit(), Context(world[1], "a test"), Question(days))
    assert (one.outcome, one.reasons) == ("refused", [f"{days} days make no sense: name 1 to 400."])
