"""What a person sees of an escalation: who was told when, and what became of it; and who would be, by the policy."""

from __future__ import annotations

from collections.abc import Iterator

from blocks.on_call import Chains, Tier
from tasks.escalation.told import Told
from tasks.remediation.report import Section
from tasks.remediation.table import Cell


def told_section(told: Told) -> Section:
    """Whom it was told to."""
    rows: tuple[dict[str, Cell], ...] = tuple(
        {
            "to": one.to,
            "through": one.sink,
            "what became of it": one.words(),
            "at": f"{one.at:%Y-%m-%d %H:%M:%S} UTC",
            "message": one.key,
        }
        for one in told.attempts.values()
    )
    return Section("Who was told", "" if rows else "Nobody yet.", rows)


def policy_rows(chains: Chains) -> Iterator[dict[str, Cell]]:
    """The policy as a table: one row a tier of an area."""
    for area in type(chains).model_fields:
        for tier in chains.of(area):
            yield {"area": area, **tier_row(tier)}


def tier_row(tier: Tier) -> dict[str, Cell]:
    """One tier."""
    quiet = tier.quiet
    return {
        "tier": tier.label,
        "sinks": ", ".join(tier.sinks) or "none",
        "told after": ", ".join(f"{after.total_seconds() / 60:g}" for after in tier.times()) + " min",
        "quiet (sev3, sev4)": f"{quiet.start:%H:%M}-{quiet.end:%H:%M} {quiet.timezone}" if quiet else "never",
    }
