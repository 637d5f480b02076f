"""The image: what is in it, who runs it, and what can never get into it."""

from __future__ import annotations

import re
import tomllib
from pathlib import PurePosixPath

import yaml
from packaging.requirements import Requirement

from tests.production.manifests import DOCKERFILE, HOME

TEXT = DOCKERFILE.read_text()
LINES = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", TEXT, flags=re.M)).splitlines()
IGNORE = (HOME / ".dockerignore").read_text().splitlines()
EXTRAS = tomllib.loads((HOME / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def instructions(name: str) -> list[str]:
    """The arguments of every instruction of that name, in order."""
    return [line.split(" ", 1)[1].strip() for line in LINES if line.startswith(f"{name} ")]


def test_the_base_is_one_exact_version_of_python() -> None:
    (base,) = instructions("ARG")
    assert re.fullmatch(r"PYTHON=python:3\.\d+\.\d+-slim-\w+", base)
    assert {one.split()[0] for one in instructions("FROM")} == {"${PYTHON}"}


def test_whoever_runs_it_is_not_root_and_is_a_number_that_kubernetes_can_check() -> None:
    assert instructions("USER") == ["10001:10001"]
    last = [line.split(" ", 1)[0] for line in LINES if line.strip()]
    assert last.index("USER") > len(last) - 1 - last[::-1].index("FROM"), "the last stage has to say it"


def test_what_is_installed_is_what_the_tests_ran_with() -> None:
    (install,) = [one for one in instructions("RUN") if "pip install" in one]
    assert "--constraint constraints.txt" in install
    (extras,) = re.findall(r"\.\[([\w,]+)\]", install)
    assert set(extras.split(",")) == {"production", "usd"}, "no tool of development"
    assert {Requirement(one).name for one in EXTRAS["production"]} == {"prefect-kubernetes", "prefect-redis"}


def test_nothing_but_the_product_is_sent_to_the_builder() -> None:
    assert IGNORE[1] == "*"
    sent = {line[1:] for line in IGNORE if line.startswith("!")}
    copied = {name for one in instructions("COPY") if "--from" not in one for name in one.split()[:-1]}
    assert sent == copied
    for name in ("tests", "docs", ".git", ".venv", ".state"):
        assert name not in sent


def test_the_image_has_no_secret_and_asks_for_none() -> None:
    assert not re.search(r"(?i)password|secret|token|auth_string|api_key|BEGIN .*KEY", TEXT)


def test_a_run_imports_its_flow_from_what_is_installed() -> None:
    """No step fetches anything: the image has the flows, at the path from which they are installed."""
    deployments = yaml.safe_load((HOME / "prefect.yaml").read_text())
    assert deployments["pull"] == []
    assert {one["entrypoint"].split(".")[0] for one in deployments["deployments"]} == {"flows"}
    (install,) = [one for one in instructions("RUN") if "pip install" in one]
    assert "--editable" in install
    made, *_ = instructions("WORKDIR")
    copied = {PurePosixPath(one.split()[-1]) for one in instructions("COPY") if "--from" in one}
    assert PurePosixPath(made) in copied
