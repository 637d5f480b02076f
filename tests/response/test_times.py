"""Times come from the record to the second; what nobody wrote down is unknown, and what cannot be is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from blocks.environment import PipelineEnvironment
from tasks.incidents.entries import Acknowledged, Changed, Resolved
from tasks.incidents.incident import Incident, declare, read_incident
from tasks.remediation.times import clock, lasted
from tasks.response.times import measures
from tests.response.world import heir, wanted


@pytest.fixture
def incident(environment: PipelineEnvironment) -> Incident:
    return declare(heir(environment), wanted().declaration())


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min 00 s"), (3599, "59 min 59 s"), (3600, "1 h 00 min 00 s"), (3723, "1 h 02 min 03 s"), (86400, "1 d 00 h 00 min 00 s"), (90061 + 86400, "2 d 01 h 01 min 01 s")],
)  # fmt: skip
def test_a_duration_is_told_to_the_second(seconds: int, words: str) -> None:
    assert lasted(seconds) == words


def test_a_time_is_told_in_utc_to_the_second() -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    assert clock(datetime(2026, 1, 18, 17, 30, 5, 999_999, tzinfo=east)) == "2026-01-18 12:00:05 UTC"
    assert clock(None) == "unknown"


def test_of_a_new_incident_everything_is_unknown_with_the_reason(incident: Incident) -> None:
    for one in measures(incident):
        assert (one.seconds, one.words) == (None, "unknown")
        assert one.how.startswith("nobody has recorded when ")


def test_the_times_are_those_of_the_entries_as_the_bucket_has_them(
    environment: PipelineEnvironment, incident: Incident
) -> None:
    incident.say(Acknowledged(by="bo", how="command"))
    incident.say(Resolved(how="over"))
    began = incident.declared_at - timedelta(minutes=3)
    incident.say(Changed(began_at=began))
    read = read_incident(heir(environment), incident.id)
    at = [int(entry.at.timestamp()) for entry in read.case.entries]
    detect, acknowledge, resolve = measures(read)
    assert detect.seconds == at[0] - int(began.timestamp())
    assert acknowledge.seconds == at[1] - at[0]
    assert resolve.seconds == at[2] - int(began.timestamp())
    assert resolve.how == "from when it began to when it was over"


def test_an_entrys_time_is_that_at_which_the_bucket_has_taken_it(
    environment: PipelineEnvironment, incident: Incident
) -> None:
    incident.say(Acknowledged(by="bo", how="command"))
    stored = list(environment.storage.list(incident.case.bucket, incident.case.prefix))
    for entry, there in zip(incident.case.entries, stored, strict=True):
        assert timedelta(0) <= there.created - entry.at + timedelta(milliseconds=1) < timedelta(seconds=30)


def test_without_its_beginning_it_is_resolved_from_its_declaration_and_that_is_said(incident: Incident) -> None:
    incident.say(Resolved(how="over"))
    detect, _, resolve = measures(incident)
    assert detect.seconds is None
    assert resolve.seconds is not None
    assert "when it began is unknown" in resolve.how


def test_a_record_that_says_it_was_over_before_it_began_is_told_and_not_counted(incident: Incident) -> None:
    incident.say(Resolved(how="over", at=datetime(2020, 1, 1, tzinfo=UTC)))
    resolve = measures(incident)[2]
    assert resolve.seconds is None
    assert "before" in resolve.how
    assert "2020-01-01 00:00:00 UTC" in resolve.how


def test_the_first_who_takes_it_counts(incident: Incident) -> None:
    incident.say(Acknowledged(by="bo", how="command"))
    first = measures(incident)[1].seconds
    incident.say(Acknowledged(by="cy", how="link"))
    assert measures(incident)[1].seconds == first
