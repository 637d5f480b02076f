"""The link above an approval's form: whoever signs in behind Identity-Aware Proxy decides here, and is seen to.

GET shows the question and changes nothing. POST hands the decision to Prefect with a proof of who decided; what it means is
judged by the run itself (`tasks.remediation.approval`), which goes on only for a clear yes by somebody else than who asked.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from blocks.errors import TemporaryError
from blocks.on_call import OnCall
from blocks.signing import BadLink
from deployments.receiver.acknowledge import fields_in, not_known, page
from deployments.receiver.auth import Forged
from deployments.receiver.people import People
from deployments.receiver.prefect_server import Broken, NotNow, PrefectServer, Refused
from tasks.remediation.approval import Approval
from tasks.remediation.approval_link import PATH, Asked, decided, read_token

FORM = """<p>You are {who}. Read the plan {digest} in the Prefect UI, above the form of flow run {run}. Until {expires}; then it
means no.</p><form method="post"><p><label>Why <input name="comment" maxlength="500"></label></p>
<p><button name="decision" value="approve">Approve exactly this plan</button>
<button name="decision" value="reject">Reject it</button></p></form>"""
UNKNOWN = "Nobody vouches for who you are here: open the link by the address behind Identity-Aware Proxy, or use Prefect's form."

UNHEARD = (
    "Whether it has your decision is not known. Press again in a minute, or look at the run: the first answer counts."
)


class ApprovalPages:
    """The pages behind the links of one installation."""

    def __init__(self, on_call: OnCall, people: People, refused: Callable[[str], None]) -> None:
        """
        Args:
            on_call: Has the secret that links are signed with.
            people: Knows who sends a form; where it knows nobody there are no pages.
            refused: Told of a link that is none of ours.
        """
        self._secret = on_call.link_secret.get_secret_value().encode()
        self._people, self._refused = people, refused

    def routes(self) -> list[Route]:
        """The routes."""
        there = self._secret and self._people.known
        return [Route(PATH + "{token}", self.answer, methods=["GET", "POST"])] if there else []

    async def answer(self, request: Request) -> Response:
        """Show the question, or take the decision."""
        try:
            asked = read_token(self._secret, request.path_params["token"], datetime.now(UTC))
            who = await self._people.who(request)
        except BadLink as error:
            self._refused(str(error))
            return page("This link does not work", f"<p>{html.escape(str(error))}</p>", 403)
        except (Forged, TemporaryError) as error:
            return not_known(self._refused, error)
        if not who:
            return page("Who are you?", f"<p>{UNKNOWN}</p>", 403)
        if request.method != "POST":
            return question(asked, who)
        said = await fields_in(request)
        if said.get("decision") not in ("approve", "reject"):
            return page("What did you decide?", "<p>Go back and press one of the two buttons.</p>", 400)
        return await run_in_threadpool(
            hand_over, asked, decided(self._secret, asked, said["decision"] == "approve", who, said.get("comment", ""))
        )


def hand_over(asked: Asked, answer: Approval) -> Response:
    """Tell Prefect. It takes one answer for a question, and says so to whoever comes second."""
    with closing(PrefectServer()) as server:
        try:
            server.resume(asked.flow_run, answer.model_dump(mode="json"))
        except (NotNow, Broken):
            return page("Prefect does not answer", f"<p>{UNHEARD}</p>", 503)
        except Refused as error:
            return page("The run does not wait for this", f"<p>{html.escape(str(error))}</p>", 409)
    what = "approved" if answer.decision == "approve" else "rejected"
    return page("Thank you", f"<p>{html.escape(answer.approver)} has {what} plan {answer.plan_digest}.</p>")


def question(asked: Asked, who: str) -> Response:
    """The page with the two buttons."""
    expires = f"{asked.expires:%Y-%m-%d %H:%M} UTC"
    body = FORM.format(who=html.escape(who), digest=asked.digest, run=asked.flow_run, expires=expires)
    return page("Approve this plan?", body)
