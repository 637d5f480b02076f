"""`remediate override request`, `approve`, `revoke`, `list` and `audit`: overrides of quality gates, on record and found."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from deployments.cli_backup import EnvironmentOption
from deployments.cli_flows import use_running_stack

if TYPE_CHECKING:
    from tasks.pipeline.override_findings import Decided, Found
    from tasks.pipeline.override_ledger import Recorded
    from tasks.remediation.context import Context

app = typer.Typer(
    no_args_is_help=True, help="Overrides of quality gates: put them on record, and find those that are not."
)
IdArgument = Annotated[str, typer.Argument(help="The override, as in ovr-20261127t101502z-9f3ac1d2.")]
T = TypeVar("T")
TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"]
AssertionOption = Annotated[str, typer.Option(help="What Identity-Aware Proxy says of you; proves the name.")]
AudienceOption = Annotated[str, typer.Option(help="The proxy's audience, as the receiver has it.")]
KeysOption = Annotated[str, typer.Option(hidden=True, help="Where the proxy's keys are, if not at Google.")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON, with keys that stay.")]


@app.command()
def request(
    scene: Annotated[str, typer.Option(help="The scene, as in kitchen_001.")] = "",
    gate: Annotated[str, typer.Option(help="The gate that is to be passed, as in qg-3-usd.")] = "",
    requester: Annotated[str, typer.Option(help="Who asks; may not approve it.")] = "",
    category: Annotated[str, typer.Option(help="Of the catalogue's, as in known_issue.")] = "",
    ticket: Annotated[str, typer.Option(help="As in OPS-12, or an address.")] = "",
    justification: Annotated[str, typer.Option(help="Why it is right, so that somebody else can judge it.")] = "",
    until: Annotated[datetime | None, typer.Option(help="When it ends (UTC); in seven days.", formats=TIMES)] = None,
    failing: Annotated[str, typer.Option(help="What fails; read from the gate's report if it is not said.")] = "",
    switch: Annotated[
        str, typer.Option(help="The switch by which one run is to pass, as in BYPASS_QUALITY_GATES.")
    ] = "",
    evidence: Annotated[list[str] | None, typer.Option(help="Address of a log, a picture, a summary; several.")] = None,
    execution: Annotated[str, typer.Option(help="The workflow's execution that the gate has stopped.")] = "",
    environment: EnvironmentOption = "default",
) -> None:
    """Ask for an override and put it on record. Refused, with one sentence, when something is missing."""
    ends = (
        (until.replace(tzinfo=UTC) if until.tzinfo is None else until)
        if until
        else datetime.now(UTC) + timedelta(days=7)
    )
    said = {
        "scene": scene, "gate": gate, "requester": requester, "category": category, "ticket": ticket, "until": ends,
        "justification": justification, "failing": failing, "switch": switch, "execution": execution,
        "evidence": tuple(evidence or ()),
    }  # fmt: skip

    def do(context: Context) -> Recorded:
        from tasks.override_audit.recording import request as record
        from tasks.pipeline.override_ledger import Requested

        return record(context, Requested.model_validate(said))

    _tell(
        environment, do, lambda one: f"{one.case.id} waits for somebody else: remediate override approve {one.case.id}"
    )


@app.command()
def approve(
    id_: IdArgument,
    approver: Annotated[str, typer.Option(help="Your name; taken from the assertion if there is one.")] = "",
    comment: Annotated[str, typer.Option(help="Why; recorded.")] = "",
    iap_assertion: AssertionOption = "",
    iap_audience: AudienceOption = "",
    iap_keys: KeysOption = "",
    environment: EnvironmentOption = "default",
) -> None:
    """Allow an override that somebody else has asked for."""

    def do(context: Context) -> Recorded:
        from tasks.override_audit.recording import approve as record
        from tasks.override_audit.recording import person

        return record(context, id_, person(approver, iap_assertion, iap_audience, iap_keys), comment)

    _tell(environment, do, lambda one: f"{one.case.id} is approved until {one.asked.until:%Y-%m-%d %H:%M} UTC.")


@app.command()
def revoke(
    id_: IdArgument,
    by: Annotated[str, typer.Option(help="Your name.")] = "",
    reason: Annotated[str, typer.Option(help="Why; recorded.")] = "",
    environment: EnvironmentOption = "default",
) -> None:
    """End an override now. What was made by it stays; the audit says where the scene went."""

    def do(context: Context) -> Recorded:
        from tasks.override_audit.recording import revoke as record

        return record(context, id_, by, reason)

    _tell(environment, do, lambda one: f"{one.case.id} is revoked.")


@app.command()
def answer(
    id_: Annotated[str, typer.Argument(help="The finding, as in f-3fa91c2b7d04; the audit's page has it.")],
    by: Annotated[str, typer.Option(help="Your name; not who asked for the override or approved it.")] = "",
    reason: Annotated[str, typer.Option(help="Why it may stay as it is, so that somebody else can judge it.")] = "",
    iap_assertion: AssertionOption = "",
    iap_audience: AudienceOption = "",
    iap_keys: KeysOption = "",
    environment: EnvironmentOption = "default",
) -> None:
    """Answer for a finding of the audit that cannot or need not be mended. It is no finding from then on, and shown as answered."""

    def do(context: Context) -> Found:
        from tasks.override_audit.answers import answer as record
        from tasks.override_audit.recording import person

        return record(context, id_, person(by, iap_assertion, iap_audience, iap_keys), reason)

    _tell(environment, do, lambda one: f"Answered: {one.sentence}")


@app.command()
def decide(
    gate: Annotated[str, typer.Argument(help="The gate, as in qg-3-usd.")],
    verdict: Annotated[str, typer.Option(help="codify, tighten, stop or keep.")] = "",
    by: Annotated[str, typer.Option(help="Your name.")] = "",
    reason: Annotated[
        str, typer.Option(help="What was changed, or why nothing is; so that somebody else can judge it.")
    ] = "",
    environment: EnvironmentOption = "default",
) -> None:
    """Record what is decided about a gate after an audit; the next ones show it beside their own verdict."""

    def do(context: Context) -> Decided:
        from tasks.override_audit.answers import decide as record

        return record(context, gate, verdict, by, reason)

    _tell(environment, do, lambda one: f"{one.gate}: {one.verdict}, decided by {one.by}.")


@app.command("list")
def list_(as_json: JsonOption = False, environment: EnvironmentOption = "default") -> None:
    """Every override that is on record here, the newest first. Exit 1 when one cannot be read. Changes nothing."""
    raise typer.Exit(_list(_context(environment), as_json))


@app.command()
def audit(
    days: Annotated[int, typer.Option(help="How far back runs, markers and decisions are looked at.")] = 30,
    as_json: JsonOption = False,
    environment: EnvironmentOption = "default",
) -> None:
    """Find every override, declared or silent. Exit 0 all is well, 1 a person must act, 5 not everything could be asked.

    Changes nothing, and records and tells nothing: the deployment does. Every code: docs/operations/override-audit.md.
    """
    raise typer.Exit(_audit(_context(environment), days, as_json))


def _audit(context: Context, days: int, as_json: bool) -> int:
    from tasks.override_audit.check import OverrideAudit, Question
    from tasks.override_audit.report import as_data, text
    from tasks.remediation.check import check
    from tasks.remediation.outcome import EXIT

    one = check(OverrideAudit(), context, Question(days))
    code = EXIT[one.outcome]
    if one.facts is None:
        sentence = " ".join(one.reasons)
        print(json.dumps({"exit_code": code, "error": sentence})) if as_json else print(sentence, file=sys.stderr)
        return code
    seen = one.facts.facts
    print(json.dumps({"outcome": one.outcome, "exit_code": code} | as_data(seen), indent=2) if as_json else text(seen))
    return code


def _list(context: Context, as_json: bool) -> int:
    from tasks.pipeline.override_ledger import Recorded, as_data, read_all

    rows: list[dict[str, Any]] = []
    bad = 0
    for id_, one in _or_end(lambda: list(read_all(context))):
        if isinstance(one, Recorded):
            rows.append(as_data(one))
        else:
            bad += 1
            rows.append({"id": id_, "state": "unreadable", "problem": str(one)})
    if as_json:
        print(json.dumps(rows, indent=2))
    else:
        print("\n".join(map(_line, rows)) or "No override is on record.")
    return 1 if bad else 0


def _line(row: dict[str, Any]) -> str:
    if "problem" in row:
        return f"{row['id']}  unreadable  {row['problem']}"
    by = f"approved by {row['approver']} ({row['identity']})" if row["approver"] else "not approved"
    return f"{row['id']}  {row['state']:<10} {row['gate']} of {row['scene']}, asked by {row['requester']}, {by}, until {row['until']}"


def _tell(environment: str, do: Callable[[Context], T], sentence: Callable[[T], str]) -> None:
    context = _context(environment)
    print(sentence(_or_end(lambda: do(context))))


def _or_end(do: Callable[[], Any]) -> Any:
    """What it gives; whatever goes wrong is one sentence and an exit code."""
    from tasks.remediation.outcome import EXIT, outcome_of

    try:
        return do()
    except Exception as error:
        outcome, sentence = outcome_of(error)
        _end(sentence, EXIT[outcome])


def _context(environment: str) -> Context:
    from deployments.doctor import load
    from tasks.remediation.context import Context

    use_running_stack()
    block = load(environment)
    return _end(block, 2) if isinstance(block, str) else Context(block, "remediate override")


def _end(sentence: str, code: int) -> NoReturn:
    print(sentence, file=sys.stderr)
    raise typer.Exit(code)
