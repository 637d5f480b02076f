"""The judges, each alone: what a record must say, what a switch is covered by, and what becomes of a gate."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from blocks.catalogue_gates import OverrideRules
from blocks.catalogue_load import load_catalogue
from tasks.override_audit.facts import Decision, Facts, Report, Scene, Use, Written
from tasks.override_audit.finding import CODES, Finding, finding
from tasks.override_audit.judge_records import judge_record
from tasks.override_audit.judge_scenes import judge_scene, passed_at, regressed, went_on
from tasks.override_audit.judge_uses import covers
from tasks.override_audit.records import decision_of, differences, form_of, hash_of, logged_of, moment
from tasks.override_audit.reports import NAMELESS, report_of, stage_of
from tasks.override_audit.review import reviews
from tasks.override_audit.source import flat, in_source, passed_in
from tasks.override_audit.uses import sent_by
from tests.override_audit.world import GATE, LEAD, WHY, metadata, record

CATALOGUE = load_catalogue()
NOW = datetime(2026, 2, 8, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
RULES = CATALOGUE.gates.rules


def decision(**changes: Any) -> Decision:
    said: dict[str, Any] = {
        "id": "apr_1", "scene": "s", "gate": GATE, "word": "overridden", "where": "here", "approver": LEAD,
        "category": "known_issue", "ticket": "OPS-1", "justification": WHY, "at": NOW - 5 * HOUR, "failing": "x",
        "checkpoint": "usd_assembled",
    }  # fmt: skip
    return Decision(**said | changes)


def found(one: Decision, rules: OverrideRules = RULES, scene: Scene | None = None) -> list[str]:
    return [each.code for each in judge_record(one, rules, scene, NOW)]


def blocks(at: datetime = NOW - 8 * HOUR, **changes: Any) -> Report:
    said: dict[str, Any] = {
        "where": "r", "stage": "usd", "at": at, "updated": at, "blocks": True, "failed": (GATE,), "all_failed": (GATE,),
    }  # fmt: skip
    return Report(**said | changes)


def done(at: datetime, path: str = "replicator/.replicator_complete", stage: str = "replicator") -> Written:
    return Written(path, (stage,), at)


# Records


def test_a_record_that_says_everything_is_no_finding() -> None:
    assert found(decision()) == []


def test_only_who_is_allowed_may_approve_where_somebody_has_said_who() -> None:
    assert found(decision(), RULES.model_copy(update={"allowed_overriders": ("boss",)})) == ["not-allowed"]
    assert found(decision(), RULES.model_copy(update={"allowed_overriders": ()})) == ["not-allowed"]
    assert found(decision(), RULES.model_copy(update={"allowed_overriders": (LEAD.upper(),)})) == []


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"requester": f"{LEAD.upper()}"}, ["self-approved"]),
        ({"names_requester": True}, ["no-requester"]),
        ({"names_requester": True, "requester": "ann"}, []),
        ({"at": NOW + timedelta(minutes=9)}, []),
        ({"at": NOW + timedelta(minutes=11)}, ["time-to-come"]),
        ({"justification": "x" * 49}, ["thin-justification"]),
        ({"justification": "x" * 50}, []),
        ({"form": "january", "category": "", "justification": "x" * 10, "ticket": "a word"}, []),
        ({"form": "january", "category": "", "justification": "x" * 9}, ["thin-justification"]),
        ({"word": "approved", "category": "", "ticket": "", "justification": "", "failing": ""}, []),
        ({"word": "approved", "asked_until": NOW - 6 * HOUR}, ["approved-after-expiry"]),
        ({"asked_until": NOW - 6 * HOUR}, []),
        ({"word": "approved", "asked_until": datetime.max.replace(tzinfo=UTC)}, []),
        ({"word": "auto_approved", "approver": "SYSTEM:auto_timeout"}, ["auto-approved"]),
        ({"failing": ""}, ["nothing-failing"]),
    ],
)
def test_each_form_is_asked_for_what_it_has_a_field_for(changes: dict[str, Any], codes: list[str]) -> None:
    assert found(decision(**changes)) == codes


def test_what_failed_may_be_told_by_the_gate_s_report() -> None:
    assert found(decision(failing=""), scene=Scene("s", reports=[blocks()])) == []


def test_the_forms_are_told_apart_by_their_fields() -> None:
    assert [form_of({"reason": "x"}), form_of({"ticket": "x", "reason": "y"}), form_of({})] == [
        "january",
        "june",
        "june",
    ]


def test_the_hash_is_that_of_the_pipeline_whatever_the_order() -> None:
    assert hash_of({"b": "ü", "a": 1}) == hash_of({"a": 1, "b": "ü"})
    assert hash_of({"a": 1}) == "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"
    assert hash_of({"a": NOW}) is None


def test_two_copies_differ_by_what_they_say_and_not_by_how() -> None:
    one = metadata(NOW)
    assert differences(one, {**one, "timestamp": "2026-02-08T13:00:00+01:00", "more": 1, "ticket": " OPS-12 "}) == []
    assert differences(one, {**one, "ticket": "OPS-13", "approver_id": "x"}) == ["approver_id", "ticket"]


@pytest.mark.parametrize("value", [{}, {"status": 5, "gate_id": "x", "request_id": "y"}, {"status": "overridden"}])
def test_what_is_no_record_is_none(value: dict[str, Any]) -> None:
    assert decision_of(value, "here") is None
    assert logged_of(value, "here", "store") is None


@pytest.mark.parametrize("said", [None, "text", 7, ["list"]])
def test_metadata_of_any_kind_ends_nothing(said: Any) -> None:
    made = decision_of(record("apr_1", "s", NOW) | {"override_metadata": said, "failure_details": said}, "here")
    assert made is not None
    assert set(found(made)) == {"no-time", "no-category", "no-ticket", "no-justification"}


def test_a_time_is_read_from_text_and_from_firestore() -> None:
    assert moment(NOW) == moment("2026-02-08T12:00:00Z") == moment("2026-02-08T14:00:00+02:00") == NOW
    assert moment(NOW.replace(tzinfo=None)) == NOW
    assert moment(5) is None


# Reports


def test_a_report_belongs_to_the_stage_of_its_job_or_of_its_gates() -> None:
    assert stage_of(CATALOGUE, "usd-assembly-job/quality_gate_report.json") == "usd"
    assert stage_of(CATALOGUE, "replicator-job/quality_gate_report.json") == "replicator"
    assert stage_of(CATALOGUE, "quality_gates/quality_gate_report.json") == ""
    value = {"results": [{"gate_id": GATE, "passed": False, "checkpoint": "usd_assembled"}]}
    assert report_of(value, "r", "quality_gates/quality_gate_report.json", NOW, CATALOGUE).stage == "usd"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({}, (False, ())),
        ({"summary": {"can_proceed": False}}, (True, (NAMELESS,))),
        ({"summary": {"blocking_failures": 1}, "results": [{"gate_id": "a", "passed": False}]}, (True, ("a",))),
        ({"summary": {"can_proceed": True}, "results": [{"gate_id": "a", "passed": False}]}, (False, ())),
        ({"summary": {"can_proceed": True}, "results": [{"passed": False, "severity": "error"}]}, (False, (NAMELESS,))),
        ({"summary": "x", "results": ["a", None, {"passed": "no"}]}, (False, ())),
    ],
)
def test_a_report_blocks_by_its_summary_and_names_what_failed(
    value: Any, expected: tuple[bool, tuple[str, ...]]
) -> None:
    made = report_of(value, "r", "usd-assembly-job/quality_gate_report.json", NOW, CATALOGUE)
    assert (made.blocks, made.failed) == expected


# Scenes


def test_a_scene_that_was_restored_is_judged_by_what_its_objects_say() -> None:
    restored = Scene("s", written=[done(NOW)], payload_times={"replicator/.replicator_complete": NOW - 20 * HOUR})
    assert passed_at(restored, blocks(), CATALOGUE) is None
    assert passed_at(Scene("s", written=[done(NOW)]), blocks(), CATALOGUE) == (NOW, "replicator/.replicator_complete")


def test_only_what_is_made_from_the_stage_passes_its_gate() -> None:
    before = Scene("s", written=[done(NOW, "assets/.regen3d_complete", "regen3d")])
    assert passed_at(before, blocks(), CATALOGUE) is None
    assert passed_at(before, blocks(stage=""), CATALOGUE) is None


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({}, []),
        ({"gate": "another"}, ["gate-passed-silently"]),
        ({"word": "rejected"}, ["gate-passed-silently"]),
        ({"at": NOW - HOUR}, ["override-too-late"]),
        ({"at": None}, []),
        ({"at": NOW - 4 * HOUR + timedelta(minutes=9)}, []),
        ({"until": NOW - HOUR}, ["override-expired"]),
        ({"until": NOW + HOUR}, []),
        ({"word": "revoked", "revoked": NOW - 4.5 * HOUR}, ["went-on-after-revoke"]),
        ({"word": "revoked", "revoked": NOW - HOUR}, []),
    ],
)
def test_a_gate_is_passed_with_a_decision_that_held_then_or_without(changes: dict[str, Any], codes: list[str]) -> None:
    scene = Scene("s", reports=[blocks()], written=[done(NOW - 4 * HOUR)])
    assert [one.code for one in judge_scene(scene, [decision(**changes)], CATALOGUE, NOW)] == codes


def test_an_override_that_is_over_is_no_finding_when_the_gate_passes_by_now() -> None:
    scene = Scene("s", reports=[blocks(blocks=False, failed=(), all_failed=(), passed=(GATE,))])
    assert list(judge_scene(scene, [decision(until=NOW - HOUR)], CATALOGUE, NOW)) == []


def test_where_a_scene_went_and_what_failed_there_is_told_in_the_order_of_the_line() -> None:
    failed = Written("geniesim/.failed", ("genie-sim-export", "genie-sim-run"), NOW - HOUR, failure=True)
    scene = Scene("s", written=[failed, done(NOW - 2 * HOUR)])
    assert went_on(scene, decision(), CATALOGUE, NOW - 5 * HOUR) == ["replicator"]
    assert regressed(scene, decision(), CATALOGUE) == ["genie-sim-export", "genie-sim-run"]
    again = replace(failed, failure=False, updated=NOW, stages=("genie-sim-export",))
    assert regressed(Scene("s", written=[failed, again]), decision(), CATALOGUE) == ["genie-sim-run"]


@pytest.mark.parametrize(
    "mark",
    [
        Written("geniesim/.failed", ("genie-sim-export",), NOW - 6 * HOUR, failure=True),
        Written("assets/.failed", ("regen3d", "interactive"), NOW, failure=True),
        Written("x/.failed", ("genie-sim-export", "regen3d"), NOW, failure=True),
    ],
)
def test_an_earlier_failure_and_one_of_an_earlier_stage_are_no_regression(mark: Written) -> None:
    assert regressed(Scene("s", written=[mark]), decision(), CATALOGUE) == []


# Switches


def use(**changes: Any) -> Use:
    said = {"switch": "A", "value": "1", "way": "run", "where": "r", "meaning": "m", "at": NOW, "scene": "s"}
    return Use(**said | changes)


@pytest.mark.parametrize(
    ("one", "other", "covered"),
    [
        ({"switch": "a"}, {}, True),
        ({"switch": "B"}, {}, False),
        ({}, {}, False),
        ({"switch": "A", "scene": "t"}, {}, False),
        ({"switch": "A", "scene": ""}, {"scene": ""}, False),
        ({"switch": "A", "until": NOW - HOUR}, {}, False),
        ({"switch": "A", "at": NOW + HOUR}, {}, False),
        ({"switch": "A", "word": "pending"}, {}, False),
    ],
)
def test_a_switch_is_covered_only_by_an_override_that_names_it_and_held(
    one: dict[str, Any], other: dict[str, Any], covered: bool
) -> None:
    assert covers(decision(**one), use(**other), NOW) is covered


@pytest.mark.parametrize(
    "source",
    [
        "- name: REQUIRE_QUALITY_GATES\n  value: \"false\"\n",
        "env:\n  - {name: REQUIRE_QUALITY_GATES, value: 'false'}\n",
        '{"name": "REQUIRE_QUALITY_GATES", "value": "false"}',
        "broken: : yaml\n  - require_quality_gates: false\n",
        "require_quality_gates: false  # until OPS-12\n",
        "args: {bucket: b, require_quality_gates: false}\n",
        """body: '{"require_quality_gates": false, "x": 1}'\n""",
        "env:\n  - value: \"false\"\n    name: REQUIRE_QUALITY_GATES\n",
        'run: ${default(map.get(event, "require_quality_gates"), false)}\n',
        'run: ${default(map.get(event, ["data", "require_quality_gates"]), "false")}\n',
    ],
)  # fmt: skip
@pytest.mark.parametrize("broken", ["", "- broken: : yaml\n"], ids=["whole", "broken"])
def test_a_switch_is_found_in_a_source_of_any_shape(source: str, broken: str) -> None:
    assert [one[2] for one in in_source(CATALOGUE.gates, broken + source)] == ["false"]


@pytest.mark.parametrize("broken", ["", "- broken: : yaml\n"], ids=["whole", "broken"])
def test_a_threshold_is_set_by_any_value_even_one_of_signs(broken: str) -> None:
    found = in_source(CATALOGUE.gates, broken + """- name: BP_QUALITY_X\n  value: "{}"\n""")
    assert [one[1:] for one in found] == [("BP_QUALITY_X", "{}")]


@pytest.mark.parametrize(
    "source",
    [
        "# REQUIRE_QUALITY_GATES: false\n",
        "- name: REQUIRE_QUALITY_GATES\n  value: ${require}\n",
        "- require: ${default(map.get(event, \"enforce_quality_gates\"), true)}\n",
        "- name: REQUIRE_QUALITY_GATES\n  value: \"true\"\n",
        "- name: A\n  value: \"false\"\n- name: REQUIRE_QUALITY_GATES\n  value: ${require}\n",
        "- {name: A, value: \"false\"}\n- {name: REQUIRE_QUALITY_GATES, value: \"true\"}\n",
        "- require: true  # require_quality_gates: false\n",
        "- text: \"say require_quality_gates: false to pass\"\n",
        "- condition: ${not require_quality_gates == false}\n",
        "- BP_QUALITY_X: ${thresholds}\n- BP_QUALITY_Y: null\n- BP_QUALITY_Z:\n",
        "",
    ],
)  # fmt: skip
@pytest.mark.parametrize("broken", ["", "- broken: : yaml\n"], ids=["whole", "broken"])
def test_a_comment_an_expression_and_a_gate_that_is_kept_are_no_switch(source: str, broken: str) -> None:
    assert in_source(CATALOGUE.gates, broken + source) == []


def test_an_argument_is_searched_however_deep() -> None:
    assert dict(flat({"a": {"b": [{"c": 1}]}, "env": [{"name": "X", "value": "y"}]}))["c"] == 1
    assert dict(flat({"env": [{"name": "X", "value": "y"}]}))["X"] == "y"


def test_a_value_that_passes_no_gate_hides_no_other_of_its_name() -> None:
    argument = {"first": {"enforce_quality_gates": False}, "second": {"enforce_quality_gates": True}}
    assert [one[2] for one in passed_in(CATALOGUE.gates, flat(argument))] == ["False"]


@pytest.mark.parametrize("body", ["e30=", "", None, "bm8=", "W10=", "not base64", "abc", "\u00fc"])
def test_what_a_scheduler_sends_may_be_nothing(body: Any) -> None:
    assert sent_by({"httpTarget": {"body": body}}) == sent_by({}) == {}


# The retrospective


def review(count: int, *listed: Finding) -> str:
    made = [decision(id=f"apr_{number}", scene=f"s{number}") for number in range(count)]
    return reviews(Facts(NOW, NOW - HOUR), made, listed)[0].verdict


def said(code: str, override: str = "apr_0") -> Finding:
    return finding(code, NOW, "w", "x.", scene="s0", gate=GATE, override=override)


def test_a_gate_that_is_overridden_well_again_and_again_becomes_a_rule() -> None:
    assert [review(count) for count in (1, 2, 3)] == ["too few to tell", "too few to tell", "codify"]


def test_records_that_lack_facts_are_asked_for_more() -> None:
    assert review(5, said("no-ticket")) == "tighten"


@pytest.mark.parametrize("code", ["gate-passed-silently", "self-approved", "hash-forged", "record-edited"])
def test_what_is_passed_silently_or_by_records_nobody_believes_is_stopped(code: str) -> None:
    assert review(5, said(code)) == "stop"


def test_overrides_after_which_scenes_fail_are_stopped() -> None:
    assert review(3, said("regressed-downstream")) == "stop"
    assert review(9, said("regressed-downstream")) == "tighten"


def test_a_gate_that_fails_everywhere_is_asked_about_itself() -> None:
    facts = Facts(NOW, NOW - HOUR, failed_on={GATE: 9}, judged_on={GATE: 10})
    (one,) = reviews(facts, [decision()], [])
    assert "fails on 9 of 10 scenes" in one.why
    assert one.categories == "known_issue 1"


def test_every_code_says_what_to_do_and_by_when() -> None:
    assert all(code.hours > 0 and code.todo.endswith(".") for code in CODES.values())
