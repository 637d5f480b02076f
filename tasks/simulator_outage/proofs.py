"""The kinds `confirm_outage` and `prove_serving`: the service is asked again before its restart, and after it until it serves."""

from __future__ import annotations

import time

from blocks.catalogue_services import Service
from blocks.errors import PermanentError, PreconditionFailed, TemporaryError
from tasks.remediation.kind import Doing, Kind, Params
from tasks.simulator_outage.facts import ServiceState
from tasks.simulator_outage.one import state_now

SERVING_SECONDS = 600.0
"""How long a restarted server is waited for: a node, its image, and 210 s in which it loads."""


class OfService(Params):
    """Which service."""

    service: str


def apply_confirm(doing: Doing, params: OfService) -> str:
    """Ask once more, directly before the restart.

    Raises:
        PreconditionFailed: it serves by now, or somebody restarts it already.
        TemporaryError: not every side of it could be seen.
    """
    state, unseen = state_now(doing.context.environment, params.service)
    if unseen:
        raise TemporaryError(f"Not everything can be seen any more, so nothing is restarted: {unseen[0]}")
    if not state.out:
        raise PreconditionFailed(f"{state.sentence} Nothing was restarted; look again with remediate health.")
    return state.word


def apply_prove(doing: Doing, params: OfService) -> str:
    """Ask until it serves. Raises PermanentError with the last word when it does not in time."""
    environment = doing.context.environment
    limit = SERVING_SECONDS if environment.policy.wait_seconds is None else environment.policy.wait_seconds
    began = time.monotonic()
    while True:
        state, unseen = state_now(environment, params.service)
        if not unseen and proved(state, environment.catalogue.services[params.service]):
            return state.word
        doing.run.check(goes_on=True)  # waiting changes nothing, so only a lost lease ends it
        waited = time.monotonic() - began
        if waited > limit:
            said = " ".join((state.sentence, *state.evidence[1:], *unseen))
            raise PermanentError(f"{limit:.0f} s after its restart {said} Look at its log; it was restarted once.")
        doing.context.say(f"{doing.action.target}: running for {waited:.0f} s of at most {limit:.0f} s")
        time.sleep(environment.policy.poll_seconds)


def proved(state: ServiceState, rule: Service) -> bool:
    """Whether it serves; a gRPC server without a health service can only be reached, and a smoke run proves the rest."""
    return state.looked and (state.word == "serving" or (state.word == "unknown" and rule.speaks == "grpc"))


confirm_outage = Kind(
    name="confirm_outage", params=OfService, effect="read", apply=apply_confirm, task="confirm_outage"
)
prove_serving = Kind(name="prove_serving", params=OfService, effect="read", apply=apply_prove, task="prove_serving")
