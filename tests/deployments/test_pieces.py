"""The small pieces of the commands: the table of a scene, the stack's environment and requests, and what a doctor prints."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from deployments import doctor as command
from deployments import stack as stacking
from deployments.authorities import one_authority
from deployments.children import descendants, stop_if_asked
from deployments.stack import SERVER_SETTINGS, WORKER_SETTINGS, Stack, answers, call, may_be_made_twice
from deployments.validation_table import SHOWN, print_report
from tasks.doctor.buckets import BACKUP_NEAR, MISSING
from tasks.doctor.examine import PART_UNKNOWN, Look
from tasks.validation.findings import Finding, SceneReport


def finding(code: str, severity: Any = "error", message: str = "It is wrong.") -> Finding:
    return Finding(code, severity, "an/object", "", message, "Mend it.", "usd")


def table(capsys: pytest.CaptureFixture[str], healthy: bool | None, *found: Finding, **stages: Any) -> str:
    print_report(SceneReport("kitchen_001", healthy, stages, found))
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("healthy", "word"),
    [(True, "kitchen_001: healthy"), (False, "kitchen_001: not healthy"), (None, "kitchen_001: unknown")],
)
def test_the_verdict_is_the_first_word(capsys: pytest.CaptureFixture[str], healthy: bool | None, word: str) -> None:
    assert table(capsys, healthy).startswith(f"{word} (0 errors, 0 warnings, 0 notes)")


def test_each_severity_is_counted_and_notes_are_not_written_out(capsys: pytest.CaptureFixture[str]) -> None:
    found = [finding("a"), finding("b", "warning"), finding("c", "info", "good to know"), finding("d", "unread")]
    shown = table(capsys, False, *found)
    assert "(1 errors, 1 warnings, 1 notes, 1 not looked at)" in shown
    assert "good to know" not in shown
    assert all(code in shown for code in ("a", "b", "d"))


def test_stages_that_need_something_are_named_and_no_others(capsys: pytest.CaptureFixture[str]) -> None:
    shown = table(capsys, False, usd="broken", simready="complete", dwm="never_ran")
    assert "stages: usd broken\n" in shown
    assert "stages:" not in table(capsys, True, simready="complete")


def test_many_of_one_kind_are_counted_and_a_peculiarity_is_one_word(capsys: pytest.CaptureFixture[str]) -> None:
    found = [finding("a", message=f"wrong {number}") for number in range(SHOWN + 2)]
    shown = table(capsys, False, *found, finding("dialect-x", "warning"), finding("dialect-x", "warning"))
    assert shown.count("wrong ") == SHOWN
    assert "and 2 more like these" in shown
    assert shown.count("dialect-x") == 1
    assert "more like these" not in table(capsys, False, *found[:SHOWN])


def test_what_a_scene_says_is_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    assert "[bold]not bold[/bold]" in table(capsys, False, finding("a", message="[bold]not bold[/bold]"))


# The stack


def test_a_stack_takes_nothing_of_anybodys_prefect(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(stacking, "STATE", tmp_path)
    monkeypatch.setenv("PREFECT_API_KEY", "somebody's")
    monkeypatch.setenv("PREFECT_PROFILE", "somebody's")
    monkeypatch.setenv("OTHER", "kept")
    one = Stack("a-test")
    environ = one.environ()
    assert "somebody's" not in environ.values()
    assert environ["OTHER"] == "kept"
    assert environ["PREFECT_API_URL"] == environ["PREFECT_UI_API_URL"] == one.api_url
    assert environ["PREFECT_SERVER_API_HOST"] == "127.0.0.1"
    assert environ["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert (SERVER_SETTINGS | WORKER_SETTINGS).items() <= environ.items()
    written = [environ[name] for name in ("TMPDIR", "PREFECT_HOME", "REMEDIATION_STATE")]
    assert all(path.startswith(str(tmp_path / "a-test")) for path in written)


def test_the_file_of_authorities_holds_one_that_a_client_can_load(tmp_path: Path) -> None:
    context = ssl.create_default_context(cafile=str(one_authority(tmp_path)))
    assert context.cert_store_stats()["x509_ca"] == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "twice"),
    [
        ("GET", "flow_runs/1", None, True),
        ("POST", "flow_runs/filter", {}, True),
        ("POST", "flow_runs/count", {}, True),
        ("PATCH", "deployments/1", {"paused": True}, True),
        ("POST", "events", [{"id": 1}], True),
        ("POST", "deployments/1/create_flow_run", {"idempotency_key": "a"}, True),
        ("POST", "deployments/1/create_flow_run", {}, False),
        ("POST", "deployments/1/create_flow_run", None, False),
        ("DELETE", "flow_runs/1", None, False),
    ],
)
def test_only_a_request_whose_second_changes_nothing_is_made_twice(
    method: str, path: str, body: Any, twice: bool
) -> None:
    assert may_be_made_twice(method, f"http://127.0.0.1/api/{path}", body) is twice


@pytest.fixture
def busy() -> Iterator[tuple[str, list[int], list[str]]]:
    """A server that answers with these statuses one after another, and 200 when they are used up."""
    statuses: list[int] = []
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append(self.command)
            body = b'{"well": true}'
            self.send_response(statuses.pop(0) if statuses else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", statuses, asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_busy_server_is_asked_again_and_one_that_says_no_is_not(busy: tuple[str, list[int], list[str]]) -> None:
    url, statuses, asked = busy
    statuses += [503]
    assert call("POST", url, {}) == {"well": True}
    assert len(asked) == 2
    statuses += [409]
    with pytest.raises(HTTPError):
        call("GET", url)
    assert len(asked) == 3
    statuses += [503]
    with pytest.raises(HTTPError):
        call("GET", url, patience=0.0)
    assert len(asked) == 4


def test_only_200_says_that_somebody_is_ready(busy: tuple[str, list[int], list[str]]) -> None:
    url, statuses, _ = busy
    assert answers(url)
    statuses += [404, 204]
    assert not answers(url)
    assert not answers(url)
    assert not answers("http://127.0.0.1:9")


def test_a_signal_is_heard_at_the_next_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    stop_if_asked()
    monkeypatch.setattr("deployments.children._asked", [15])
    with pytest.raises(KeyboardInterrupt):
        stop_if_asked()


def test_a_process_that_is_gone_has_no_descendants() -> None:
    assert descendants(2**22 + 1) == []


# The doctor's command


def looks(*codes: Any) -> list[Look]:
    made = Look("a part", good=3)
    for code in codes:
        made.say(code, "b", "A sentence.")
    return [made]


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        ([], 0),
        ([BACKUP_NEAR], 0),
        ([PART_UNKNOWN], 2),
        ([MISSING], 1),
        ([MISSING, PART_UNKNOWN], 1),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_the_doctors_exit_code_tells_wrong_from_unknown(
    codes: list[Any], code: int, as_json: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "unreachable", lambda: "")
    monkeypatch.setattr(command, "examine", lambda environment: looks(*codes))
    assert command.doctor("staging", as_json) == code
    shown = capsys.readouterr().out
    if as_json:
        data = json.loads(shown)
        assert (data["exit_code"], data["environment"], len(data["findings"])) == (code, "staging", len(codes))
        assert data["parts"] == [{"part": "a part", "in_order": 3, "seconds": 0.0}]
    else:
        assert max(map(len, shown.splitlines())) <= command.WIDEST


@pytest.mark.parametrize("as_json", [False, True])
def test_a_server_that_cannot_be_asked_is_told_in_the_form_that_was_asked_for(
    as_json: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "unreachable", lambda: "It does not answer.")
    monkeypatch.setattr(command, "examine", lambda environment: pytest.fail("it was looked at"))
    assert command.doctor("default", as_json) == 2
    told = capsys.readouterr()
    assert json.loads(told.out) == {"exit_code": 2, "error": "It does not answer."} if as_json else told.out == ""
    assert as_json or told.err == "It does not answer.\n"
