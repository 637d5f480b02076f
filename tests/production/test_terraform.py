"""Terraform gives what the table of rights says and nothing else, and wires the events so that none is lost or forged."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.production.manifests import BASE, EXAMPLE, HOME, kustomization, named, of_kind
from tests.production.terraform import (
    FOLDER,
    PERMISSION,
    ROLE,
    blocks,
    granted,
    resource,
    resources,
    rights,
)

TERRAFORM = shutil.which("terraform")
RULES = HOME / "deployments" / "receiver" / "rules.yaml"
WHO = {"flow runs": "local.flows", "the receiver": "local.receiver"}


def table() -> dict[str, set[str]]:
    """What docs/security.md gives to whom: roles and permissions."""
    text = (HOME / "docs" / "security.md").read_text()
    section = text.split("## Who may do what")[1].split("\n## ")[0]
    found: dict[str, set[str]] = {}
    for who, may in re.findall(r"^\| ([^|]+) \| ([^|]+) \|", section, re.M):
        found.setdefault(who.strip(), set()).update([*ROLE.findall(may), *PERMISSION.findall(may)])
    return found


@pytest.mark.parametrize("who", WHO)
def test_rights_are_those_of_the_table(who: str) -> None:
    given = [one for one in granted() if WHO[who] in one.text]
    assert given
    assert rights(given) == table()[who]


def test_what_google_itself_may_do_is_in_the_table_too() -> None:
    others = [one for one in granted() if not any(who in one.text for who in WHO.values())]
    assert rights(others) == table()["Google's own agents"]


def test_the_account_that_pushes_has_no_right_at_all() -> None:
    assert [one.name for one in granted() if "google_service_account.push.email" in str(one.body["member"])] == []


def test_nobody_gets_a_role_that_may_do_everything() -> None:
    text = "".join(path.read_text() for path in FOLDER.glob("*.tf"))
    assert set(re.findall(r"roles/(?:owner|editor|\w+\.admin)\b", text)) == set()
    assert "objectAdmin" not in rights(granted())


def test_no_account_has_a_key() -> None:
    assert resources("google_service_account_key") == []


def test_every_right_is_added_and_none_of_others_is_taken_away() -> None:
    """A policy or a binding of Terraform's replaces what somebody else has been given."""
    assert [one.kind for one in resources() if one.kind.endswith(("_iam_policy", "_iam_binding"))] == []


def test_every_variable_and_output_is_described() -> None:
    found = [(name, body) for kind in ("variable", "output") for one in blocks(kind) for name, body in one.items()]
    assert len(found) > 15
    assert [name for name, body in found if not body.get("description")] == []


def test_every_variable_is_used() -> None:
    text = "".join(path.read_text() for path in FOLDER.glob("*.tf") if path.name != "variables.tf")
    assert [name for one in blocks("variable") for name in one if f"var.{name}" not in text] == []


def test_leases_can_be_given_back_in_the_ops_bucket_and_deletions_undone() -> None:
    ops = resource("google_storage_bucket", "ops").body
    assert "retention_policy" not in ops
    assert ops["versioning"] == [{"enabled": True}]
    assert ops["soft_delete_policy"][0]["retention_duration_seconds"] >= 7 * 86400


def test_nobody_can_delete_a_backup_before_its_time() -> None:
    backup = resource("google_storage_bucket", "backup").body
    assert backup["retention_policy"] == [{"retention_period": "${var.backup_retention_days * 86400}"}]


@pytest.mark.parametrize("bucket", resources("google_storage_bucket"), ids=lambda one: one.name)
def test_buckets_are_not_public_and_not_destroyed(bucket: object) -> None:
    body = bucket.body  # type: ignore[attr-defined]
    assert body["public_access_prevention"] == "enforced"
    assert body["uniform_bucket_level_access"] is True
    assert body["force_destroy"] is False
    assert {"prevent_destroy": True} in body["lifecycle"]


def test_only_googles_signed_push_reaches_the_receiver_and_nothing_is_lost_in_an_outage() -> None:
    push = resource("google_pubsub_subscription", "push").body
    (config,) = push["push_config"]
    assert config["push_endpoint"] == "${var.receiver_url}/pubsub"
    assert config["oidc_token"] == [
        {"service_account_email": "${google_service_account.push.email}", "audience": "${var.receiver_url}"}
    ]
    (dead,) = push["dead_letter_policy"]
    assert dead["dead_letter_topic"] == "${google_pubsub_topic.undelivered.id}"
    assert dead["max_delivery_attempts"] == 100, "100 tries at up to 600 s apart are 16 hours"
    assert push["retry_policy"] == [{"minimum_backoff": "10s", "maximum_backoff": "600s"}]
    assert 10 <= push["ack_deadline_seconds"] <= 600


@pytest.mark.parametrize("subscription", resources("google_pubsub_subscription"), ids=lambda one: one.name)
def test_no_subscription_is_deleted_for_being_silent(subscription: object) -> None:
    assert subscription.body["expiration_policy"] == [{"ttl": ""}]  # type: ignore[attr-defined]


def test_only_what_google_writes_for_us_comes_into_the_topic() -> None:
    events = resource("google_pubsub_topic_iam_member", "events")
    assert rights([events]) == {"roles/pubsub.publisher"}
    assert "allUsers" not in events.text and "allAuthenticatedUsers" not in events.text
    tellers = {"google_storage_project_service_account", "google_logging_project_sink", "monitoring-notification"}
    assert all(teller in events.text for teller in tellers)


