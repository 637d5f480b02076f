"""Sends messages to people: named sinks, each an Apprise address (Slack, e-mail, PagerDuty, a webhook, ...).

The address of a sink is its password. It is kept as a secret, and is in no error, log or text of this block.
"""

from __future__ import annotations

import threading
from typing import Any

from prefect.types import SecretDict
from pydantic import Field, field_validator

from blocks.apprise_log import Heard, listening
from blocks.base import RemediationBlock
from blocks.client_errors import Kind, classify
from blocks.errors import NotFound, OutsideError, PermanentError, TemporaryError, UnknownOutcome

PERHAPS = (408, 502, 504)
"""Answers of a gateway that has given up waiting for the service behind it, which may have taken the message."""
NOT_NOW = (425, 429)
PATIENCE = 3.0
"""Times `seconds` that a message may take altogether: a connection, an answer, and as long again."""


class Notifier(RemediationBlock):
    """People and channels that messages are sent to, each by a name of ours."""

    _block_type_name = "Remediation Notifier"
    _block_type_slug = "remediation-notifier"
    _description = "Named sinks of messages, each an Apprise address: Slack, e-mail, PagerDuty, a webhook, and others."

    sinks: SecretDict = Field(
        default_factory=lambda: SecretDict({}),
        description='Name and Apprise address of each sink, as in {"primary": "pagerduty://..."}; the addresses are secret.',
    )
    seconds: float = Field(default=10.0, gt=0, description="Seconds to wait for a connection, and for an answer.")

    @field_validator("sinks")
    @classmethod
    def _names_and_addresses(cls, value: SecretDict) -> SecretDict:
        for name, address in value.get_secret_value().items():
            if not str(name).strip():
                raise ValueError("A sink has no name; give it one, as in primary.")
            if not isinstance(address, str) or "://" not in address:
                raise ValueError(
                    f"The address of sink {name} is none of Apprise's: it looks like slack://... or json://..."
                )
        return value

    def names(self) -> tuple[str, ...]:
        """The sinks that there are."""
        return tuple(sorted(self.sinks.get_secret_value()))

    def send(self, sink: str, title: str, text: str, *, wakes: bool = False) -> None:
        """Send one message to one sink. It is tried once.

        Args:
            sink: Name of the sink.
            title: Its subject line.
            text: Plain text.
            wakes: It asks somebody to act now. Services that rank what they take are told so: PagerDuty, which wakes
                nobody for the severity `info`, gets `critical`.

        Raises:
            NotFound: there is no sink of that name.
            TemporaryError: nothing was taken, and it may be sent again.
            PermanentError: nothing was taken, and sending it again will not help.
            UnknownOutcome: it may have been taken, by some or all.
        """
        service = self._service(sink)
        outcome: list[OutsideError | None] = []

        def work() -> None:
            outcome.append(_sent(sink, service, title, text, wakes))

        # Its own timeouts are for each piece of an answer: a server that drips would hold up everybody's pages.
        thread = threading.Thread(target=work, name=f"sink-{sink}", daemon=True)
        thread.start()
        thread.join(PATIENCE * self.seconds)
        if not outcome:
            raise UnknownOutcome(
                f"Sink {sink} did not come to an end; the message may have come: look before it is sent again."
            )
        if outcome[0] is not None:
            raise outcome[0]

    def _service(self, sink: str) -> Any:
        """Apprise's service for a sink."""
        address = self.sinks.get_secret_value().get(sink)
        if address is None:
            known = ", ".join(self.names()) or "none"
            raise NotFound(f"The notifier has no sink {sink!r} (it has: {known}); name it in the block's sinks.")
        import apprise

        with listening():  # a bad address is told in the log, with a part of it
            asset = apprise.AppriseAsset(
                app_id="blueprint-remediation", app_desc="blueprint-remediation", http_redirects=False
            )
            service = apprise.Apprise.instantiate(address, asset=asset)
        if service is None:
            raise PermanentError(
                f"The address of sink {sink} is none that Apprise understands; correct it in the block."
            )
        service.socket_connect_timeout = service.socket_read_timeout = self.seconds
        return service


def _sent(sink: str, service: Any, title: str, text: str, wakes: bool) -> OutsideError | None:
    """Send it; what went wrong, None: nothing."""
    from apprise import NotifyType

    kind = NotifyType.FAILURE if wakes else NotifyType.INFO
    with listening() as heard:
        try:
            taken = service.notify(body=text, title=title, notify_type=kind, body_format="text")
        except Exception as error:  # a service of Apprise's that is broken: whatever it is, it must not be lost
            return UnknownOutcome(f"Sink {sink} failed with {type(error).__name__}; look whether it came.")
    return None if taken else _failure(sink, heard)


def _failure(sink: str, heard: Heard) -> OutsideError:
    """What a message that was not simply taken means. A part that went through makes the whole unknown."""
    reasons = [*(f"answered {status}" for status in heard.statuses), *map(_words, heard.errors)]
    said = f"Sink {sink}: {', '.join(reasons) or 'it did not take the message and did not say why'}"
    lost = any(status in PERHAPS for status in heard.statuses)
    lost = lost or any(_means(error) is Kind.LOST for error in heard.errors)
    if heard.sent or lost or not reasons:
        return UnknownOutcome(f"{said}; the message may have come: look before it is sent again.")
    if any(status < 500 and status not in NOT_NOW for status in heard.statuses) or any(
        _means(error) is Kind.REFUSED for error in heard.errors
    ):
        return PermanentError(f"{said}; nothing was taken: check the sink's address in the notifier.")
    return TemporaryError(f"{said}; nothing was taken, it may be sent again.")


def _words(error: BaseException) -> str:
    """What went wrong, without the words of the exception: they name the address."""
    return "no connection" if _means(error) is Kind.NOT_NOW else type(error).__name__


def _means(error: BaseException) -> Kind:
    """Whether the message can have been taken."""
    if not isinstance(error, Exception):
        return Kind.LOST
    refused = _smtp_refused(error)
    if refused is not None:
        return refused
    if type(error).__name__ in ("InvalidURL", "MissingSchema", "InvalidSchema", "LocationParseError", "SSLError"):
        return Kind.REFUSED
    return classify(error).kind


def _smtp_refused(error: Exception) -> Kind | None:
    """Of e-mail: whether the server has said no before it took anything; None: it is another kind of error."""
    import smtplib
    import socket

    if isinstance(error, socket.gaierror | smtplib.SMTPConnectError | smtplib.SMTPHeloError):
        return Kind.NOT_NOW
    if isinstance(error, smtplib.SMTPAuthenticationError | smtplib.SMTPRecipientsRefused | smtplib.SMTPSenderRefused):
        return Kind.REFUSED
    if isinstance(error, smtplib.SMTPResponseException):
        return Kind.NOT_NOW if error.smtp_code < 500 else Kind.REFUSED
    return None
