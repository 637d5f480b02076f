"""The report of an incident in the Prefect UI."""

from __future__ import annotations

from prefect.artifacts import create_markdown_artifact

from tasks.incidents.incident import Incident
from tasks.remediation.narrow import short_digests
from tasks.remediation.report import slug
from tasks.remediation.run import Run
from tasks.remediation.table import fitted
from tasks.response.review import newest_report


def publish_review(one: Run) -> None:
    """The post-incident report as an artifact, once it was written."""
    incident = one.facts
    if one.outcome != "done" or not isinstance(incident, Incident):
        return
    if page := review_markdown(one, incident):
        create_markdown_artifact(page, f"review-{slug(incident.id)}", f"Post-incident report of {incident.id}")


def review_markdown(one: Run, incident: Incident) -> str:
    """The newest report as it is shown there: the picture is in the ops bucket beside it. Empty: none was written."""
    environment, name = one.context.environment, newest_report(one.context, incident)
    if not name:
        return ""
    report = environment.storage.read(environment.ops_bucket, f"{name}.md").decode()
    where = f"The timeline as a picture: `gs://{environment.ops_bucket}/{name}.svg`"
    return short_digests(fitted("\n".join(where if line.startswith("![") else line for line in report.split("\n"))))
