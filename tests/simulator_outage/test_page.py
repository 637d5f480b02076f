"""docs/operations/simulator-outage.md has the words as they are, and its numbers are the program's."""

from __future__ import annotations

from pathlib import Path

import yaml

from blocks.catalogue_load import load_catalogue
from blocks.http_health import HttpHealth
from blocks.policy import RemediationPolicy
from deployments.receiver.rules import SHIPPED, read_rules
from tasks.remediation.outcome import EXIT
from tasks.simulator_outage.facts import OUT, WORDS
from tasks.simulator_outage.judge import STARTING, WARM_UP_MINUTES
from tasks.simulator_outage.look import ASKED, LOG_MINUTES
from tasks.simulator_outage.observe import LATELY_HOURS
from tasks.simulator_outage.owed import ROOT
from tasks.simulator_outage.proofs import SERVING_SECONDS
from tasks.simulator_outage.restart import AGAIN

HOME = Path(__file__).resolve().parents[2]
PAGE = (HOME / "docs" / "operations" / "simulator-outage.md").read_text()
SAID = " ".join(PAGE.split())
SERVICES = load_catalogue().services


def test_the_page_has_every_word_and_no_other() -> None:
    rows = [line for line in PAGE.split("## The words")[1].split("\n## ")[0].splitlines() if line.startswith("| `")]
    assert rows == [f"| `{word}` | {meaning} |" for word, meaning in WORDS.items()]
    assert {"not_serving", "down", "hung"} == OUT
    assert "`not_serving`, `down` and `hung` are an outage" in SAID


def test_the_numbers_are_those_of_the_program() -> None:
    assert f"younger than {STARTING.total_seconds():.0f} seconds" in SAID
    assert f"of the last {LOG_MINUTES:.0f} minutes" in SAID
    assert f"for {SERVICES['genie-sim'].log.restart_seconds:.0f} seconds" in SAID
    assert f"{HttpHealth().most_bytes // 1024} KiB of an answer" in SAID
    assert f"take particulate {WARM_UP_MINUTES} minutes" in SAID
    assert f"restarted within the last {AGAIN.total_seconds() / 60:.0f} minutes" in SAID
    assert f"must serve within {SERVING_SECONDS:.0f} seconds" in SAID
    assert f"has failed within {LATELY_HOURS:.0f} hours" in SAID
    assert {3: "three times before"}[ASKED] in SAID


def test_every_service_of_the_catalogue_is_on_the_page() -> None:
    assert {name for name in SERVICES if name not in PAGE} == set()
    source = SERVICES["particulate-service"].url_from
    assert source is not None
    assert f"`{source.variable}` of the job `{source.job}`" in SAID


def test_the_exit_codes_are_those_of_the_words() -> None:
    for word in ("nothing_to_do", "failed", "partial"):
        assert f"| {EXIT[word]} | `{word}` |" in PAGE  # type: ignore[index]


def test_how_it_is_answered_by_itself_is_what_is_deployed() -> None:
    deployed = {one["name"]: one for one in yaml.safe_load((HOME / "prefect.yaml").read_text())["deployments"]}
    assert "**simulator-outage-on-event**, one run at a time" in SAID
    assert deployed["simulator-outage-on-event"]["concurrency_limit"]["limit"] == 1
    minutes = [int(one) for one in deployed["simulator-check"]["schedules"][0]["cron"].split()[0].split(",")]
    gap = max(after - before for before, after in zip(minutes, [*minutes[1:], minutes[0] + 60], strict=True))
    assert f"at its next look, {gap} minutes later at most" in SAID
    (rule,) = (one for one in read_rules(SHIPPED) if one.name == "genie-sim-unhealthy")
    assert rule.quiet_seconds == 300
    assert "`genie-sim-unhealthy`, one run in five minutes at most" in SAID
    assert RemediationPolicy().simulator_restart is False
    assert "| `simulator_restart` off, as shipped |" in PAGE
    assert f"`{ROOT}<run>/`" in SAID
