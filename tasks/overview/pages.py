"""The pages that checks have left: of each the newest, so that the whole report is one click away."""

from __future__ import annotations

from tasks.overview.state import CheckPage, State
from tasks.remediation.context import Context
from tasks.remediation.latest_page import CHECKS


def ask_pages(context: Context, state: State) -> None:
    """One listing: at most 31 pages of each check are there."""
    newest: dict[str, CheckPage] = {}
    for stored in context.environment.storage.list(context.environment.ops_bucket, CHECKS):
        name = stored.name.removeprefix(CHECKS).partition("/")[0]
        if name not in newest or newest[name].at < stored.updated:
            newest[name] = CheckPage(name, stored.updated, stored.bucket, stored.name)
    state.pages = sorted(newest.values(), key=lambda one: one.at, reverse=True)
