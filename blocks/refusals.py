"""Why a call was refused and what to do about it: by Google's reason word, never by the number 403 alone.

Sources: Cloud Storage "HTTP status and error codes for JSON"; `google.api.ErrorReason` (error_reason.proto); "Object
holds"; "Bucket Lock"; VPC Service Controls "Troubleshooting". For some refusals Cloud Storage has only the word
`forbidden`; then its fixed phrases tell them apart, here and nowhere else.
"""

from __future__ import annotations

from typing import NamedTuple

from blocks.error_details import Said
from blocks.errors import Cause

_REASONS: dict[str, Cause] = {
    "objectunderactivehold": Cause.HOLD,
    "retentionpolicynotmet": Cause.RETENTION,
    "accountdisabled": Cause.BILLING,
    "billingdisabled": Cause.BILLING,
    "billingnotenabled": Cause.BILLING,
    "userprojectaccountproblem": Cause.BILLING,
    "servicedisabled": Cause.API_DISABLED,
    "accessnotconfigured": Cause.API_DISABLED,
    "usagelimitsaccessnotconfigured": Cause.API_DISABLED,
    "consumersuspended": Cause.SUSPENDED,
    "consumerinvalid": Cause.SUSPENDED,
    "gcpsuspended": Cause.SUSPENDED,
    "ratelimitexceeded": Cause.RATE_LIMIT,
    "userratelimitexceeded": Cause.RATE_LIMIT,
    "usagelimitsratelimitexceeded": Cause.RATE_LIMIT,
    "quotaexceeded": Cause.QUOTA,
    "dailylimitexceeded": Cause.QUOTA,
    "resourcequotaexceeded": Cause.QUOTA,
    "vpcservicecontrols": Cause.PERIMETER,
    "securitypolicyviolated": Cause.PERIMETER,
    "orgpolicyconstraintfailed": Cause.ORG_POLICY,
    "orgrestrictionviolation": Cause.ORG_POLICY,
    "locationpolicyviolated": Cause.ORG_POLICY,
    "locationorgpolicyviolated": Cause.ORG_POLICY,
    "userprojectmissing": Cause.REQUESTER_PAYS,
    "userprojectinvalid": Cause.REQUESTER_PAYS,
    "userprojectinconsistent": Cause.REQUESTER_PAYS,
    "userprojectaccessdenied": Cause.REQUESTER_PAYS,
    "userprojectdenied": Cause.REQUESTER_PAYS,
    "authenticationrequiredrequesterpays": Cause.REQUESTER_PAYS,
    "accesstokenscopeinsufficient": Cause.SCOPE,
    "iampermissiondenied": Cause.PERMISSION,
    "insufficientpermissions": Cause.PERMISSION,
    "cloudkmsbadkey": Cause.KMS_KEY,
    "cloudkmscannotchangekeyname": Cause.KMS_KEY,
    "cloudkmsdecryptionkeynotfound": Cause.KMS_KEY,
    "cloudkmsdisabledkey": Cause.KMS_KEY,
    "cloudkmsencryptionkeynotfound": Cause.KMS_KEY,
    "cloudkmskeylocationnotallowed": Cause.KMS_KEY,
}
_PHRASES: tuple[tuple[str, Cause], ...] = (
    ("bucket does not exist", Cause.NO_BUCKET),
    ("hold and cannot be deleted", Cause.HOLD),
    ("retention policy or object retention", Cause.RETENTION),
    ("vpcservicecontrolsuniqueidentifier", Cause.PERIMETER),
    ("cloud kms key", Cause.KMS_KEY),
    ("requester pays", Cause.REQUESTER_PAYS),
    ("uniform bucket-level access", Cause.UNIFORM_ACCESS),
    ("billing account", Cause.BILLING),
    ("billing to be enabled", Cause.BILLING),
    ("has not been used in project", Cause.API_DISABLED),
    ("insufficient authentication scopes", Cause.SCOPE),
    ("soft delete policy must be set", Cause.SOFT_DELETE_OFF),
    ("exceeded quota", Cause.QUOTA),
    ("constraints/", Cause.ORG_POLICY),
    ("permission '", Cause.PERMISSION),
    (" does not have ", Cause.PERMISSION),
    ("cannot delete resource", Cause.PERMISSION),
)
"""Words of Google's and Kubernetes' sentences, in lower case, for refusals whose reason word says nothing. What
Kubernetes' RBAC refuses has a sentence of its own form: `User "x" cannot create resource "jobs"`."""
_GENERAL = frozenset(
    [
        "forbidden",
        "required",
        "invalid",
        "conditionnotmet",
        "failedprecondition",
        "permissiondenied",
        "invalidparameter",
        "badrequest",
        "notfound",
    ]
)