def test_only_new_objects_below_the_prefixes_of_markers_and_dead_letters_are_told() -> None:
    told = resource("google_storage_notification", "objects").body
    assert told["event_types"] == ["OBJECT_FINALIZE"]
    assert "scenes/" in str(told["for_each"]) and "dead-letter/pending/" in str(told["for_each"])


@pytest.mark.skipif(not RULES.exists(), reason="the receiver has no rules.yaml to compare with")
def test_every_rule_of_the_receiver_is_told_of_what_it_looks_for() -> None:
    sinks = " ".join(re.sub(r"\\\"", '"', str(one.get("failures", ""))) for one in blocks("locals"))
    prefixes = str(resource("google_storage_notification", "objects").body["for_each"])
    for rule in yaml.safe_load(RULES.read_text())["rules"]:
        if rule["kind"] == "log":
            types = rule["when"]["resource.type"]
            for one in [types] if isinstance(types, str) else types:
                assert f'"{one}"' in sinks, rule["name"]
        if rule["kind"] == "object":
            named_there = rule["when"].get("name", {"matches": "^scenes/.+"})["matches"]
            assert f'"{named_there.removeprefix("^").removesuffix(".+")}"' in prefixes, rule["name"]
        if rule["kind"] == "incident":
            assert resource("google_monitoring_notification_channel", "receiver").body["type"] == "pubsub"


def test_people_are_told_when_the_receiver_takes_no_events() -> None:
    policy = resource("google_monitoring_alert_policy", "not_taken")
    assert policy.body["notification_channels"] == "${var.people_channels}"
    assert "oldest_unacked_message_age" in policy.text


def test_flow_runs_may_see_the_subscription_of_events_and_not_change_it() -> None:
    given = resource("google_pubsub_subscription_iam_member", "events_view")
    assert rights([given]) == {"pubsub.subscriptions.get"}
    assert given.body["subscription"] == "${google_pubsub_subscription.push.name}"


def test_the_cluster_uses_the_accounts_that_terraform_makes() -> None:
    made = {one.body["account_id"] for one in resources("google_service_account")}
    text = (EXAMPLE / "kustomization.yaml").read_text()
    used = set(re.findall(r"([a-z-]+)@my-project\.iam\.gserviceaccount\.com", text))
    assert used == made
    workload = resource("google_service_account_iam_member", "workload").body
    cluster = {name.strip('"') for name in workload["for_each"]}
    assert cluster == used - {"remediation-push"}
    assert cluster <= {one["metadata"]["name"] for one in of_kind("ServiceAccount")}
    (namespace,) = [one["kubernetes_namespace"] for one in blocks("variable") if "kubernetes_namespace" in one]
    assert namespace["default"] == kustomization(BASE)["namespace"]


def test_the_receiver_expects_the_token_that_terraform_has_made() -> None:
    (container,) = named("StatefulSet", "remediation-receiver")["spec"]["template"]["spec"]["containers"]
    options = dict(zip(container["args"][2::2], container["args"][3::2], strict=True))
    literals = [line for one in kustomization(EXAMPLE)["configMapGenerator"] for line in one["literals"]]
    settings = dict(line.split("=", 1) for line in literals)
    assert options["--audience"] == "$(RECEIVER_AUDIENCE)" and options["--account"] == "$(RECEIVER_ACCOUNT)"
    assert settings["RECEIVER_AUDIENCE"].startswith("https://")
    assert settings["RECEIVER_ACCOUNT"].startswith("remediation-push@")


@pytest.mark.skipif(TERRAFORM is None, reason="terraform is not installed: its own checks of the files are left out")
class TestByTerraformItself:
    """What Terraform can check without the provider, which only a network has."""

    def test_the_files_are_as_terraform_formats_them(self) -> None:
        done = subprocess.run([str(TERRAFORM), "fmt", "-check", "-diff", str(FOLDER)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout

    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({}, ""),
            ({"ops_bucket": "scenes"}, "the ops bucket must be another one"),
            ({"backup_bucket": "ops"}, "Backups must be in a bucket of their own"),
            ({"receiver_url": "http://receiver.example"}, "An https address without a path"),
            ({"receiver_url": "https://receiver.example/pubsub"}, "An https address without a path"),
            ({"project": "My Project"}, "6 to 30 lower-case"),
            ({"backup_retention_days": "0"}, "Between 1 and 365 days"),
            ({"restore_terraform_state": "true"}, "Name terraform_state_bucket, too"),
        ],
    )
    def test_what_cannot_be_is_refused_with_a_reason(self, tmp_path: Path, changed: dict[str, str], said: str) -> None:
        shutil.copy(FOLDER / "variables.tf", tmp_path)
        good = {"project": "my-project", "data_bucket": "scenes", "ops_bucket": "ops", "backup_bucket": "backups"}
        values = good | {"receiver_url": "https://receiver.example"} | changed
        options = [f"-var={name}={value}" for name, value in values.items()]
        command = [str(TERRAFORM), "plan", "-no-color", "-input=false", *options]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert (done.returncode != 0) == bool(said), done.stderr
        assert said in " ".join(done.stderr.replace("│", "").split())
