"""Eventarc triggers: which workflows start when an object is written."""

from __future__ import annotations

import builtins
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import Field, PrivateAttr

from blocks.base import RemediationBlock
from blocks.calls import Call, CallLimits, read
from blocks.clients import Lazy, close_channel, google_credentials, plain_channel
from blocks.credentials import GoogleCredentials
from blocks.errors import TemporaryError
from blocks.messages import as_dict

if TYPE_CHECKING:
    from google.cloud import eventarc_v1


@dataclass(frozen=True)
class TriggerInfo:
    """A deployed trigger."""

    name: str
    """The short name, as in `usd-assembly-trigger`."""
    workflow: str
    """The short name of the workflow it starts; empty when it starts something else."""
    bucket: str
    """The bucket it listens to; empty when it listens to something else."""
    name_pattern: str | None = None
    """Its filter on the object's name; None: it fires for every object written."""
    subscription: str = ""
    """`projects/<p>/subscriptions/<s>`, through which its events travel; empty when it has none."""
    location: str = ""
    """Where it is, as in `us` or `us-central1`."""
    created: datetime | None = None
    """When it was made."""


class PipelineTriggers(RemediationBlock):
    """The Eventarc triggers deployed for the pipeline, in every location. They are only looked at, never changed.

    A trigger for a bucket is in the bucket's location, such as `us`, and not where its workflow is; so one region's
    triggers would never be all of them.
    """

    _block_type_name = "Remediation Triggers"
    _block_type_slug = "remediation-triggers"
    _description = "Eventarc triggers of the pipeline: which workflows start when an object is written."

    project: str = Field(default="", description="Google Cloud project of the triggers.")
    endpoint: str = Field(default="", description="host:port of the Eventarc API instead of Google's; unencrypted.")
    credentials: GoogleCredentials | None = Field(
        default=None, description="Service account to use; empty: the application default credentials."
    )
    limits: CallLimits = Field(default_factory=CallLimits, description="How long calls are waited for and repeated.")

    _client: Lazy[eventarc_v1.EventarcClient] = PrivateAttr(default_factory=Lazy)

    def list(self) -> builtins.list[TriggerInfo]:
        """Every deployed trigger of the project, by name and location. Raises TemporaryError when a location is silent."""
        return sorted(map(_trigger, self._messages()), key=lambda trigger: (trigger.name, trigger.location))

    def definitions(self) -> builtins.list[dict[str, Any]]:
        """The same triggers as the JSON of Google's REST API, by name: what it takes to make one again."""
        return sorted(map(as_dict, self._messages()), key=lambda trigger: str(trigger["name"]))

    def close(self) -> None:
        """Close the connections. The next call opens new ones."""
        self._client.drop(close_channel)

    def _messages(self) -> builtins.list[eventarc_v1.Trigger]:
        call = Call(f"list the triggers of {self.project}", "eventarc.triggers.list", "check the project.")
        found: builtins.list[eventarc_v1.Trigger] = []
        token = ""
        while True:
            page = read(call, partial(self._page, token), self.limits)
            if page.unreachable:  # not looked at is not missing
                raise TemporaryError(f"Could not {call.what}: no answer from {', '.join(page.unreachable)}; ask again.")
            found += page.triggers
            token = page.next_page_token
            if not token:
                return found

    def _page(self, token: str) -> eventarc_v1.ListTriggersResponse:
        from google.cloud import eventarc_v1

        parent = f"projects/{self.project}/locations/-"  # all of them, as `gcloud eventarc triggers list` asks for
        request = eventarc_v1.ListTriggersRequest(parent=parent, page_size=100, page_token=token)
        pager = self._open().list_triggers(request=request, retry=None, timeout=self.limits.call_seconds)
        return next(pager.pages)

    def _open(self) -> eventarc_v1.EventarcClient:
        def make() -> eventarc_v1.EventarcClient:
            from google.cloud import eventarc_v1
            from google.cloud.eventarc_v1.services.eventarc.transports import EventarcGrpcTransport

            if self.endpoint:
                transport = EventarcGrpcTransport(channel=plain_channel(self.endpoint))
                return eventarc_v1.EventarcClient(transport=transport)
            return eventarc_v1.EventarcClient(credentials=google_credentials(self.credentials))

        return self._client.get(make)


def _trigger(message: eventarc_v1.Trigger) -> TriggerInfo:
    filters = {one.attribute: one.value for one in message.event_filters}
    return TriggerInfo(
        name=message.name.rsplit("/", 1)[-1],
        workflow=message.destination.workflow.rsplit("/", 1)[-1],
        bucket=filters.get("bucket", ""),
        name_pattern=filters.get("name"),
        subscription=message.transport.pubsub.subscription,
        location=message.name.split("/")[3],
        created=message.create_time if "create_time" in message else None,
    )
