"""What is told of a scene whose override was over, or that was restored since."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.override_audit import stored
from tasks.override_audit.audit import audit
from tasks.override_audit.facts import Facts, Scene, Written
from tasks.override_audit.judge_scenes import judge_scene, regressed, went_on
from tasks.override_audit.merge import disagreements, merged
from tasks.override_audit.records import decision_of, logged_of
from tasks.override_audit.stored import Stored, from_folder
from tasks.remediation.context import Context
from tests.override_audit.test_judges import CATALOGUE, HOUR, NOW, blocks, decision, done
from tests.override_audit.world import (
    GATE,
    audited,
    codes,
    environment_of,
    log_entry,
    metadata,
    put,
    put_scene,
    record,
    report,
    stamp,
)

EARLIER = timedelta(hours=20)


def test_a_gate_that_was_passed_after_its_override_was_revoked_is_told() -> None:
    """By the marker of its own stage: no later stage has gone on."""
    gone = Scene("s", reports=[blocks()], written=[done(NOW - 4 * HOUR, "usd/.usd_complete", "usd")])
    revoked = decision(word="revoked", revoked=NOW - 4.5 * HOUR)
    (one,) = judge_scene(gone, [revoked], CATALOGUE, NOW)
    assert (one.code, one.override) == ("gate-passed-silently", revoked.id)
    assert one.sentence.endswith("all the same; apr_1 did not hold at that time.")


@pytest.mark.parametrize("mended", [False, True])
def test_a_silent_pass_is_followed_to_the_stage_that_failed_later(mended: bool) -> None:
    failed = Written("geniesim/.failed", ("genie-sim-export",), NOW - 3 * HOUR, failure=True)
    made = [done(NOW - HOUR, "geniesim/.geniesim_complete", "genie-sim-export")] if mended else []
    gone = Scene("s", reports=[blocks()], written=[done(NOW - 4 * HOUR, "usd/.usd_complete", "usd"), failed, *made])
    (one,) = judge_scene(gone, [], CATALOGUE, NOW)
    assert one.sentence.endswith("nobody recorded why." + ("" if mended else " Since then genie-sim-export failed."))


def test_an_override_that_had_ended_and_was_revoked_later_did_not_hold() -> None:
    gone = Scene("s", reports=[blocks()], written=[done(NOW - 4 * HOUR)])
    over = decision(word="revoked", until=NOW - 4.5 * HOUR, revoked=NOW - HOUR)
    assert [one.code for one in judge_scene(gone, [over], CATALOGUE, NOW)] == ["gate-passed-silently"]


def test_a_scene_that_was_restored_after_a_revocation_is_not_accused() -> None:
    failed = Written("geniesim/.failed", ("genie-sim-export",), NOW, failure=True)
    said = {"replicator/.replicator_complete": NOW - EARLIER, "geniesim/.failed": NOW - EARLIER}
    restored = Scene("s", written=[done(NOW), failed], payload_times=said)
    one = decision(word="revoked", revoked=NOW - HOUR)
    assert went_on(restored, one, CATALOGUE, NOW - HOUR) == []
    assert regressed(restored, one, CATALOGUE) == []


@pytest.mark.parametrize("place", ["quality_gate_approvals", "a file of the scene"])
def test_a_gate_that_passes_since_before_the_window_is_not_told_of_an_override_that_is_over(
    sandbox: Sandbox, place: str
) -> None:
    """The report is older than the window, and the override ended in it."""
    environment, at = environment_of(sandbox), datetime.now(UTC)
    put_scene(sandbox, "s", at, report(at, GATE, passed=True))
    made = record("apr_1", "s", at, metadata(at, expires_at=stamp(at + timedelta(days=2.5))))
    if place.startswith("quality"):
        sandbox.firestore.put(place, "apr_1", made)
    else:
        put(sandbox, "scenes/s/approvals/apr_1.json", made)
    seen = audit(Context(environment, "a test"), 1, now=at + timedelta(days=3))
    environment.close()
    assert "override-expired" not in codes(seen)
    assert [one.id for one in seen.decisions] == ["apr_1"]


def test_an_expiry_that_was_edited_is_judged_by_the_earlier_one() -> None:
    """The log has it with a right hash. Where the log's own was forged, it says nothing."""
    at, late = NOW - 50 * HOUR, metadata(NOW, expires_at=stamp(NOW + 50 * HOUR))
    early = metadata(at, expires_at=stamp(NOW - HOUR))
    edited = decision_of(record("apr_1", "s", at, late), "here")
    entry, forged = (
        logged_of(log_entry("apr_1", "s", at, early, **more), "log", "x")
        for more in ({}, {"override_metadata_hash": "0"})
    )
    assert edited and entry and forged
    assert [one.until for one in merged([edited], [entry])] == [NOW - HOUR]
    assert [one.until for one in merged([edited], [forged])] == [NOW + 50 * HOUR]


def test_a_log_that_was_emptied_lacks_every_override_of_its_store(sandbox: Sandbox) -> None:
    environment, at = environment_of(sandbox), datetime.now(UTC) - HOUR
    sandbox.firestore.put("quality_gate_approvals", "apr_1", record("apr_1", "s", at))
    seen = audited(environment)
    environment.close()
    assert codes(seen, "s") == {"not-in-log"}


def test_a_request_that_was_rejected_and_overridden_later_is_not_told_as_edited() -> None:
    """The copy of the earlier time stays."""
    stale = decision_of(record("apr_1", "s", NOW, status="rejected"), "file")
    entries = [logged_of({"action": one, "request_id": "apr_1"}, "log", "x") for one in ("REJECTED", "APPROVED")]
    stored_ = Stored(decisions=[stale] if stale else [], logged=[one for one in entries if one])
    assert [one.code for one in disagreements(stored_, NOW)] == []


def test_an_approval_file_that_is_too_large_leaves_its_own_scene_unknown_and_no_other(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    put(sandbox, "approvals/good/apr_good.json", record("apr_good", "good", NOW))
    put(sandbox, "approvals/large/apr_large.json", b"{" + b" " * stored.MOST_BYTES)
    facts, found = Facts(NOW, NOW - EARLIER), Stored()
    from_folder(environment, facts, found)
    assert [one.scene for one in found.decisions] == ["good"]
    assert (facts.records_known, facts.unsure) == (True, {"large"})
    assert "apr_large.json was not read: 4,000,001 bytes are no record." in facts.unknown[0]


def test_an_approval_file_that_is_replaced_while_it_is_read_hides_no_other(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    put(sandbox, "approvals/gone/apr_gone.json", record("apr_gone", "gone", NOW))
    put(sandbox, "approvals/good/apr_good.json", record("apr_good", "good", NOW))
    sandbox.faults.add(FaultRule(service="storage", method="objects.media", kind="status", status=404, times=1))
    facts, found = Facts(NOW, NOW - EARLIER), Stored()
    from_folder(environment, facts, found)
    assert len(found.decisions) == len(facts.unsure) == 1
    assert (facts.records_known, facts.unknown) == (True, [])
