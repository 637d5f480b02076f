"""docs/operations/escalation.md tells what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from blocks.on_call import OnCall
from tasks.escalation import audit, chain, sweep
from tasks.escalation.report import policy_rows
from tasks.remediation.outcome import EXIT
from tasks.remediation.table import table

HOME = Path(__file__).resolve().parents[2]
PAGE = (HOME / "docs" / "operations" / "escalation.md").read_text()


def test_the_table_of_tiers_is_the_default_policy() -> None:
    assert table(list(policy_rows(OnCall().chains))) in PAGE


def test_the_numbers_are_those_of_the_code() -> None:
    hours = OnCall().link_hours
    for said in (
        f"A link works for {hours:g} hours",
        f"again after {chain.RETRY_AFTER.total_seconds() / 60:g} minute, {chain.RETRIES} times at most",
        f"At most {sweep.MOST} open incidents",
        f"A message may be {audit.GRACE.total_seconds() / 60:g} minutes late",
    ):
        assert said in PAGE, said
    assert f"count for {' and '.join(chain.CAN_WAIT)} only" in PAGE


def test_the_schedule_is_the_one_that_is_deployed() -> None:
    text = (HOME / "prefect.yaml").read_text()
    own = text.partition("- name: escalation\n")[2].partition("- name: ")[0]
    assert '"*/5 * * * *"' in own
    assert "runs every 5 minutes" in PAGE


def test_the_watchdog_sees_when_either_of_them_does_not_run() -> None:
    """It looks at every deployment that has an active schedule."""
    deployments = {one["name"]: one for one in yaml.safe_load((HOME / "prefect.yaml").read_text())["deployments"]}
    for name in ("escalation", "escalation-audit"):
        assert [schedule["active"] for schedule in deployments[name]["schedules"]] == [True]
    assert deployments["escalation"]["concurrency_limit"]["collision_strategy"] == "ENQUEUE", "no page is dropped"


@pytest.mark.parametrize("command", re.findall(r"remediate escalation (\w+)", PAGE))
def test_every_command_of_the_page_exists(command: str) -> None:
    from deployments.cli_escalation import app

    names = {one.name or one.callback.__name__ for one in app.registered_commands if one.callback}
    assert command in names


def test_the_words_have_the_exit_codes_of_the_product() -> None:
    for line in PAGE.partition("## How it ends")[2].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) != 3 or cells[0] in ("word", "---"):
            continue
        words = [one.strip().replace(" ", "_") for one in cells[0].split(",")]
        assert {str(EXIT[word]) for word in words} == {one.strip() for one in cells[1].split(",")}, line  # type: ignore[index]


def test_the_example_of_the_page_is_a_valid_policy() -> None:
    example = PAGE.partition("```python\n")[2].partition("```")[0]
    settings = example.partition("environment.notifier = ")[2].partition("environment.save")[0]
    code = "from prefect.types import SecretDict\nfrom blocks import Notifier, OnCall\nnotifier = " + settings.replace(
        "environment.on_call", "on_call"
    ).replace('"..."', '"' + "s" * 16 + '"')
    found: dict[str, object] = {}
    exec(compile(code, "escalation.md", "exec"), found)
    notifier, on_call = found["notifier"], found["on_call"]
    assert isinstance(on_call, OnCall)
    for area in ("pipeline", "platform", "simulation", "data"):
        assert on_call.unreachable(area, notifier.names()) == []  # type: ignore[attr-defined]


def test_each_address_of_the_example_is_one_that_apprise_understands() -> None:
    import apprise

    example = PAGE.partition("```python\n")[2].partition("```")[0]
    addresses = re.findall(r'": "(\w+://[^"]+)"', example)
    assert len(addresses) == 3
    real = {
        "slack://TOKEN_A/TOKEN_B/TOKEN_C": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
        "pagerduty://INTEGRATION_KEY@API_KEY": "pagerduty://ABCDEFGHIJ0123456789ABCDEFGHIJ01@ABCDEFGHIJ0123456789",
    }
    for address in addresses:
        assert apprise.Apprise.instantiate(real.get(address, address)) is not None, address
