"""The link in a page: GET shows a small form and changes nothing, for chat clients fetch every link; POST acknowledges.

What is posted goes through the spool like every other message. Whoever has the link may use it. The name is that of the
person whom Identity-Aware Proxy has seen, with a proof of it, or what they give, and is then only claimed. The link is signed
(`tasks.incidents.links`), so there is no other door.
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

from blocks.errors import TemporaryError
from blocks.on_call import OnCall
from blocks.signing import BadLink
from deployments.receiver.auth import Forged
from deployments.receiver.message import Message
from deployments.receiver.people import People
from deployments.receiver.strict import Undecodable, clean
from tasks.incidents.acknowledge import LONGEST_NAME, prove
from tasks.incidents.links import PATH, Link, read_token

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
<form method="post">{name}<p><button>I have it</button></p></form><p>Nobody else is paged then. {recorded}</p>"""
ASKED = """<p><label>Your name <input name="by" required maxlength="{longest}" autocomplete="name"></label></p>"""
CLAIMED = "Anybody with this link can say so: the name is recorded as claimed."
UNPROVED = "none"
VERIFIED = "You are {who}; that is recorded as verified."

Keep = Callable[[Message], Awaitable[Response]]


class AcknowledgePages:
    """The pages behind the links of one installation."""

    def __init__(self, policy: OnCall, people: People, keep: Keep, refused: Callable[[str], None]) -> None:
        """
        Args:
            policy: Has the secret that links are signed with.
            people: Knows who sends a form.
            keep: Puts a message into the spool; its answer is 204 once that is on disk.
            refused: Told of a link that is none of ours.
        """
        self._secret = policy.link_secret.get_secret_value().encode()
        self._people, self._keep, self._refused = people, keep, refused

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
        try:
            who = await self._people.who(request)
        except (Forged, TemporaryError) as error:
            return not_known(self._refused, error)
        if request.method != "POST":
            return form(link, who)
        by = who or await name_in(request)
        if not by:
            return page("Your name is missing", "<p>Go back and say who you are.</p>", 400)
        proof = prove(self._secret, link.incident, by, datetime.now(UTC)) if who else UNPROVED
        return await self._taken(link, by, proof)

    async def _taken(self, link: Link, by: str, proof: str) -> Response:
        kept = await self._keep(message_of(link, by, proof))
        if kept.status_code != 204:
            return page("It was not kept", "<p>Try again in a minute, or use the command.</p>", kept.status_code)
        said = f"{by} has {link.incident}. It is in the incident's record within seconds, unless that is closed."
        return page("Thank you", f"<p>{html.escape(said)}</p>")


def not_known(refused: Callable[[str], None], error: Forged | TemporaryError) -> Response:
    """The answer to somebody who cannot be told from others."""
    if isinstance(error, Forged):
        refused(str(error))
        return page("You were not let in", f"<p>{html.escape(str(error))}</p>", error.status)
    return page("Nobody can tell who you are now", "<p>Try again in a minute.</p>", 503)


def message_of(link: Link, by: str, proof: str = UNPROVED) -> Message:
    """What somebody said with a link. The same name by the same link is the same event, however often it is sent.

    `proof`: of who it is; `UNPROVED` when the name is only claimed.

    The link itself is not kept: whoever reads the spool or Prefect's events could use it.
    """
    used = hashlib.sha256(link.signature.encode()).hexdigest()[:32]
    data = {
        "incident": link.incident,
        "tier": link.tier,
        "link": used,
        "by": by,
        "name_is": "claimed" if proof == UNPROVED else "verified",
        "proof": proof,
    }
    return Message("acknowledgement", data)


async def name_in(request: Request) -> str:
    """The name in a posted form; empty when there is none that can be shown."""
    name = (await fields_in(request)).get("by", "")
    return name if len(name) <= LONGEST_NAME else ""


async def fields_in(request: Request) -> dict[str, str]:
    """The fields of a posted form, each as one line; empty when it is too long or holds what cannot be shown."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_FORM:
            return {}
    try:
        said = parse_qs(body.decode(), max_num_fields=10, errors="strict")
        return {name: " ".join(clean(values[0], "The field").split()) for name, values in said.items()}
    except (UnicodeDecodeError, ValueError, Undecodable):
        return {}


def form(link: Link, who: str) -> Response:
    """The page with the button. `who`: the person who looks at it, when that is known."""
    expires = f"{link.expires:%Y-%m-%d %H:%M} UTC"
    name = "" if who else ASKED.format(longest=LONGEST_NAME)
    recorded = VERIFIED.format(who=html.escape(who)) if who else CLAIMED
    body = FORM.format(tier=html.escape(link.tier), expires=expires, name=name, recorded=recorded)
    return page(f"Incident {link.incident}", body)


def page(title: str, body: str, status: int = 200) -> Response:
    """A page that nobody keeps, frames or is sent on from."""
    return HTMLResponse(PAGE.format(title=html.escape(title), body=body), status, HEADERS)
