"""The Eventarc triggers that are there, each with the subscription its events travel through."""

from __future__ import annotations

import base64
import re
import threading
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

from google.cloud import eventarc_v1
from google.pubsub_v1 import PushConfig

from blocks.catalogue import Catalogue
from deployments.sandbox.names import DATA_BUCKET, LOCATION, PROJECT
from deployments.sandbox.services.event_backlog import Backlog

FINALIZED = "google.cloud.storage.object.v1.finalized"
_ACCOUNT = f"workflow-invoker@{PROJECT}.iam.gserviceaccount.com"


@dataclass(eq=False)
class LiveTrigger:
    """One trigger. What it listens for is read out of its message once: every write asks every trigger."""

    message: eventarc_v1.Trigger
    backlog: Backlog
    bucket: str = field(init=False)
    workflow: str = field(init=False)
    """The full name of the workflow it starts; '' when it starts something else."""
    _pattern: re.Pattern[str] | None = field(init=False)

    def __post_init__(self) -> None:
        """Read the filters."""
        filters = {one.attribute: one.value for one in self.message.event_filters}
        self.bucket = filters.get("bucket", "") if filters.get("type") == FINALIZED else ""
        self.workflow = self.message.destination.workflow
        self._pattern = re.compile(filters["name"]) if "name" in filters else None

    @property
    def subscription(self) -> str:
        """The full name of its subscription."""
        return str(self.message.transport.pubsub.subscription)

    def wants(self, bucket: str, name: str) -> bool:
        """Whether it wants to know of an object that was written."""
        return bucket == self.bucket and (self._pattern is None or self._pattern.search(name) is not None)


class TriggerTable:
    """Every trigger, by its full name. One that is taken away takes its subscription and what waits in it."""

    def __init__(self, catalogue: Catalogue) -> None:
        """What the catalogue says is deployed is there, in the sandbox's own region."""
        self._catalogue = catalogue
        self._lock = threading.RLock()
        self._live: dict[str, LiveTrigger] = {}
        self._made: Counter[str] = Counter()
        for name, trigger in catalogue.triggers.items():
            if trigger.deployed:
                self.put(name, True)

    # As the catalogue has them

    def put(self, name: str, deployed: bool) -> None:
        """Deploy a trigger of the catalogue as its authors do, or take it away. Raises KeyError for an unknown name."""
        wanted = self._catalogue.triggers[name]
        full = f"{LOCATION}/triggers/{name}"
        with self._lock:
            if not deployed:
                self.remove(full)
            elif full not in self._live:
                filters = {"type": FINALIZED, "bucket": DATA_BUCKET}
                if wanted.name_regex is not None:
                    filters["name"] = wanted.name_regex
                message = eventarc_v1.Trigger(
                    event_filters=[eventarc_v1.EventFilter(attribute=key, value=filters[key]) for key in filters],
                    destination=eventarc_v1.Destination(workflow=f"{LOCATION}/workflows/{wanted.workflow}"),
                    service_account=_ACCOUNT,
                )
                self._add(full, message, number=0)

    def names(self) -> list[str]:
        """The short names of the triggers in the sandbox's own region, sorted."""
        return [name.rpartition("/")[2] for name in self.within(LOCATION)]

    def named(self, name: str) -> LiveTrigger:
        """The trigger of that short name in the sandbox's own region. Raises KeyError."""
        return self._live[f"{LOCATION}/triggers/{name}"]

    # As the API has them

    def all(self) -> list[LiveTrigger]:
        """Every trigger, wherever it is."""
        return list(self._live.values())

    def within(self, parent: str) -> dict[str, LiveTrigger]:
        """The triggers below `projects/<p>/locations/<l>`, by full name and in its order; `-` is any location."""
        place = parent.removesuffix("-") if parent.endswith("/-") else f"{parent}/"
        with self._lock:
            return {name: self._live[name] for name in sorted(self._live) if name.startswith(place)}

    def get(self, name: str) -> LiveTrigger | None:
        """The trigger of that full name."""
        return self._live.get(name)

    def of_subscription(self, subscription: str) -> LiveTrigger | None:
        """The trigger whose events travel through the subscription of that full name."""
        return next((trigger for trigger in self.all() if trigger.subscription == subscription), None)

    def add(self, name: str, message: eventarc_v1.Trigger) -> LiveTrigger | None:
        """Make a trigger, with a new subscription that pushes to its workflow. None when there is one already."""
        with self._lock:
            if name in self._live:
                return None
            self._made[name] += 1
            return self._add(name, message, number=self._made[name])

    def remove(self, name: str) -> LiveTrigger | None:
        """Take a trigger away. None when there is none."""
        with self._lock:
            return self._live.pop(name, None)

    def _add(self, name: str, wanted: eventarc_v1.Trigger, number: int) -> LiveTrigger:
        message, now = eventarc_v1.Trigger(wanted), datetime.now(UTC)
        message.name, message.uid, message.create_time, message.update_time = name, str(uuid.uuid4()), now, now
        message.etag = f'"{base64.b64encode(f"{name} {now.timestamp()}".encode()).decode()}"'
        _, project, _, location, _, short = name.split("/")
        message.transport.pubsub = eventarc_v1.Pubsub(
            topic=f"projects/{project}/topics/eventarc-{location}-{short}-{number:03}",
            subscription=f"projects/{project}/subscriptions/eventarc-{location}-{short}-sub-{number:03}",
        )
        message.event_data_content_type = message.event_data_content_type or "application/json"
        self._live[name] = LiveTrigger(message, Backlog(_push_config(message)))
        return self._live[name]


def _push_config(trigger: eventarc_v1.Trigger) -> PushConfig:
    """Where Eventarc pushes the events of Cloud Storage for a workflow (Google: `triggerPubsubExecution`)."""
    workflow = trigger.destination.workflow
    endpoint = f"https://workflowexecutions.googleapis.com/v1/{workflow}:triggerPubsubExecution"
    return PushConfig(
        push_endpoint=f"{endpoint}?__GCP_CloudEventsMode=GCS_NOTIFICATION",
        attributes={"x-goog-version": "v1"},
        oidc_token=PushConfig.OidcToken(service_account_email=trigger.service_account or _ACCOUNT),
    )
