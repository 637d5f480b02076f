"""The report of an incident in the Prefect UI."""

from __future__ import annotations

from prefect.artifacts import create_markdown_artifact

from tasks.incidents.incident import Incident
from tasks.remediation.drawing import in_markdown
from tasks.remediation.report import slug
from tasks.remediation.run import Run
from tasks.remediation.table import fitted
from tasks.response.review import alt_of, newest_report


def publish_review(one: Run) -> None:
    """The post-incident report as an artifact, once it was written."""
    incident = one.facts
    if one.outcome != "done" or not isinstance(incident, Incident):
        return
    if page := review_markdown(one, incident):
        create_markdown_artifact(page, f"review-{slug(incident.id)}", f"Post-incident report of {incident.id}")


def review_markdown(one: Run, incident: Incident) -> str:
    """The newest report as it is shown there, with its picture in it. Empty: none was written."""
    environment, name = one.context.environment, newest_report(one.context, incident)
    if not name:
        return ""
    report, drawn = (
        environment.storage.read(environment.ops_bucket, f"{name}.{kind}").decode() for kind in ("md", "svg")
    )
    picture = in_markdown(alt_of(incident), drawn)
    return fitted("\n".join(picture if line.startswith("![") else line for line in report.split("\n")))
