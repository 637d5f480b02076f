"""What importing costs: a flow run begins by importing its module, so that loads nothing it may never use."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from prefect.blocks.core import UnknownBlockType

import blocks
from blocks.client_errors import _RAISED

HOME = Path(__file__).resolve().parent.parent
FLOWS = sorted(path.stem for path in (HOME / "flows").glob("*.py") if path.stem != "__init__")
CLIENTS = ("google.api_core", "google.auth", "google.cloud", "googleapiclient", "grpc", "kubernetes", "proto")
NEVER = (*CLIENTS, "requests", "urllib3", "aiohttp", "pandas", "numpy", "pxr", "prefect_gcp", "prefect.workers")
"""Client libraries are loaded by the call that needs them; tables need no pandas; OpenUSD has a process of its own."""
NOT_IN_A_FLOW = (*NEVER, "prefect.server", "sqlalchemy", "fastapi", "uvicorn", "typer", "deployments")


TELL = """
def tell(step):
    print(json.dumps([step, [name for name in among if name in sys.modules]]))
"""


def loaded_by(steps: list[str], among: tuple[str, ...]) -> dict[str, list[str]]:
    """Which of the modules a fresh interpreter has loaded after each of the statements, which it does one by one."""
    code = [f"import json, sys; among = {among!r}", TELL, *(f"{step}\ntell({step!r})" for step in steps)]
    done = subprocess.run([sys.executable, "-c", "\n".join(code)], cwd=HOME, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads(line) for line in done.stdout.splitlines())


def test_no_flow_module_loads_a_client_or_a_server() -> None:
    steps = [f"import flows.{name}" for name in FLOWS]
    assert loaded_by(steps, NOT_IN_A_FLOW) == {step: [] for step in steps}


def test_a_block_loads_its_client_only_when_it_is_used() -> None:
    steps = [f"import blocks; blocks.{name}()" for name in blocks.__all__]
    assert loaded_by(steps, NEVER) == {step: [] for step in steps}


def test_the_package_of_blocks_loads_none_of_them() -> None:
    step = "import blocks, blocks.catalogue_load"
    assert loaded_by([step], ("prefect", "blocks.environment", "blocks.storage", *NEVER)) == {step: []}


def test_reading_an_environment_loads_no_collection_of_prefects() -> None:
    """Prefect would load every one that is installed, with the clients of Kubernetes and Redis: three seconds."""
    code = """
from blocks.environment import PipelineEnvironment
text = PipelineEnvironment(data_bucket="d").model_dump_json(context={"include_secrets": True})
assert '"block_type_slug"' in text
read = PipelineEnvironment.model_validate_json(text)
assert (read.data_bucket, type(read.storage).__name__, type(read.cluster).__name__) == ("d", "PipelineStorage", "GkeCluster")
"""
    assert loaded_by([code], ("prefect_kubernetes", "prefect_redis", "kubernetes_asyncio", "kopf", "redis")) == {
        code: []
    }


def test_a_slug_that_is_none_of_ours_is_looked_for_where_prefect_looks() -> None:
    assert blocks.PipelineStorage.get_block_class_from_key("remediation-storage") is blocks.PipelineStorage
    with pytest.raises(UnknownBlockType, match="nobodys-block"):
        blocks.PipelineStorage.get_block_class_from_key("nobodys-block")


def test_a_screen_of_everything_loads_neither_the_procedures_nor_the_validation_of_scenes() -> None:
    step = "import tasks.overview.ask"
    never = ("tasks.procedures", "tasks.remediation.runner", "tasks.validation.scene", "tasks.recovery.procedure")
    assert loaded_by([step], never) == {step: []}


@pytest.mark.parametrize("place", _RAISED)
def test_every_exception_that_calls_are_caught_by_exists(place: str) -> None:
    """They are looked up by name, so a wrong one would be missed without a word."""
    module, _, name = place.partition(":")
    assert issubclass(getattr(importlib.import_module(module), name), Exception)


def test_an_exception_of_a_library_that_is_loaded_later_is_caught_too() -> None:
    code = """
from blocks.client_errors import Kind, classify, client_errors
try:
    from kubernetes.client.exceptions import ApiException
    raise ApiException(404, "gone")
except client_errors() as error:
    assert classify(error)[0] is Kind.MISSING
"""
    loaded = loaded_by([code], ("kubernetes.client.exceptions", "google.api_core"))
    assert loaded == {code: ["kubernetes.client.exceptions"]}
