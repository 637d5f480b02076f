"""A refusal is judged by the reason the service gives: each has its own sentence, cause and advice."""

from __future__ import annotations

import json
import pickle
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from blocks.calls import CallLimits
from blocks.errors import Cause, NotFound, OutsideError, PermanentError, PreconditionFailed, TemporaryError
from blocks.storage import PipelineStorage
from blocks.storage_bulk import BulkStorage, Copy, Deletion

QUICK = CallLimits(attempts=2, total_seconds=5.0, call_seconds=5.0, first_wait_seconds=0.001)
LONG = "scenes/" + "a_long_scene_id_" * 8 + "/geniesim/.geniesim_complete"
"""As long as a scene's id may make a name; its address in a request is longer still."""
UID = "VQQnKfXtZ16NHnOmdJAy0E92tVT_8fZZRGvnndBWXZLKFx_KItn1EA"
INFO = "type.googleapis.com/google.rpc.ErrorInfo"


@dataclass
class Answering:
    """A server on loopback that gives every request the same refusal."""

    status: int = 403
    body: bytes = b""
    requests: list[str] = field(default_factory=list)
    endpoint: str = ""

    def says(self, message: str, reason: str = "forbidden", status: int = 403, **more: object) -> None:
        """Refuse as Cloud Storage's JSON API does."""
        detail = {"message": message, "domain": "global", "reason": reason}
        self.status = status
        self.body = json.dumps({"error": {"code": status, "message": message, "errors": [detail], **more}}).encode()


@pytest.fixture
def google() -> Iterator[Answering]:
    answering = Answering()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answering.requests.append(self.path)
            body, kind = answering.body, "application/json; charset=UTF-8"
            status = answering.status
            if "/batch/" in self.path:
                inner = b"HTTP/1.1 %d Refused\r\nContent-Type: %b\r\n\r\n%b" % (status, kind.encode(), body)
                part = b"Content-Type: application/http\r\nContent-ID: <response-call-0>\r\n\r\n" + inner
                body, kind = b"--f\r\n" + part + b"\r\n--f--\r\n", "multipart/mixed; boundary=f"
                status = 200
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = answer

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    answering.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    yield answering
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def storage(google: Answering) -> Iterator[PipelineStorage]:
    block = PipelineStorage(project="p", endpoint=google.endpoint, limits=QUICK)
    yield block
    block.close()


def deleted(storage: PipelineStorage) -> OutsideError:
    """What deleting an object with a long name ends with."""
    with pytest.raises(OutsideError) as refused:
        storage.delete("b", LONG, generation=1)
    return refused.value


HELD = f"Object 'b/{LONG}' is under active Temporary hold and cannot be deleted, overwritten or archived until hold is removed."
RETAINED = f"Object 'b/{LONG}' is subject to bucket's retention policy or object retention and cannot be deleted or overwritten until 2030-01-01T00:00:00-08:00"
KMS = "Permission denied on Cloud KMS key. Please ensure that your Cloud Storage service account has been authorized to use this key."
DISABLED = (
    "Google Cloud Storage JSON API has not been used in project 123 before or it is disabled. Enable it by visiting "
    "https://console.developers.google.com/apis/api/storage/overview?project=123 then retry."
)
MAY_NOT = (
    "flows@p.iam.gserviceaccount.com does not have storage.objects.delete access to the Google Cloud Storage object. "
    "Permission 'storage.objects.delete' denied on resource (or it may not exist)."
)
CASES: list[tuple[str, str, int, Cause, str]] = [
    (HELD, "forbidden", 403, Cause.HOLD, "--no-temporary-hold"),
    ("any words", "objectUnderActiveHold", 403, Cause.HOLD, "--no-event-based-hold"),
    (RETAINED, "retentionPolicyNotMet", 403, Cause.RETENTION, "wait until its time is over"),
    (
        "The billing account for the owning project is disabled in state absent",
        "accountDisabled",
        403,
        Cause.BILLING,
        "restore the billing account",
    ),
    (DISABLED, "accessNotConfigured", 403, Cause.API_DISABLED, "gcloud services enable"),
    (KMS, "forbidden", 403, Cause.KMS_KEY, "cloudkms.cryptoKeyEncrypterDecrypter"),
    ("The key is disabled.", "cloudKmsDisabledKey", 400, Cause.KMS_KEY, "enable the key version"),
    (
        f"Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: {UID}",
        "vpcServiceControls",
        403,
        Cause.PERIMETER,
        UID,
    ),
    (
        "Request violates constraint 'constraints/gcp.restrictNonCmekServices'",
        "orgPolicyConstraintFailed",
        412,
        Cause.ORG_POLICY,
        "restrictNonCmekServices",
    ),
    (
        "Cannot use ACL API to update bucket policy when uniform bucket-level access is enabled.",
        "invalid",
        400,
        Cause.UNIFORM_ACCESS,
        "roles on the bucket",
    ),
    (
        "Bucket is a requester pays bucket but no user project provided.",
        "required",
        400,
        Cause.REQUESTER_PAYS,
        "requester pay",
    ),
    (
        "User project specified in the request is invalid.",
        "UserProjectInvalid",
        400,
        Cause.REQUESTER_PAYS,
        "requester pay",
    ),
    (MAY_NOT, "forbidden", 403, Cause.PERMISSION, "grant storage.objects.delete to the account"),
    ("Quota exceeded.", "quotaExceeded", 403, Cause.QUOTA, "ask for more"),
]


