"""The project itself: what it installs works together, its layers hold, and nothing shadows anything."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

HOME = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((HOME / "pyproject.toml").read_text())["project"]


def test_what_is_installed_is_what_the_project_asks_for() -> None:
    for requirement in map(Requirement, PROJECT["dependencies"]):
        found = version(requirement.name)
        assert requirement.specifier.contains(found), f"{requirement.name} {found} is not what pyproject.toml allows"


def test_the_only_cap_is_prefects_next_major_version() -> None:
    """What Prefect cannot work with, it must refuse itself: a cap of ours would hide that it does not."""
    capped = [text for text in PROJECT["dependencies"] if re.search(r"<|==|~=", text)]
    assert [Requirement(text).name for text in capped] == ["prefect"]


def test_the_deployments_are_written_for_the_prefect_that_is_pinned() -> None:
    assert yaml.safe_load((HOME / "prefect.yaml").read_text())["prefect-version"] == version("prefect")


def test_the_prefect_server_can_be_imported() -> None:
    """Newer FastAPI has broken it; that its scheduler works, tests/deployments/test_schedules.py proves."""
    done = subprocess.run([sys.executable, "-c", "import prefect.server.api.server"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_constraints_pin_exact_versions_and_name_no_host() -> None:
    lines = [line for line in (HOME / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert len(lines) > 100
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.+!-]+", line)] == []


def test_the_constraints_satisfy_what_the_project_asks_for() -> None:
    pinned = dict(line.split("==") for line in (HOME / "constraints.txt").read_text().splitlines() if "==" in line)
    lower = {name.lower().replace("_", "-"): found for name, found in pinned.items()}
    for text in PROJECT["dependencies"]:
        requirement = Requirement(text)
        assert requirement.specifier.contains(lower[requirement.name.lower()]), text


@pytest.mark.parametrize("folder", ["flows", "tasks", "blocks", "deployments"])
def test_no_module_shadows_a_package_when_prefect_puts_its_folder_on_the_path(folder: str) -> None:
    taken = set(sys.stdlib_module_names) | {"flows", "tasks", "blocks", "deployments", "prefect", "pytest", "yaml"}
    names = {path.stem for path in (HOME / "flows").glob("*.py")} - {"__init__"}
    assert names & taken == set()
    assert (HOME / folder / "__init__.py").exists()


def test_every_flow_file_holds_one_flow_and_says_where_its_page_is() -> None:
    for path in sorted((HOME / "flows").glob("*.py")):
        text = path.read_text()
        if path.stem in ("__init__", "after_incident", "progress", "running"):
            continue
        assert len(re.findall(r"^@flow\(", text, re.M)) == 1, path.name
        page = re.search(r"docs/operations/[a-z-]+\.md", text)
        assert page and (HOME / page.group()).exists(), f"{path.name} names no page for the person on call"


def test_nobody_else_names_the_pipelines_things() -> None:
    """Markers, workflows and jobs are data of the catalogue; tasks and flows do not spell them out."""
    names = re.compile(r"['\"](?:[a-z0-9]+-)+(?:pipeline|job)['\"]|['\"][^'\"]*/\.[a-z0-9_]+_complete['\"]")
    for folder in ("tasks/remediation", "tasks/recovery", "flows"):
        for path in (HOME / folder).glob("*.py"):
            assert not names.search(path.read_text()), path


def test_tests_that_share_something_slow_to_start_stay_in_one_process(tmp_path: Path) -> None:
    """pytest-xdist groups by marks it may silently not see; then each process would start a Prefect server and a stack."""
    text = (HOME / "tests" / "conftest.py").read_text()
    (tmp_path / "conftest.py").write_text("import pytest\n" + text[text.index("@pytest.hookimpl(tryfirst") :])
    shared = "import pytest\n@pytest.fixture\ndef stacks(): ...\n"
    test = "@pytest.mark.parametrize('number', range(6))\ndef test_one(stacks, number, worker_id): print('ran on', worker_id)\n"
    (tmp_path / "test_shared.py").write_text(shared + test)
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist=loadgroup", "-rP", "--rootdir", str(tmp_path)]
    done = subprocess.run([*command, str(tmp_path)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    ran = re.findall(r"^ran on (gw\d+)$", done.stdout, re.M)
    assert len(ran) == 6
    assert len(set(ran)) == 1
