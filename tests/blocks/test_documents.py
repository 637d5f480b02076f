"""The blocks as documents on a Prefect server: they register, save, load, show a description and keep secrets."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect import flow, task
from prefect.blocks.core import Block
from prefect.client.orchestration import get_client
from prefect.settings import get_current_settings

import blocks
from blocks.base import RemediationBlock
from blocks.calls import CallLimits
from blocks.credentials import GoogleCredentials
from blocks.environment import PipelineEnvironment
from blocks.gke import GkeCluster
from blocks.policy import RemediationPolicy
from blocks.storage import PipelineStorage
from deployments.sandbox.server import Sandbox

ALL: list[type[Block]] = [getattr(blocks, name) for name in blocks.__all__]


ROOT = Path(__file__).parents[2]


def settings(block: Block) -> dict[str, Any]:
    """What a person set, without the names of the documents it was loaded from."""
    return block.model_dump(include=set(type(block).model_fields))


pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.mark.parametrize("block", ALL, ids=lambda block: block.__name__)
def test_every_block_is_made_saved_and_loaded_without_any_setting(block: type[Block]) -> None:
    name = f"defaults-{block.__name__.lower()}"
    block().save(name, overwrite=True)
    assert settings(block.load(name)) == settings(block())


@pytest.mark.parametrize("block", ALL, ids=lambda block: block.__name__)
def test_every_block_and_field_is_described_in_the_ui(block: type[Block]) -> None:
    block.register_type_and_schema()
    slug = block.get_block_type_slug()
    assert slug.startswith("remediation-")
    with get_client(sync_client=True) as client:
        shown = client.read_block_type_by_slug(slug)
    assert shown.description == block._description
    assert shown.name.startswith("Remediation")
    for name, field in block.model_fields.items():
        assert field.description, f"{block.__name__}.{name} has no description"
        assert field.description.endswith(".") or field.description.endswith("..."), name


def test_registering_the_package_finds_every_block() -> None:
    import inspect

    found = {member for _, member in inspect.getmembers(blocks) if Block.is_block_class(member)}
    assert found == set(ALL)
    assert len(ALL) == 26


def test_the_command_line_registers_every_block() -> None:
    command = [sys.executable, "-m", "prefect", "block", "register", "-m", "blocks"]
    environment = os.environ | {"PREFECT_API_URL": str(get_current_settings().api.url)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert f"Successfully registered {len(ALL)} blocks" in done.stdout
    for block in ALL:
        assert block.get_block_type_name() in done.stdout


def test_an_environment_is_saved_and_loaded_with_everything_in_it(sandbox: Sandbox) -> None:
    made = PipelineEnvironment(
        project="p",
        region="europe-west4",
        data_bucket="data",
        ops_bucket="ops",
        storage=PipelineStorage(endpoint=sandbox.endpoints.storage, limits=CallLimits(attempts=2)),
        cluster=GkeCluster(enabled=False),
        policy=RemediationPolicy(max_scenes=3, kill_switch=["bucket is being migrated"]),
    )
    made.save("whole", overwrite=True)
    loaded = PipelineEnvironment.load("whole")
    assert settings(loaded) == settings(made)
    assert (loaded.storage.project, loaded.workflows.region) == ("p", "europe-west4")
    assert loaded.storage.limits.attempts == 2
    assert loaded.policy.kill_switch == ["bucket is being migrated"]
    assert loaded.storage.protection("sandbox-scenes").exists
    loaded.close()


def test_a_nested_block_that_was_saved_by_itself_is_a_reference() -> None:
    RemediationPolicy(max_scenes=3).save("shared", overwrite=True)
    PipelineEnvironment(project="p", policy=RemediationPolicy.load("shared")).save("refers", overwrite=True)
    changed = RemediationPolicy.load("shared")
    changed.max_scenes = 4
    changed.save("shared", overwrite=True)
    assert PipelineEnvironment.load("refers").policy.max_scenes == 4


def test_saving_again_after_loading_changes_nothing() -> None:
    PipelineEnvironment(project="p", data_bucket="data", ops_bucket="ops").save("again", overwrite=True)
    first = PipelineEnvironment.load("again")
    first.save("again", overwrite=True)
    assert settings(PipelineEnvironment.load("again")) == settings(first)


def everything_the_api_shows() -> str:
    """The answer to a plain request of an authorised person or program."""
    return httpx.post(f"{get_current_settings().api.url}/block_documents/filter", json={}).text


def test_credentials_are_masked_wherever_they_are_shown(service_account: dict[str, str]) -> None:
    credentials = GoogleCredentials(service_account_info=service_account)
    PipelineStorage(credentials=credentials).save("with-key", overwrite=True)
    storage = PipelineStorage.load("with-key")
    environment = PipelineEnvironment(project="p", storage=storage)
    environment.save("with-key", overwrite=True)
    secret = service_account["private_key"].splitlines()[5]
    assert "flows@some-project" not in everything_the_api_shows()
    assert "********" in everything_the_api_shows()
    for shown in (
        repr(storage),
        str(storage),
        repr(environment),
        environment.model_dump_json(),
        everything_the_api_shows(),
    ):
        assert secret not in shown
    loaded = PipelineEnvironment.load("with-key").storage.credentials
    assert loaded is not None
    assert loaded.service_account_info.get_secret_value()["private_key"] == service_account["private_key"]


def test_a_key_is_used_for_google_and_not_sent_to_an_endpoint_override(
    service_account: dict[str, str], sandbox: Sandbox
) -> None:
    credentials = GoogleCredentials(service_account_info=service_account)
    real = PipelineStorage(credentials=credentials).client()
    assert real._credentials.service_account_email == service_account["client_email"]
    assert real.api_endpoint == "https://storage.googleapis.com"
    local = PipelineStorage(credentials=credentials, endpoint=sandbox.endpoints.storage)
    assert local.protection("sandbox-scenes").exists  # a key would need a token from Google first
    assert type(local.client()._credentials).__name__ == "AnonymousCredentials"
    local.close()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda block: pickle.loads(pickle.dumps(block))])
def test_a_copy_of_a_block_in_use_makes_its_own_client(storage: PipelineStorage, copied: Any) -> None:
    assert storage.protection("sandbox-scenes").exists
    twin = copied(storage)
    assert twin == storage
    assert twin.protection("sandbox-scenes").exists
    assert twin.client() is not storage.client()
    twin.close()
    assert storage.protection("sandbox-scenes").exists


def test_a_block_in_use_can_be_handed_to_a_flow_and_to_its_tasks(storage: PipelineStorage) -> None:
    assert storage.protection("sandbox-scenes").exists

    @task(persist_result=True)
    def ask(given: PipelineStorage) -> bool:
        return given.protection("sandbox-scenes").exists

    @flow
    def ask_twice(given: PipelineStorage) -> list[bool]:
        return [ask(given), *ask.map([given]).result()]

    assert ask_twice(storage) == [True, True]


def test_a_document_with_fields_of_another_version_still_loads() -> None:
    policy = RemediationPolicy()
    policy.save("older", overwrite=True)
    with get_client(sync_client=True) as client:
        document = client.read_block_document_by_name("older", RemediationPolicy.get_block_type_slug())
        kept = {key: value for key, value in document.data.items() if key not in ("max_scenes", "ramp_limit")}
        from prefect.client.schemas.actions import BlockDocumentUpdate

        client.update_block_document(
            document.id, BlockDocumentUpdate(data=kept | {"long_gone": 1}, merge_existing_data=False)
        )
    assert RemediationPolicy.load("older").max_scenes == RemediationPolicy().max_scenes


def test_the_schema_that_is_made_once_is_prefects_and_nobody_can_spoil_it() -> None:
    first = PipelineEnvironment.model_json_schema()
    first["properties"].clear()
    assert PipelineEnvironment.model_json_schema() == super(RemediationBlock, PipelineEnvironment).model_json_schema()
    assert PipelineEnvironment.model_json_schema(by_alias=False) != {}
