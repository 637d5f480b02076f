"""Slack and PagerDuty are spoken to as their own documents say, over TLS to their own hosts.

Slack: "Sending messages using incoming webhooks". PagerDuty: "Send an alert event", Events API v2.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prefect.types import SecretDict

from blocks.errors import OutsideError, PermanentError, TemporaryError, UnknownOutcome
from blocks.notifier import Notifier
from tests.blocks.tls_sink import TlsSink, tls_sink

SLACK, PAGER, PAGER_EU = "hooks.slack.com", "events.pagerduty.com", "events.eu.pagerduty.com"
KEY, TOKEN = "R0123456789ABCDEFGHIJKLMNOPQRSTU", "hunter2hunter2hunter2"
NOTIFIER = Notifier(
    sinks=SecretDict(
        {
            "chat": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
            "pager": f"pagerduty://{KEY}@{TOKEN}",
            "pager-eu": f"pagerduty://{KEY}@{TOKEN}?region=eu",
            "stranger": "jsons://example.org/x",
        }
    ),
    seconds=5,
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsSink]:
    with tls_sink(tmp_path_factory.mktemp("tls"), SLACK, PAGER, PAGER_EU) as sink:
        yield sink


@pytest.fixture
def sink(server: TlsSink) -> TlsSink:
    """Nothing has come, and Slack's answer is given."""
    server.posted.clear()
    server.status, server.answer = 200, b"ok"
    return server


def test_slack_gets_title_and_text_at_the_address_of_the_webhook(sink: TlsSink) -> None:
    NOTIFIER.send("chat", "[sev1] Exports fail", "Look <at> it.\nNow & here.")
    (one,) = sink.posted
    assert one.host == f"{SLACK}:443"
    assert one.path == "/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    assert one.headers["content-type"].startswith("application/json")
    (said,) = one.body["attachments"]
    assert said["title"] == "[sev1] Exports fail"
    assert "Now &amp; here." in said["text"]
    assert "Look &lt;at&gt; it." in said["text"]


@pytest.mark.parametrize(("name", "host"), [("pager", PAGER), ("pager-eu", PAGER_EU)])
@pytest.mark.parametrize(("wakes", "severity"), [(True, "critical"), (False, "info")])
def test_pagerduty_gets_an_event_that_triggers_and_only_a_page_is_critical(
    sink: TlsSink, name: str, host: str, wakes: bool, severity: str
) -> None:
    sink.status, sink.answer = 202, b'{"status": "success", "message": "Event processed", "dedup_key": "d"}'
    NOTIFIER.send(name, "[sev1] Exports fail", "Look at it.", wakes=wakes)
    (one,) = sink.posted
    assert (one.host, one.path) == (f"{host}:443", "/v2/enqueue")
    assert (one.body["routing_key"], one.body["event_action"]) == (KEY, "trigger")
    said = one.body["payload"]
    assert said["severity"] == severity
    assert said["source"]
    assert "[sev1] Exports fail" in said["summary"]
    assert "Look at it." in said["summary"]


@pytest.mark.parametrize(
    ("status", "answer", "error"),
    [
        (400, b"invalid_payload", PermanentError),
        (403, b"invalid_token", PermanentError),
        (404, b"no_service", PermanentError),
        (429, b"rate_limited", TemporaryError),
        (500, b"rollup_error", TemporaryError),
        (504, b"", UnknownOutcome),
    ],
)
@pytest.mark.parametrize("name", ["chat", "pager"])
def test_what_they_refuse_is_told_as_what_it_is_without_any_key(
    sink: TlsSink, name: str, status: int, answer: bytes, error: type[OutsideError]
) -> None:
    sink.status, sink.answer = status, answer
    with pytest.raises(error) as caught:
        NOTIFIER.send(name, "t", "x")
    assert len(sink.posted) == 1, "it is tried once"
    assert not [one for one in (KEY, TOKEN, "TIiajkdnlazkcOXrIdevi7FQ") if one in str(caught.value)]


def test_a_host_that_shows_the_certificate_of_another_gets_no_message(sink: TlsSink) -> None:
    with pytest.raises(PermanentError):
        NOTIFIER.send("stranger", "t", "x")
    assert sink.posted == []
