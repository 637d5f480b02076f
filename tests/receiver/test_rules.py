"""What each shipped rule is about, what it is not about, and that different failures are never taken for the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from blocks.environment import PipelineEnvironment
from deployments.receiver.decode import DECODERS
from deployments.receiver.facts import ASKS, CHECKS
from deployments.receiver.rule import Rule, at, filled
from deployments.receiver.rules import SHIPPED, Event, Rules, load_rules, read_rules
from deployments.receiver.strict import Undecodable
from tests.receiver import messages as m
from tests.receiver.world import plain_environment

HOME = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def rules() -> Rules:
    return load_rules(plain_environment())


def event_of(rules: Rules, sent: m.Sent) -> Event | None:
    path, headers, body = sent
    return rules.event_of(DECODERS[path](headers, body))


def told(rules: Rules, sent: m.Sent) -> Event:
    event = event_of(rules, sent)
    assert event is not None
    return event


@pytest.mark.parametrize(
    "path",
    [
        "geniesim/.failed",
        "geniesim/.geniesim_failed",
        "assets/.failed",
        "assets/.regen3d_failed",
        "assets/.interactive_failed",
        "usd-assembly-job/.failed",
    ],
)
def test_a_failure_marker_by_any_of_its_names_is_a_failed_stage(rules: Rules, path: str) -> None:
    event = told(rules, m.notification(f"scenes/a-1/{path}"))
    assert event.rule == "failure-marker"
    assert event.values["scene_id"] == "a-1"
    assert event.values["stages"]


@pytest.mark.parametrize(
    "sent",
    [
        m.notification("scenes/a/geniesim/scene_graph.json"),
        m.notification("scenes/a/assets/.regen3d_complete"),
        m.notification(bucket="another-bucket"),
        m.notification(event="OBJECT_DELETE"),
        m.notification(event="OBJECT_METADATA_UPDATE"),
        m.notification("scenes/../geniesim/.failed"),
        m.notification("scenes/a b/geniesim/.failed"),
        m.notification("elsewhere/a/geniesim/.failed"),
        m.notification("scene-generation/.failed"),
        m.notification("scenes/a/input/Screenshot 10.00\u202fAM.png"),
        m.notification("dead-letter/resolved/1.json"),
        m.pubsub(m.workflow_failed("not-ours")),
        m.pubsub(m.workflow_failed(state="SUCCEEDED")),
        m.pubsub(m.job_failed("not-ours")),
        m.pubsub(m.job_failed(said="has completed successfully.")),
        m.pubsub(m.job_failed() | {"logName": "projects/p/logs/cloudaudit.googleapis.com%2Factivity"}),
        m.pubsub(m.not_scaled_up("scale.up.error.other")),
        m.pubsub(m.pod_event("web-0", "Unhealthy")),
        m.pubsub(m.pod_event("geniesim-server-0", "Pulled")),
        m.pubsub(m.machine_refused("the name is taken")),
        m.pubsub({"some": "thing"}),
        m.pubsub(),
    ],
)
def test_everything_else_is_of_no_interest(rules: Rules, sent: m.Sent) -> None:
    assert event_of(rules, sent) is None


@pytest.mark.parametrize("road", list(m.roads()))
def test_the_same_marker_by_any_road_is_the_same_event(rules: Rules, road: str) -> None:
    assert told(rules, m.roads()[road]) == told(rules, m.notification())


CASES: dict[str, tuple[m.Sent, str, str]] = {
    "workflow-failed": (m.pubsub(m.workflow_failed()), "workflow", "usd-assembly-pipeline"),
    "job-failed": (m.pubsub(m.job_failed()), "execution", "simready-job-x1"),
    "gpu-not-scaled-up": (m.pubsub(m.not_scaled_up()), "reason", "scale.up.error.out.of.resources"),
    "gpu-pod-waits": (m.pubsub(m.pod_event("geniesim-gpu-a-1", "FailedScaleUp")), "cluster", "blueprint-cluster"),
    "gpu-machine-refused": (m.pubsub(m.machine_refused("Quota 'NVIDIA_T4_GPUS' exceeded")), "project", m.PROJECT),
    "genie-sim-unhealthy": (m.pubsub(m.pod_event("geniesim-server-0", "Unhealthy")), "pod", "geniesim-server-0"),
    "dead-letter": (m.notification("dead-letter/pending/1.json"), "name", "dead-letter/pending/1.json"),
    "alert": (m.alert(), "policy", "[Blueprint] Workflow Execution Failed"),
}


@pytest.mark.parametrize("name", list(CASES))
def test_each_rule_knows_its_own(rules: Rules, name: str) -> None:
    sent, value, expected = CASES[name]
    event = told(rules, sent)
    assert (event.rule, event.values[value]) == (name, expected)


def test_every_shipped_rule_is_tested() -> None:
    assert {rule.name for rule in read_rules(SHIPPED)} == {"failure-marker", "acknowledged-by-link", *CASES}


def test_different_failures_never_share_a_key(rules: Rules) -> None:
    sent = [
        m.notification(),
        m.notification(generation="8"),
        m.notification("scenes/kitchen_002/geniesim/.failed"),
        m.notification("scenes/kitchen_001/assets/.failed"),
        m.pubsub(m.workflow_failed()),
        m.pubsub(m.workflow_failed(execution="e-2")),
        m.pubsub(m.workflow_failed("genie-sim-export-pipeline")),
        m.pubsub(m.job_failed()),
        m.pubsub(m.job_failed(execution="other")),
        m.pubsub(m.not_scaled_up()),
        m.pubsub(m.not_scaled_up() | {"insertId": "b2"}),
        m.pubsub(m.not_scaled_up() | {"timestamp": "2026-11-01T00:00:01Z"}),
        m.alert(),
        m.alert(state="closed"),
        m.alert(number="0.def"),
        m.notification("dead-letter/pending/1.json"),
    ]
    assert len({told(rules, one).key for one in sent}) == len(sent)


def test_parts_of_an_identity_cannot_be_shifted_into_each_other(rules: Rules) -> None:
    keys = {told(rules, m.alert(number=number, policy="p")).key for number in ("1", '1", "open', "1,open", "1\\")}
    assert len(keys) == 4


def test_another_project_is_another_event() -> None:
    other = load_rules(PipelineEnvironment(project="other", data_bucket=m.DATA))
    assert told(other, m.notification()).key != told(load_rules(plain_environment()), m.notification()).key


@pytest.mark.parametrize(
    "entry",
    [
        m.workflow_failed(execution=""),
        m.workflow_failed() | {"labels": {}},
        m.workflow_failed() | {"labels": {"workflows.googleapis.com/execution_id": 3}},
        m.workflow_failed() | {"labels": {"workflows.googleapis.com/execution_id": "a\nb"}},
        m.job_failed(execution=""),
        m.job_failed(execution="a/b/"),
        m.pod_event("geniesim-0", "Unhealthy", ""),
    ],
)
def test_what_fits_a_rule_and_lacks_what_it_keeps_is_not_taken(rules: Rules, entry: dict[str, Any]) -> None:
    with pytest.raises(Undecodable):
        event_of(rules, m.pubsub(entry))


def test_paths_go_through_tables_lists_and_quoted_names() -> None:
    data = {"a": [{"b.c/d": {"e": 1}}]}
    assert at(data, 'a.0."b.c/d".e') == 1
    assert [at(data, path) for path in ("a.1", "a.x", "b", "a.0.e", 'a.0."b.c/d".e.f', "*", "a.*.x")] == [None] * 7
    assert at([{}, {"x": None}, {"x": 2}, {"x": 3}], "*.x") == 2


def test_templates_are_filled_and_nothing_in_a_value_is_a_template() -> None:
    values = {"a": "{b}", "b": "{{ event }}"}
    assert filled({"x": ["{a}-{b}"], "y": "plain"}, values) == {"x": ["{b}-{{ event }}"], "y": "plain"}


RULE: dict[str, Any] = {
    "name": "own",
    "about": "A rule of an installation.",
    "kind": "other",
    "when": {"attributes.type": "com.example.broken"},
    "values": {"id": "attributes.id"},
    "identity": ["id"],
    "event": "pipeline.own.broken",
    "resource": "own.{id}",
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"identity": ["missing"]}, "missing"),
        ({"identity": []}, "identity"),
        ({"when": {}}, "when"),
        ({"resource": "own.{scene_id}"}, "scene_id"),
        ({"unless": ["gone"]}, "bucket"),
        ({"unless": ["whatever"]}, "whatever"),
        ({"asks": ["whatever"]}, "whatever"),
        ({"event": "prefect.flow-run.Running"}, "event"),
        ({"run": {"deployment": "no-slash"}}, "deployment"),
        ({"run": {"deployment": "a/b", "parameters": {"x": "{unknown}"}}}, "unknown"),
        ({"when": {"a": {"matches": "("}}}, "matches"),
        ({"typo": 1}, "typo"),
        ({"name": "Has Blanks"}, "name"),
        ({"resource": "own.{id-1}"}, "brace"),
        ({"run": {"deployment": "a/b", "parameters": {"x": ["{id"]}}}, "brace"),
        ({"values": {"id": {"path": "attributes.id", "matches": "no group"}}}, "one group"),
        ({"values": {"id": {"path": "attributes.id", "matches": "("}}}, "regular expression"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_when_it_is_read(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Rule.model_validate(RULE | change)


def test_an_identity_must_come_from_the_message_itself() -> None:
    shipped = next(rule for rule in read_rules(SHIPPED) if rule.name == "workflow-failed").model_dump(mode="json")
    with pytest.raises(ValueError, match="not in the message"):
        Rule.model_validate(shipped | {"identity": ["scene_id"]})


def test_rules_of_an_installation_are_asked_first_and_replace_shipped_ones(tmp_path: Path) -> None:
    shipped = next(rule for rule in yaml.safe_load(SHIPPED.read_text())["rules"] if rule["name"] == "alert")
    own = tmp_path / "own.yaml"
    own.write_text(yaml.safe_dump({"rules": [RULE, shipped | {"event": "pipeline.own.alert"}]}))
    rules = load_rules(plain_environment(), own)
    assert list(rules.by_name)[:2] == ["own", "alert"]
    assert rules.by_name["alert"].event == "pipeline.own.alert"
    assert told(rules, m.binary("com.example.broken", {}, "17")).values == {"id": "17"}
    assert told(rules, m.notification()).rule == "failure-marker"


@pytest.mark.parametrize("content", ["", "[]", "rules: 3", "rules: [{}]", "{"])
def test_a_file_that_holds_no_rules_is_refused(tmp_path: Path, content: str) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(content)
    with pytest.raises(ValueError):
        load_rules(plain_environment(), own)


def test_two_rules_of_one_name_are_refused(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(yaml.safe_dump({"rules": [RULE, RULE]}))
    with pytest.raises(ValueError, match="same name"):
        load_rules(plain_environment(), own)


PAGE = (HOME / "docs" / "events.md").read_text()


@pytest.mark.parametrize("rule", read_rules(SHIPPED), ids=lambda rule: rule.name)
def test_the_page_tells_of_every_shipped_rule(rule: Rule) -> None:
    (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{rule.name}` |")]
    assert rule.event.removesuffix(".{state}") in line
    assert rule.resource.partition("{")[0] in line
    assert ("nothing" not in line) == (rule.run is not None)


def test_the_example_of_the_page_is_a_rule(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(PAGE.partition("```yaml\n")[2].partition("```")[0])
    (rule,) = read_rules(own)
    assert rule.run is not None


def test_the_page_names_every_fact_and_every_road() -> None:
    for name in (*ASKS, *CHECKS, *DECODERS):
        assert f"`{name}`" in PAGE
