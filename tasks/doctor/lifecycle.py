"""Lifecycle rules that delete what must stay, and rules that look as if they did."""

from __future__ import annotations

from typing import Any

from blocks.bucket_facts import BucketFacts
from tasks.doctor.examine import Look
from tasks.doctor.finding import Code

DELETES_SCENES = Code(
    "lifecycle-deletes-scenes",
    "warning",
    "The bucket itself deletes live objects of scenes by this rule, without a trace: later they look lost, and a recovery "
    "makes them again.",
    "Take the rule away, or say in the catalogue's overlay (retention) what goes after how many days.",
)
DELETES_JOURNALS = Code(
    "lifecycle-deletes-journals",
    "error",
    "The bucket itself deletes journals, leases and quarantined copies by this rule: an interrupted run cannot be "
    "continued, and nothing can be undone.",
    "Take the rule away, or let it begin after the days in which you may want to undo something, outside remediation/.",
)
DELETES_BACKUPS = Code(
    "lifecycle-deletes-backups",
    "error",
    "The bucket itself deletes copies by this rule that the record of a night still promises: a restore finds them gone.",
    "Take the rule away: expiry lets old nights go by itself, and only copies that no night needs.",
)
MATCHES_NOTHING = Code(
    "lifecycle-matches-nothing",
    "note",
    "matchesSuffix is compared with the end of an object's whole name, and no name ends with '/': the rule does nothing.",
    "Use matchesPrefix, or take the rule away so that nobody relies on it.",
)
CODES = (DELETES_SCENES, DELETES_JOURNALS, DELETES_BACKUPS, MATCHES_NOTHING)

_OLD_ONES_ONLY = ("numNewerVersions", "daysSinceNoncurrentTime", "noncurrentTimeBefore")
"""Conditions that only noncurrent versions can meet (Google: "Object Lifecycle Management")."""
_GUARDED = {
    "data": ("scenes/", DELETES_SCENES),
    "ops": ("remediation/", DELETES_JOURNALS),
    "backup": ("", DELETES_BACKUPS),
}


def judge_rules(role: str, facts: BucketFacts, look: Look) -> None:
    """Every rule that deletes, by what the bucket is for."""
    prefix, code = _GUARDED.get(role, ("", None))
    for number, rule in enumerate(facts.lifecycle, 1):
        condition = rule.get("condition") or {}
        said = f"Lifecycle rule {number} of the {role} bucket {facts.name} ({words(condition)})"
        if nothing(condition):
            look.say(MATCHES_NOTHING, facts.name, f"{said} matches no object.")
        elif code and rule.get("action", {}).get("type") == "Delete" and live(condition) and reaches(condition, prefix):
            look.say(code, facts.name, f"{said} deletes below '{prefix}'." if prefix else f"{said} deletes copies.")
        else:
            look.good += 1


def nothing(condition: dict[str, Any]) -> bool:
    """Whether every suffix it names ends a folder, not an object."""
    suffixes = condition.get("matchesSuffix") or ()
    return bool(suffixes) and all(one.endswith("/") for one in suffixes)


def live(condition: dict[str, Any]) -> bool:
    """Whether a live object can meet it."""
    return condition.get("isLive") is not False and not any(name in condition for name in _OLD_ONES_ONLY)


def reaches(condition: dict[str, Any], prefix: str) -> bool:
    """Whether an object below `prefix` can meet it."""
    prefixes = condition.get("matchesPrefix")
    return not prefixes or any(one.startswith(prefix) or prefix.startswith(one) for one in prefixes)


def words(condition: dict[str, Any]) -> str:
    """`age 30, matchesPrefix scenes/`."""
    shown = [
        f"{key} {' '.join(map(str, value)) if isinstance(value, list) else value}" for key, value in condition.items()
    ]
    return ", ".join(shown) or "no condition"
