"""Cloud Run services: the pipeline's webhook, to be looked at. Nothing answers at its address.

Left out: making, changing and deleting a service, revisions, and traffic other than to the latest.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import grpc
from google.cloud import run_v2

from deployments.sandbox.names import LOCATION, PROJECT, REGION
from deployments.sandbox.services.rpc import Methods, Wire, not_found, page, page_size, split_name

SERVICE = "projects/*/locations/*/services/*"
WEBHOOK = "geniesim-webhook"


class RunWebhooks:
    """The gRPC service `Services` of Cloud Run."""

    def __init__(self) -> None:
        """The webhook is deployed and ready."""
        webhook = _service(WEBHOOK)
        self._services = {webhook.name: webhook}

    def handlers(self, wire: Wire) -> list[grpc.GenericRpcHandler]:
        """The gRPC service, whose faults and counts go by `run`."""
        methods: Methods = {
            "GetService": (run_v2.GetServiceRequest, self._get),
            "ListServices": (run_v2.ListServicesRequest, self._list),
        }
        return [wire.service("google.cloud.run.v2.Services", "run", methods)]

    def _get(self, request: run_v2.GetServiceRequest) -> run_v2.Service:
        split_name(request.name, SERVICE)
        if request.name not in self._services:
            raise not_found(request.name)
        return self._services[request.name]

    def _list(self, request: run_v2.ListServicesRequest) -> run_v2.ListServicesResponse:
        split_name(request.parent, "projects/*/locations/*")
        names = sorted(name for name in self._services if name.startswith(f"{request.parent}/"))
        size = page_size(request.page_size, default=100, most=1000)
        chosen, token = page(names, str, size=size, token=request.page_token, scope=request.parent)
        return run_v2.ListServicesResponse(services=[self._services[name] for name in chosen], next_page_token=token)


def _service(short: str) -> run_v2.Service:
    now, name = datetime.now(UTC), f"{LOCATION}/services/{short}"
    ready = run_v2.Condition(type_="Ready", state=run_v2.Condition.State.CONDITION_SUCCEEDED, last_transition_time=now)
    revision = f"{name}/revisions/{short}-00001-abc"
    image = f"{REGION}-docker.pkg.dev/{PROJECT}/blueprint-jobs/{short}:latest"
    latest = run_v2.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST
    return run_v2.Service(
        name=name,
        uid=str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
        generation=1,
        observed_generation=1,
        create_time=now,
        update_time=now,
        ingress=run_v2.IngressTraffic.INGRESS_TRAFFIC_ALL,
        template=run_v2.RevisionTemplate(containers=[run_v2.Container(image=image)]),
        traffic=[run_v2.TrafficTarget(type_=latest, percent=100)],
        traffic_statuses=[run_v2.TrafficTargetStatus(type_=latest, percent=100)],
        terminal_condition=ready,
        latest_ready_revision=revision,
        latest_created_revision=revision,
        uri=f"https://{short}-{PROJECT}.{REGION}.run.app",
        etag=f'"{uuid.uuid5(uuid.NAMESPACE_URL, str(now))}"',
    )
