"""A receiver in a process of its own, to be killed: `python -m tests.receiver.victim SPOOL PORT ENDPOINTS CERTIFICATES`."""

from __future__ import annotations

import sys
from pathlib import Path

import uvicorn

from blocks.identity import PushTokens
from deployments.receiver.app import Receiver, make_app
from deployments.receiver.auth import Door, GoogleDoor, SignedDoor
from deployments.receiver.rules import load_rules
from deployments.sandbox.endpoints import Endpoints
from deployments.sandbox_environment import for_sandbox
from tests.receiver.google import ACCOUNT, AUDIENCE
from tests.receiver.storm import SECRET

if __name__ == "__main__":
    environment = for_sandbox(Endpoints.model_validate_json(sys.argv[3]))
    door = GoogleDoor(PushTokens(AUDIENCE, (ACCOUNT,), sys.argv[4]))
    doors: dict[str, Door] = {"/pubsub": door, "/cloudevents": door, "/alerts": SignedDoor((SECRET,))}
    receiver = Receiver(Path(sys.argv[1]), load_rules(environment), doors)
    uvicorn.run(make_app(receiver), host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", access_log=False)
