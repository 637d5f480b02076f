"""The link in a page: GET shows a small form and changes nothing, for chat clients fetch every link; POST acknowledges.

What is posted goes through the spool like every other message. Whoever has the link may use it; the name they give is only
claimed. The link is signed (`tasks.incidents.links`), so there is no other door.
"""

from __future__ import annotations

import hashlib
import html
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from blocks.on_call import OnCall
from deployments.receiver.message import Message
from deployments.receiver.strict import Undecodable, clean
from tasks.incidents.acknowledge import LONGEST_NAME
from tasks.incidents.links import PATH, BadLink, Link, read_token

MAX_FORM = 4096
"""Bytes of a posted form."""
HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
}
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="robots" content="noindex">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<style>body{{font:18px sans-serif;max-width:32em;margin:3em auto;padding:0 1em}}input,button{{font:inherit;padding:.5em}}</style>
</head><body><h1>{title}</h1>{body}</body></html>"""
FORM = """<p>Told to: {tier}. This link works until {expires}.</p>
<form method="post"><p><label>Your name <input name="by" required maxlength="{longest}" autocomplete="name"></label></p>
<p><button>I have it</button></p></form><p>Nobody else is paged then. Anybody with this link can say so: the name is recorded
as claimed.</p>"""

Keep = Callable[[Message], Awaitable[Response]]


class AcknowledgePages:
    """The pages behind the links of one installation."""

    def __init__(self, policy: OnCall, keep: Keep, refused: Callable[[str], None]) -> None:
        """
        Args:
            policy: Has the secret that links are signed with.
            keep: Puts a message into the spool; its answer is 204 once that is on disk.
            refused: Told of a link that is none of ours.
        """
        self._secret = policy.link_secret.get_secret_value().encode()
        self._keep, self._refused = keep, refused

    def routes(self) -> list[Route]:
        """The routes; none where links are not set up."""
        return [Route(PATH + "{token}", self.answer, methods=["GET", "POST"])] if self._secret else []

    async def answer(self, request: Request) -> Response:
        """Show the form, or take what it says."""
        try:
            link = read_token(self._secret, request.path_params["token"], datetime.now(UTC))
        except BadLink as error:
            self._refused(str(error))
            return page("This link does not work", f"<p>{html.escape(str(error))}</p>", 403)
        if request.method != "POST":
            return form(link)
        by = await name_in(request)
        if not by:
            return page("Your name is missing", "<p>Go back and say who you are.</p>", 400)
        return await self._taken(link, by)

    async def _taken(self, link: Link, by: str) -> Response:
        kept = await self._keep(message_of(link, by))
        if kept.status_code != 204:
            return page("It was not kept", "<p>Try again in a minute, or use the command.</p>", kept.status_code)
        said = f"{by} has {link.incident}. It is in the incident's record within seconds, unless that is closed."
        return page("Thank you", f"<p>{html.escape(said)}</p>")


def message_of(link: Link, by: str) -> Message:
    """What somebody said with a link. The same name by the same link is the same event, however often it is sent.

    The link itself is not kept: whoever reads the spool or Prefect's events could use it.
    """
    known = hashlib.sha256(link.signature.encode()).hexdigest()[:32]
    data = {"incident": link.incident, "tier": link.tier, "link": known, "by": by}
    return Message("acknowledgement", data)


async def name_in(request: Request) -> str:
    """The name in a posted form; empty when there is none that can be shown."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_FORM:
            return ""
    try:
        said = parse_qs(body.decode(), max_num_fields=10, errors="strict").get("by", [""])[0]
        name = " ".join(clean(said, "The name").split())
    except (UnicodeDecodeError, ValueError, Undecodable):
        return ""
    return name if len(name) <= LONGEST_NAME else ""


def form(link: Link) -> Response:
    """The page with the button."""
    expires = f"{link.expires:%Y-%m-%d %H:%M} UTC"
    body = FORM.format(tier=html.escape(link.tier), expires=expires, longest=LONGEST_NAME)
    return page(f"Incident {link.incident}", body)


def page(title: str, body: str, status: int = 200) -> Response:
    """A page that nobody keeps, frames or is sent on from."""
    return HTMLResponse(PAGE.format(title=html.escape(title), body=body), status, HEADERS)
