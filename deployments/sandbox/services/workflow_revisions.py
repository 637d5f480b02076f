"""The deployed workflows with their sources, and every revision of them."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime

import yaml
from google.cloud import workflows_v1

from blocks.catalogue import Catalogue
from deployments.sandbox.names import LOCATION, PROJECT
from deployments.sandbox.services.deployed import Deployed
from deployments.sandbox.services.rpc import invalid

ACCOUNT = f"projects/{PROJECT}/serviceAccounts/blueprint-workflow-sa@{PROJECT}.iam.gserviceaccount.com"
_CHANGEABLE = frozenset(
    {"description", "labels", "service_account", "source_contents", "call_log_level", "user_env_vars"}
)
_LONGEST_SOURCE = 128 * 1024
"""Bytes. Google: the size limit of `source_contents`."""


class WorkflowRevisions:
    """Revisions of the workflows in `deployed`, oldest first; those of one that is taken away are forgotten."""

    def __init__(self, catalogue: Catalogue, deployed: Deployed) -> None:
        """The first revision of each is made from the catalogue when it is first asked for."""
        self._catalogue = catalogue
        self._deployed = deployed
        self._lock = threading.RLock()
        self._of: dict[str, tuple[datetime, list[workflows_v1.Workflow]]] = {}

    def all(self, workflow: str) -> list[workflows_v1.Workflow]:
        """Every revision of a deployed workflow, oldest first."""
        since = self._deployed.since(workflow) or datetime.now(UTC)
        with self._lock:
            known = self._of.get(workflow)
            if known is None or known[0] != since:
                known = self._of[workflow] = (since, [_first(workflow, source_of(self._catalogue, workflow), since)])
            return list(known[1])

    def live(self, workflow: str) -> workflows_v1.Workflow:
        """The newest revision of a deployed workflow."""
        return self.all(workflow)[-1]

    def create(self, workflow: str, wanted: workflows_v1.Workflow) -> workflows_v1.Workflow:
        """Deploy a workflow that is not deployed. Only those of the catalogue can do anything here."""
        if workflow not in self._catalogue.workflows:
            raise invalid(f"workflow_id: the sandbox can only run workflows of the catalogue, not '{workflow}'.")
        _check_source(wanted.source_contents)
        with self._lock:
            self._deployed.put(workflow, True)
            since = self._deployed.since(workflow) or datetime.now(UTC)
            first = _first(workflow, wanted.source_contents, since)
            _take(first, wanted, _CHANGEABLE)
            self._of[workflow] = (since, [first])
            return first

    def update(self, workflow: str, wanted: workflows_v1.Workflow, paths: Iterable[str]) -> workflows_v1.Workflow:
        """Change a workflow. Google: a new revision comes of another source or service account, of nothing else."""
        fields = set(paths) or _CHANGEABLE
        if unknown := fields - _CHANGEABLE:
            raise invalid(f"update_mask: '{min(unknown)}' cannot be updated.")
        with self._lock:
            before = self.live(workflow)
            changed = workflows_v1.Workflow(before)
            _take(changed, wanted, fields)
            _check_source(changed.source_contents)
            changed.update_time = datetime.now(UTC)
            revisions = self._of[workflow][1]
            if _code(changed) == _code(before):
                revisions[-1] = changed
            else:
                changed.revision_id = revision_id(workflow, len(revisions) + 1)
                changed.revision_create_time = changed.update_time
                revisions.append(changed)
            return changed


def revision_id(workflow: str, number: int) -> str:
    """The id of the revision with that ordinal, in the form Google gives: `000001-a4d`."""
    letters = workflow if number == 1 else f"{workflow}#{number}"
    return f"{number:06d}-{zlib.crc32(letters.encode()) & 0xFFF:03x}"


def source_of(catalogue: Catalogue, workflow: str) -> str:
    """A short workflow in Google's YAML: it tests the object's name as the real one does, and runs the same jobs."""
    known = catalogue.workflows[workflow]
    steps: list[dict[str, object]] = [{"init": {"assign": [{"object": "${event.data.name}"}]}}]
    if known.event_regex is not None:
        matches = f"${{not text.match_regex(object, {_quoted(known.event_regex)})}}"
        steps.append({"filter": {"switch": [{"condition": matches, "return": {"status": "SKIPPED"}}]}})
    for job in known.jobs:
        name = f"projects/{PROJECT}/locations/us-central1/jobs/{job}"
        call = {"call": "googleapis.run.v2.projects.locations.jobs.run", "args": {"name": name}}
        steps.append({f"run_{job.replace('-', '_')}": call})
    steps.append({"done": {"return": {"status": "SUCCESS"}}})
    return yaml.safe_dump({"main": {"params": ["event"], "steps": steps}}, sort_keys=False)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _first(workflow: str, source: str, since: datetime) -> workflows_v1.Workflow:
    return workflows_v1.Workflow(
        name=f"{LOCATION}/workflows/{workflow}",
        state=workflows_v1.Workflow.State.ACTIVE,
        revision_id=revision_id(workflow, 1),
        create_time=since,
        update_time=since,
        revision_create_time=since,
        service_account=ACCOUNT,
        source_contents=source,
    )


def _take(target: workflows_v1.Workflow, wanted: workflows_v1.Workflow, fields: Iterable[str]) -> None:
    for field in fields:
        setattr(target, field, getattr(wanted, field))
    target.service_account = target.service_account or ACCOUNT


def _code(workflow: workflows_v1.Workflow) -> tuple[str, str]:
    return workflow.source_contents, workflow.service_account


def _check_source(source: str) -> None:
    """Google compiles the source; here it must be YAML (or JSON) with a routine `main`."""
    if len(source.encode()) > _LONGEST_SOURCE:
        raise invalid("workflow.source_contents: the source is larger than 128 KB.")
    try:
        parsed = yaml.safe_load(source)
    except yaml.YAMLError as error:
        raise invalid(f"main.yaml: parse error: {' '.join(str(error).split())}") from error
    if not isinstance(parsed, dict) or "main" not in parsed:
        raise invalid("main.yaml: parse error: the source has no 'main' routine.")
