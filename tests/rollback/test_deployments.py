"""A Deployment goes back to a former revision that a person names, and the rollout has to finish."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.rollback.cluster import changed
from tests.rollback.world import SPACE, apps, deploy, live_deployment, on_step, page, rollback, undone


@pytest.fixture
def web(environment: PipelineEnvironment, sandbox: Sandbox) -> PipelineEnvironment:
    """A Deployment at its second revision, whose variables are secrets."""
    deploy(environment, "ghcr.io/p/web@sha256:" + "1" * 64, TOKEN="hunter1", MODE="fast")
    deploy(environment, "ghcr.io/p/web@sha256:" + "2" * 64, TOKEN="hunter2", EXTRA="x")
    return environment


def image(environment: PipelineEnvironment) -> str:
    """The live one."""
    return str(live_deployment(environment).template["spec"]["containers"][0]["image"])


def test_it_goes_to_the_revision_that_was_named_and_the_rollout_finishes(web: PipelineEnvironment) -> None:
    former = web.cluster.workloads.revisions(live_deployment(web))[1]
    one = rollback(web, "deployment", "web", to="1")
    assert one.outcome == "done", one.sentence()
    live = live_deployment(web)
    assert live.template == former.template
    assert (live.waits_for(), live.failure()) == ("", "")
    assert f"remediation: back to revision 1 ({one.id})" in str(live.manifest["metadata"]["annotations"])


def test_without_a_revision_nothing_is_guessed_and_those_that_there_are_are_named(web: PipelineEnvironment) -> None:
    one = rollback(web, "deployment", "web")
    assert one.outcome == "escalated"
    assert "revision 1 (web@sha256:111111111111)" in one.reasons[0]
    assert "--to" in one.reasons[0]
    assert image(web).endswith("2" * 64)


def test_a_plan_names_what_changes_without_any_value(web: PipelineEnvironment, sandbox: Sandbox) -> None:
    sandbox.requests.reset()
    one = rollback(web, "deployment", "web", to="1", mode="plan", reason="")
    assert one.outcome == "planned"
    assert sandbox.requests.mutating() == {"total": 0}
    text = page(one)
    assert "- **main**\n" in text and ": ghcr.io/p/web@sha256:" in text
    for field in ("env.TOKEN.value", "env.EXTRA.value", "env.MODE.value"):
        assert f"`spec.containers.main.{field}`" in text
    assert "hunter" not in text


def test_no_value_is_journalled(web: PipelineEnvironment, sandbox: Sandbox) -> None:
    rollback(web, "deployment", "web", to="1")
    journal = [found.data.decode() for found in sandbox.store.list("sandbox-ops", "remediation/journal/")]
    assert journal
    assert "hunter" not in "".join(journal)


@pytest.mark.parametrize("to", ["9", "one", "web@sha256:1", "01"])
def test_a_revision_that_there_is_not_is_refused(web: PipelineEnvironment, to: str) -> None:
    one = rollback(web, "deployment", "web", to=to)
    assert one.outcome == "refused"
    assert "it has 2, 1." in one.reasons[0]


def test_the_live_revision_is_nothing_to_do(web: PipelineEnvironment, sandbox: Sandbox) -> None:
    sandbox.requests.reset()
    assert rollback(web, "deployment", "web", to="2").outcome == "nothing_to_do"
    assert sandbox.requests.mutating().get("kubernetes", 0) == 0


def test_one_that_there_is_not_and_one_of_another_namespace_are_refused(web: PipelineEnvironment) -> None:
    one = rollback(web, "deployment", "scene-generation-job", to="1")
    assert one.outcome == "refused"
    assert "no Deployment scene-generation-job in namespace blueprint" in one.reasons[0]


def test_where_there_is_no_cluster_it_is_said(web: PipelineEnvironment) -> None:
    web.cluster.enabled = False
    for kind in ("deployment", "gke-job"):
        one = rollback(web, kind, "web", to="1")
        assert one.outcome == "refused"
        assert "no cluster" in one.reasons[0]


def test_a_paused_one_is_for_a_person(web: PipelineEnvironment) -> None:
    apps(web).patch_namespaced_deployment(
        "web",
        SPACE,
        [{"op": "add", "path": "/spec/paused", "value": True}],
        _content_type="application/json-patch+json",
    )
    one = rollback(web, "deployment", "web", to="1")
    assert one.outcome == "escalated"
    assert "resume it first" in one.reasons[0]


def test_a_tag_is_gone_back_to_only_by_name_and_is_said(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    deploy(environment, "ghcr.io/p/web:v1")
    deploy(environment, "ghcr.io/p/web:v2")
    one = rollback(environment, "deployment", "web", to="1")
    assert one.outcome == "done", one.sentence()
    assert any("ghcr.io/p/web:v1 is a tag" in note for note in one.notes)


def test_a_rollout_that_does_not_finish_fails_with_the_clusters_reason_and_undo_puts_back(
    web: PipelineEnvironment, sandbox: Sandbox
) -> None:
    before = live_deployment(web).template
    sandbox.cluster.controllers.broken_images.add("ghcr.io/p/web@sha256:" + "1" * 64)
    one = rollback(web, "deployment", "web", to="1")
    assert one.outcome == "failed"
    assert 'ReplicaSet of "web" has timed out progressing' in one.reasons[0]
    assert f"remediate undo @rollback.deployment.web {one.id}" in " ".join(one.reasons)
    assert undone(web, one).outcome == "done"
    assert live_deployment(web).template == before
    assert live_deployment(web).failure() == ""


def test_a_template_that_somebody_changes_meanwhile_is_left_to_them(web: PipelineEnvironment) -> None:
    context = on_step(web, "1 redeploy", lambda: deploy(web, "ghcr.io/p/theirs:1"))
    one = rollback(web, "deployment", "web", to="1", context=context)
    assert one.outcome == "failed"
    assert "was changed since it was looked at" in one.reasons[0]
    assert image(web) == "ghcr.io/p/theirs:1"


def test_a_scaling_meanwhile_is_no_other_template(web: PipelineEnvironment) -> None:
    def scale() -> None:
        apps(web).patch_namespaced_deployment_scale(
            "web", SPACE, {"spec": {"replicas": 5}}, _content_type="application/merge-patch+json"
        )

    one = rollback(web, "deployment", "web", to="1", context=on_step(web, "1 redeploy", scale))
    assert one.outcome == "done", one.sentence()
    assert live_deployment(web).manifest["spec"]["replicas"] == 5


def test_undo_puts_back_exactly_what_was_and_leaves_others_changes_alone(web: PipelineEnvironment) -> None:
    before = live_deployment(web).template
    one = rollback(web, "deployment", "web", to="1")
    assert undone(web, one).outcome == "done"
    assert live_deployment(web).template == before
    two = rollback(web, "deployment", "web", to=str(web.cluster.workloads.revisions(live_deployment(web))[1].number))
    assert two.outcome == "done", two.sentence()
    deploy(web, "ghcr.io/p/theirs:1")
    assert undone(web, two).outcome == "escalated"
    assert image(web) == "ghcr.io/p/theirs:1"


def test_undo_works_when_the_cluster_has_forgotten_the_former_revision(web: PipelineEnvironment) -> None:
    """The cluster keeps `revisionHistoryLimit` of them; the template is kept in the ops bucket."""
    before = live_deployment(web).template
    one = rollback(web, "deployment", "web", to="1")
    steps = [{"op": "replace", "path": "/spec/revisionHistoryLimit", "value": 0}]
    apps(web).patch_namespaced_deployment("web", SPACE, steps, _content_type="application/json-patch+json")
    assert len(web.cluster.workloads.revisions(live_deployment(web))) == 1
    assert undone(web, one).outcome == "done"
    assert live_deployment(web).template == before


def test_changed_fields_are_paths_without_values() -> None:
    one = {"a": 1, "list": [1, 2], "named": [{"name": "x", "v": 1}, {"name": "y", "v": 2}], "same": {"k": 1}}
    other = {"list": [1, 3], "named": [{"name": "y", "v": 3}, {"name": "z", "v": 4}], "same": {"k": 1}, "b": {"c": 1}}
    assert list(changed(one, other)) == ["a", "list", "named.x.v", "named.y.v", "named.z.v", "b.c"]
    assert list(changed(one, one)) == []
    assert list(changed({"e": [{"name": "A", "value": "1"}]}, {})) == ["e.A.value"]


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kubectl_shows_the_rollback_in_its_history(web: PipelineEnvironment, sandbox: Sandbox, tmp_path: Path) -> None:
    one = rollback(web, "deployment", "web", to="1")
    server = f"--server={sandbox.endpoints.kubernetes}"

    def kubectl(*words: str) -> str:
        command = ["kubectl", server, "-n", SPACE, "rollout", *words]
        env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        return subprocess.run(command, capture_output=True, text=True, timeout=60, env=env, check=True).stdout

    assert "successfully rolled out" in kubectl("status", "deployment/web", "--timeout=20s")
    assert f"remediation: back to revision 1 ({one.id})" in kubectl("history", "deployment/web")