class Refusal(NamedTuple):
    """A refusal in words."""

    cause: Cause
    why: str
    advice: str


_WORDS: dict[Cause, tuple[str, str]] = {
    Cause.HOLD: (
        "the object is under a hold",
        "release it if the object may go (`gcloud storage objects update --no-temporary-hold` or "
        "`--no-event-based-hold`), or leave the object out.",
    ),
    Cause.RETENTION: (
        "a retention policy keeps the object",
        "wait until its time is over; no permission shortens it.",
    ),
    Cause.BILLING: ("billing is disabled", "restore the billing account of the project{project}."),
    Cause.API_DISABLED: (
        "the API{service} is not enabled",
        "enable it: `gcloud services enable{service}{in_project}`.",
    ),
    Cause.SUSPENDED: ("the project is suspended", "ask its owner why; see the project{project} in the console."),
    Cause.QUOTA: ("a quota is used up", "wait until it is free again, or ask for more."),
    Cause.KMS_KEY: (
        "the encryption key cannot be used",
        "enable the key version, and grant roles/cloudkms.cryptoKeyEncrypterDecrypter on the key to the service's own "
        "account.",
    ),
    Cause.PERIMETER: (
        "VPC Service Controls forbid it{uid}",
        "give this identifier to whoever keeps the perimeter; granting a role does not help.",
    ),
    Cause.ORG_POLICY: ("an organization policy forbids it", "ask whoever keeps the policy that is named."),
    Cause.UNIFORM_ACCESS: (
        "the bucket has uniform bucket-level access",
        "grant roles on the bucket instead of access to single objects.",
    ),
    Cause.REQUESTER_PAYS: (
        "the bucket lets the requester pay",
        "turn requester pays off: its pipeline cannot name a project to bill either.",
    ),
    Cause.SCOPE: ("the access token has too few scopes", "use the scope cloud-platform for the workload."),
    Cause.SOFT_DELETE_OFF: ("the bucket has no soft delete", "restore from a version or a backup."),
    Cause.RATE_LIMIT: ("too many requests", "nothing was changed, try again later."),
}


def cause_of(said: Said) -> Cause:
    """Why, by the service's reason words; by its fixed phrases where these say nothing."""
    plain = ["".join(char for char in reason.lower() if char.isalnum()) for reason in said.reasons]
    known = next((_REASONS[reason] for reason in plain if reason in _REASONS), None)
    if known is not None:
        return known
    if any(reason not in _GENERAL for reason in plain):
        return Cause.UNSAID
    words = said.words.lower()
    return next((cause for phrase, cause in _PHRASES if phrase in words), Cause.UNSAID)


def refusal_of(said: Said, permission: str) -> Refusal:
    """The refusal in words.

    Args:
        said: The service's answer.
        permission: The permission the call needs.
    """
    cause = cause_of(said)
    if cause is Cause.PERMISSION:
        missing = said.facts.get("permission", permission)
        return Refusal(cause, "permission denied", f"grant {missing} to the account the flows run as.")
    if cause not in _WORDS:
        advice = (
            f"do what these words say; if a permission is missing, grant {permission} to the account the flows run as."
        )
        return Refusal(cause, "it is forbidden", advice)
    project = said.facts.get("consumer", "").removeprefix("projects/")
    names = {
        "service": f" {said.facts['service']}" if "service" in said.facts else "",
        "project": f" {project}" if project else "",
        "in_project": f" --project {project}" if project else "",
        "uid": f", identifier {said.facts['uid']}" if said.facts.get("uid") else "",
    }
    why, advice = (text.format(**names) for text in _WORDS[cause])
    return Refusal(cause, why, advice)
