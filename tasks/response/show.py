"""The report of an incident in the Prefect UI."""

from __future__ import annotations

from prefect.artifacts import create_markdown_artifact

from tasks.incidents.incident import Incident
from tasks.remediation.report import slug
from tasks.remediation.run import Run
from tasks.response.review import report_name


def publish_review(one: Run) -> None:
    """The post-incident report as an artifact, once it was written; the picture is in the ops bucket beside it."""
    incident = one.facts
    if one.outcome != "done" or not isinstance(incident, Incident):
        return
    name = report_name(incident).rpartition("/")[2]
    read = one.context.environment.storage.read(one.context.environment.ops_bucket, f"{report_name(incident)}.md")
    create_markdown_artifact(
        read.decode(), f"review-{slug(incident.id)}", f"Post-incident report {name} of {incident.id}"
    )
