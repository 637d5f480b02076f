"""A refusal over gRPC or by Kubernetes is judged by its details."""

from __future__ import annotations

import json
from concurrent import futures
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from kubernetes.client.exceptions import ApiException

from blocks.calls import Call, CallLimits, translate
from blocks.errors import Cause, PermanentError
from blocks.workflows import PipelineWorkflows

QUICK = CallLimits(attempts=2, total_seconds=5.0, call_seconds=5.0, first_wait_seconds=0.001)
LONG = "scenes/" + "a_long_scene_id_" * 8 + "/geniesim/.geniesim_complete"
"""As long as a scene's id may make a name; its address in a request is longer still."""
UID = "VQQnKfXtZ16NHnOmdJAy0E92tVT_8fZZRGvnndBWXZLKFx_KItn1EA"
INFO = "type.googleapis.com/google.rpc.ErrorInfo"


class Refusing(grpc.GenericRpcHandler):
    """A gRPC service that refuses everything with a rich status, as Google's services do."""

    def __init__(self, message: str, *details: Any) -> None:
        self.status = status_pb2.Status(code=7, message=message)
        for detail in details:
            packed = AnyMessage()
            packed.Pack(detail)
            self.status.details.append(packed)

    def service(self, _: object) -> grpc.RpcMethodHandler:
        def refuse(_: bytes, context: grpc.ServicerContext) -> bytes:
            context.abort_with_status(rpc_status.to_status(self.status))
            raise AssertionError

        return grpc.unary_unary_rpc_method_handler(refuse)


def info(reason: str, domain: str = "googleapis.com", **metadata: str) -> error_details_pb2.ErrorInfo:
    return error_details_pb2.ErrorInfo(reason=reason, domain=domain, metadata=metadata)


def violation(kind: str, description: str) -> error_details_pb2.PreconditionFailure:
    one = error_details_pb2.PreconditionFailure.Violation(type=kind, description=description)
    return error_details_pb2.PreconditionFailure(violations=[one])


RICH: list[tuple[str, list[Any], Cause, str]] = [
    (
        "Workflows API has not been used.",
        [info("SERVICE_DISABLED", service="workflows.googleapis.com", consumer="projects/123")],
        Cause.API_DISABLED,
        "gcloud services enable workflows.googleapis.com --project 123",
    ),
    (
        "This API method requires billing.",
        [info("BILLING_DISABLED", consumer="projects/123")],
        Cause.BILLING,
        "project 123",
    ),
    (
        "Request is prohibited by organization's policy.",
        [violation("VPC_SERVICE_CONTROLS", UID), info("SECURITY_POLICY_VIOLATED", uid=UID)],
        Cause.PERIMETER,
        f"identifier {UID}",
    ),
    ("Prohibited.", [violation("VPC_SERVICE_CONTROLS", UID)], Cause.PERIMETER, f"identifier {UID}"),
    (
        "Denied.",
        [info("IAM_PERMISSION_DENIED", "iam.googleapis.com", permission="workflows.workflows.getIamPolicy")],
        Cause.PERMISSION,
        "grant workflows.workflows.getIamPolicy to the account",
    ),
    ("Scopes.", [info("ACCESS_TOKEN_SCOPE_INSUFFICIENT")], Cause.SCOPE, "cloud-platform"),
    ("Gone.", [info("CONSUMER_SUSPENDED", consumer="projects/123")], Cause.SUSPENDED, "project 123"),
    ("No more words.", [], Cause.UNSAID, "No more words"),
]


@pytest.mark.parametrize(("message", "details", "cause", "words"), RICH, ids=[case[0] for case in RICH])
def test_the_details_of_a_grpc_status_decide(message: str, details: list[Any], cause: Cause, words: str) -> None:
    server = grpc.server(futures.ThreadPoolExecutor(2), handlers=[Refusing(message, *details)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    block = PipelineWorkflows(project="p", endpoint=f"127.0.0.1:{port}", limits=QUICK)
    try:
        with pytest.raises(PermanentError) as refused:
            block.get("w")
    finally:
        block.close()
        server.stop(None)
    assert refused.value.cause is cause
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("body", "cause", "words"),
    [
        (
            'pods "gpu" is forbidden: exceeded quota: gpus, requested: nvidia.com/gpu=1',
            Cause.QUOTA,
            "exceeded quota: gpus",
        ),
        (
            'User "flows" cannot delete resource "jobs" in API group "batch"',
            Cause.PERMISSION,
            "grant delete on jobs.batch",
        ),
    ],
)
def test_kubernetes_says_why_in_its_status(body: str, cause: Cause, words: str) -> None:
    error = ApiException(status=403, reason="Forbidden")
    error.body = json.dumps({"kind": "Status", "message": body, "reason": "Forbidden", "code": 403})
    refused = translate(error, Call("delete job x", "delete on jobs.batch"), has_effect=True)
    assert refused.cause is cause
    assert words in str(refused)
