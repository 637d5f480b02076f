"""What follows an incident that was resolved: the runtime report of its hours."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect import get_run_logger

from flows.running import start_run
from tasks.incidents.incident import Incident
from tasks.response.times import began_at
from tasks.runtime_report.window import of_incident


def report_of(incident: Incident, environment: str) -> None:
    """Have Prefect make the report of an incident that was resolved; one run, however often this is asked.

    Whatever keeps it from being started is a line of the log: the incident watch asks again every 15 minutes for a day.
    """
    if (over := incident.resolved_at) is None:
        return
    asked = of_incident(began_at(incident) or incident.declared_at, over, datetime.now(UTC))
    if asked.since is None or asked.until is None or asked.since >= asked.until:
        get_run_logger().info("%s was over before it began, as its record says: it has no runtime report.", incident.id)
        return
    hours = {"since": asked.since.isoformat(), "until": asked.until.isoformat(), "environment": environment}
    try:
        start_run("runtime-report/runtime-report", hours, f"runtime-report:{incident.id}:{over.isoformat()}")
    except Exception as error:  # no such deployment, no server: the incident is what it is all the same
        get_run_logger().warning("The runtime report of %s could not be started (%s).", incident.id, error)
