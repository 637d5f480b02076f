"""The triggers: those of the catalogue as they are deployed, those that must not be, and those nobody knows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from blocks.catalogue import Trigger
from tasks.doctor.examine import Look
from tasks.doctor.finding import Code
from tasks.pipeline.deployed import Deployed

FINALIZED = "google.cloud.storage.object.v1.finalized"

MISSING = Code(
    "trigger-missing",
    "error",
    "The marker that should start the workflow starts nothing: scenes stop there, without any failure to be seen.",
    "Create it with the script that the catalogue names, or say `deployed: false` in the catalogue's overlay.",
)
FORBIDDEN = Code(
    "trigger-forbidden",
    "error",
    "The pipeline's own set-up deletes this trigger: with it, paid work is started for scenes that nobody asked it for.",
    "Delete it: `gcloud eventarc triggers delete NAME --location=LOCATION`.",
)
UNKNOWN = Code(
    "trigger-not-in-catalogue",
    "note",
    "Flows do not count on what this trigger starts. A pause of intake leaves it alone, so it goes on starting work; a restore "
    "holds its delivery with the others.",
    "Add it to the catalogue's overlay if it belongs to the pipeline.",
)
ELSEWHERE = Code(
    "trigger-elsewhere",
    "error",
    "Eventarc tells a storage trigger only of buckets in its own location (a bucket in US needs a trigger in us), so "
    "this one hears nothing.",
    "Delete it and create it in the bucket's location; the workflow may stay where it is.",
)
OTHER_BUCKET = Code(
    "trigger-other-bucket",
    "error",
    "It hears of objects that are no scenes of this installation, and not of those that are.",
    "Create it again for the data bucket, or correct data_bucket of the environment block.",
)
OWN_BUCKET = Code(
    "trigger-on-own-bucket",
    "error",
    "Every journal entry, lease and copy that a remediation writes starts a workflow.",
    "Delete the trigger, or use another bucket for that role.",
)
OTHER_EVENT = Code(
    "trigger-other-event",
    "error",
    "It is not told when an object is written, which is what the pipeline's markers rely on.",
    f"Create it again with type={FINALIZED}.",
)
WRONG_WORKFLOW = Code(
    "trigger-wrong-workflow",
    "error",
    "The marker starts another workflow than the flows expect: what they wait for does not come.",
    "Create it again with the right destination, or correct the catalogue's overlay.",
)
NO_DESTINATION = Code(
    "trigger-destination-missing",
    "error",
    "Each event is delivered to nothing, tried again for a day and lost.",
    "Deploy the workflow, or delete the trigger.",
)
OTHER_FILTER = Code(
    "trigger-filter-differs",
    "error",
    "It fires for other objects than the catalogue says, so a marker may start nothing, or the wrong thing.",
    "Correct the trigger, or name_regex in the catalogue's overlay.",
)
BUCKET_ONLY = Code(
    "trigger-bucket-only",
    "note",
    "Storage triggers take the filters type and bucket only, so it starts an execution for every object written; the "
    "workflow itself tests the name and answers SKIPPED. That costs executions and hides the real ones in lists.",
    "Nothing, or let Cloud Storage notify Pub/Sub with a prefix instead.",
)
NAME_FILTER = Code(
    "trigger-name-filter",
    "note",
    "Direct storage triggers accept only the filters type and bucket: once deleted, this one cannot be created again as "
    "it is.",
    "Do not delete it to pause intake: `remediate intake pause` holds its subscription instead.",
)
NEVER_FIRES = Code(
    "trigger-never-fires",
    "note",
    "No component of the pipeline writes the marker that it waits for, so what it should start is started by hand only.",
    "Start the workflow by hand when it is wanted, or let the job before it write the marker.",
)
CODES = (
    MISSING, FORBIDDEN, UNKNOWN, ELSEWHERE, OTHER_BUCKET, OWN_BUCKET, OTHER_EVENT, WRONG_WORKFLOW, NO_DESTINATION,
    OTHER_FILTER, BUCKET_ONLY, NAME_FILTER, NEVER_FIRES,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seen:
    """One deployed trigger."""

    name: str
    location: str
    filters: dict[str, str]
    destination: str
    """The full name of the workflow it starts; empty when it starts something else."""
    subscription: str

    @property
    def workflow(self) -> str:
        """Its short name."""
        return self.destination.rpartition("/")[2]

    @property
    def bucket(self) -> str:
        """The bucket it listens to; empty for anything else."""
        return self.filters.get("bucket", "")


def seen(deployed: Deployed) -> list[Seen]:
    """Every deployed trigger."""
    return [_seen(message) for message in deployed.triggers()]


def _seen(message: dict[str, Any]) -> Seen:
    _, _, _, location, _, name = str(message["name"]).split("/")
    return Seen(
        name=name,
        location=location,
        filters={one.get("attribute", ""): one.get("value", "") for one in message.get("eventFilters", [])},
        destination=message.get("destination", {}).get("workflow", ""),
        subscription=message.get("transport", {}).get("pubsub", {}).get("subscription", ""),
    )


def look_at_triggers(deployed: Deployed, look: Look) -> None:
    """Each trigger of the catalogue, then each that is deployed."""
    found = seen(deployed)
    there = {one.name for one in found}
    for name, known in deployed.catalogue.triggers.items():
        if known.deployed:
            said = f"Trigger {name} of workflow {known.workflow} is not deployed in any location."
            look.judge(MISSING, name, said, name not in there)
        elif known.forbidden:
            look.judge(FORBIDDEN, name, f"Trigger {name} is deployed and must not exist.", name in there)
    for one in found:
        known_one = deployed.catalogue.triggers.get(one.name)
        if known_one is not None and not known_one.forbidden:
            judge_known(deployed, one, known_one, look)
        elif known_one is None:
            judge_unknown(deployed, one, look)
        judge_anywhere(deployed, one, look)


def judge_known(deployed: Deployed, one: Seen, known: Trigger, look: Look) -> None:
    """A trigger of the catalogue."""
    said = f"Trigger {one.name} starts {one.workflow or 'no workflow'}, and not {known.workflow}."
    look.judge(WRONG_WORKFLOW, one.name, said, one.workflow != known.workflow)
    if known.event == "custom":
        return
    if one.bucket != deployed.environment.data_bucket:
        if one.bucket not in own_buckets(deployed):
            look.say(OTHER_BUCKET, one.name, f"Trigger {one.name} listens to {one.bucket or 'no bucket'}.")
        return
    kind = one.filters.get("type", "")
    look.judge(OTHER_EVENT, one.name, f"Trigger {one.name} listens for {kind or 'no type'}.", kind != FINALIZED)
    judge_filter(deployed, one, known, look)


def judge_filter(deployed: Deployed, one: Seen, known: Trigger, look: Look) -> None:
    """Which objects fire it."""
    pattern = one.filters.get("name")
    if pattern is not None:
        wanted = known.name_regex
        said = f"Trigger {one.name} fires for names like {pattern}, and not {wanted or 'every object'}."
        if not look.judge(OTHER_FILTER, one.name, said, pattern != wanted):
            look.say(NAME_FILTER, one.name, f"Trigger {one.name} filters on the object's name.")
    else:
        look.say(BUCKET_ONLY, one.name, f"Trigger {one.name} fires for every object of {one.bucket}.")
    marker = unwritten(deployed, pattern or known.name_regex, known.workflow)
    look.judge(NEVER_FIRES, one.name, f"Trigger {one.name} waits for {marker}, which nobody writes.", marker)


def judge_unknown(deployed: Deployed, one: Seen, look: Look) -> None:
    """A trigger that the catalogue does not name."""
    ours = one.bucket == deployed.environment.data_bucket or one.workflow in deployed.catalogue.workflows
    said = (
        f"Trigger {one.name} in {one.location} starts {one.workflow or 'no workflow'} for {one.bucket or 'no bucket'}."
    )
    if ours:
        look.say(UNKNOWN, one.name, said)


def judge_anywhere(deployed: Deployed, one: Seen, look: Look) -> None:
    """Whatever it is for: where it is, what it listens to, and whether its workflow is there."""
    role = own_buckets(deployed).get(one.bucket, "")
    said = f"Trigger {one.name} in {one.location} listens to the {role} bucket {one.bucket}."
    look.judge(OWN_BUCKET, one.name, said, role)
    if one.workflow in deployed.catalogue.workflows:
        missing = deployed.workflows()[one.workflow] is None and at_home(deployed, one)
        said = f"Trigger {one.name} starts {one.workflow}, which is not deployed."
        look.judge(NO_DESTINATION, one.name, said, missing)
    if one.bucket == deployed.environment.data_bucket:
        with look.asking(one.bucket):
            place = deployed.bucket(one.bucket).location.lower()
            said = f"Trigger {one.name} is in {one.location}, and the data bucket is in {place}."
            look.judge(ELSEWHERE, one.name, said, place and place != one.location)


def own_buckets(deployed: Deployed) -> dict[str, str]:
    """The buckets that are ours, with their roles; one that is the data bucket too is judged there."""
    one = deployed.environment
    named = {one.ops_bucket: "ops", one.backup_bucket: "backup"}
    return {bucket: role for bucket, role in named.items() if bucket and bucket != one.data_bucket}


def at_home(deployed: Deployed, one: Seen) -> bool:
    """Whether its workflow would be where we look for workflows."""
    block = deployed.environment.workflows
    return one.destination.startswith(f"projects/{block.project}/locations/{block.region}/")


def unwritten(deployed: Deployed, pattern: str | None, workflow: str) -> str:
    """The marker it waits for, if every marker it can wait for is one that nobody writes."""
    known = deployed.catalogue.workflows.get(workflow)
    regex = pattern or (known.event_regex if known else None)
    found = list(_markers(deployed, regex)) if regex else []
    return found[0][0] if found and all(writer == "nobody" for _, writer in found) else ""


def _markers(deployed: Deployed, regex: str) -> Iterator[tuple[str, str]]:
    for marker in deployed.catalogue.markers.values():
        for path in marker.paths:
            if re.search(regex, f"scenes/any-scene/{path}"):
                yield path, marker.writer