@pytest.mark.parametrize(
    ("message", "reason", "status", "cause", "words"), CASES, ids=[f"{c[3].value}-{c[1]}" for c in CASES]
)
def test_each_reason_has_its_own_cause_and_advice(
    google: Answering, storage: PipelineStorage, message: str, reason: str, status: int, cause: Cause, words: str
) -> None:
    google.says(message, reason, status)
    refused = deleted(storage)
    assert type(refused) is PermanentError
    assert refused.cause is cause
    assert words in str(refused)
    assert not re.search(r"[.!?]['\")]*\.|\.\.|''", str(refused)), "one full stop, at the end"
    if cause is not Cause.PERMISSION:
        assert "grant storage.objects.delete" not in str(refused)
    assert pickle.loads(pickle.dumps(refused)).cause is cause


@pytest.mark.parametrize("reason", ["rateLimitExceeded", "userRateLimitExceeded"])
def test_a_rate_limit_is_no_refusal_whatever_its_number(
    google: Answering, storage: PipelineStorage, reason: str
) -> None:
    google.says("The rate of requests is too high.", reason)
    refused = deleted(storage)
    assert type(refused) is TemporaryError
    assert refused.cause is Cause.RATE_LIMIT
    assert len(google.requests) == QUICK.attempts


def test_a_reason_nobody_knows_keeps_the_services_own_words(google: Answering, storage: PipelineStorage) -> None:
    google.says("The moon is in the wrong phase.", "lunarPolicy")
    refused = deleted(storage)
    assert refused.cause is Cause.UNSAID
    assert "403 lunarPolicy: The moon is in the wrong phase" in str(refused)
    assert "do what these words say" in str(refused)


def test_the_address_of_a_request_never_hides_the_reason(google: Answering, storage: PipelineStorage) -> None:
    google.says("Denied. " + "word " * 40 + "end.")
    for call in (
        lambda: storage.delete("b", LONG, generation=1),
        lambda: storage.create("b", LONG, b"{}"),
        lambda: storage.read("b", LONG),
        lambda: storage.stat("b", LONG),
        lambda: list(storage.list("b", LONG)),
    ):
        with pytest.raises(PermanentError, match=r"403 forbidden: Denied\. word .* end\)") as refused:
            call()
        assert "http" not in str(refused.value)


def test_a_download_that_is_refused_in_plain_text_is_understood(google: Answering, storage: PipelineStorage) -> None:
    google.body = MAY_NOT.encode()
    with pytest.raises(PermanentError, match="permission denied") as refused:
        storage.read("b", LONG)
    assert refused.value.cause is Cause.PERMISSION


def test_a_proxys_page_is_told_without_its_markup(google: Answering, storage: PipelineStorage) -> None:
    google.body = (
        b"<html><head><style>p {}</style></head><body><p>Blocked by the proxy of Example&nbsp;Ltd</p></body></html>"
    )
    refused = deleted(storage)
    assert "(403 Blocked by the proxy of Example" in str(refused)
    assert "<" not in str(refused)


def test_each_call_of_a_batch_is_judged_by_its_own_reason(google: Answering, storage: PipelineStorage) -> None:
    bulk = BulkStorage(storage)
    google.says(HELD)
    (answer,) = bulk.delete([Deletion("b", LONG, 7)])
    assert (answer.result, answer.cause, answer.final) == ("failed", Cause.HOLD, True)
    assert f"delete gs://b/{LONG}#7" in answer.message
    (answer,) = bulk.copy([Copy("b", LONG, 7, "c", "x")])
    assert answer.cause is Cause.HOLD
    google.says("too fast", "rateLimitExceeded")
    before = len(google.requests)
    (answer,) = bulk.delete([Deletion("b", LONG, 7)])
    assert (answer.result, answer.cause, answer.final) == ("failed", Cause.RATE_LIMIT, False)
    assert len(google.requests) == before + QUICK.attempts


def test_a_missing_bucket_is_told_from_a_missing_object_by_its_cause(
    google: Answering, storage: PipelineStorage
) -> None:
    google.says("The specified bucket does not exist.", "notFound", 404)
    with pytest.raises(NotFound) as missing:
        storage.stat("b", "x")
    assert missing.value.cause is Cause.NO_BUCKET
    google.says("No such object: b/x", "notFound", 404)
    assert storage.stat("b", "x") is None


def test_a_broken_precondition_stays_one(google: Answering, storage: PipelineStorage) -> None:
    google.says("At least one of the pre-conditions you specified did not hold.", "conditionNotMet", 412)
    with pytest.raises(PreconditionFailed):
        storage.create("b", "x", b"{}")
