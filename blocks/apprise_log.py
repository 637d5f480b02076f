"""What Apprise says while it sends: the only place where it tells why a message was not taken.

Apprise's services catch every error, write a line to its log and return False. The exception is still being handled at
that moment, so a filter of the log sees it; the status of an answer stands in the line. Nothing that is heard goes on to
anybody's log, because the lines of some services hold the address, which is the password.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

LOGS = ("apprise", "urllib3.connectionpool", "requests_oauthlib", "oauthlib")
"""Apprise's own log, and those below it that name addresses when they are asked for details."""
STATUS = re.compile(r"error=(\d{3})\b")
"""As every HTTP service of Apprise writes the status it was answered with."""


@dataclass(slots=True)
class Heard:
    """What was said while one message was sent."""

    sent: int = 0
    """Parts of the message (or recipients) that were taken."""
    statuses: list[int] = field(default_factory=list)
    """Answers that were no success."""
    errors: list[BaseException] = field(default_factory=list)
    """Exceptions that were caught."""


_heard: ContextVar[Heard | None] = ContextVar("apprise_heard", default=None)


class _Listener(logging.Filter):
    """Keeps what is said while somebody listens; otherwise lets pass what would have passed without it."""

    def filter(self, record: logging.LogRecord) -> bool:
        heard = _heard.get()
        if heard is None:
            return record.levelno >= logging.WARNING
        if record.name != LOGS[0]:
            return False
        caught = sys.exc_info()[1]
        if caught is not None:
            heard.errors += [] if caught in heard.errors else [caught]  # some services write two lines about one
        elif record.levelno < logging.WARNING:
            heard.sent += record.levelno == logging.INFO and record.getMessage().startswith("Sent ")
        elif found := STATUS.search(record.getMessage()):
            heard.statuses.append(int(found.group(1)))
        return False


_listener = _Listener()


@contextmanager
def listening() -> Iterator[Heard]:
    """Hear what Apprise says in this thread until the end of the block, instead of letting it be logged.

    The thread must not be handling an exception of its own: it would be taken for one of Apprise's.
    """
    for name in LOGS:
        log = logging.getLogger(name)
        log.addFilter(_listener)  # adding it twice changes nothing
        if name == LOGS[0]:
            log.setLevel(logging.DEBUG)  # e-mail tells its reason there only
    heard = Heard()
    before = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(before)
