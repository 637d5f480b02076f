"""The report in words, in the order of the pipeline's own template (docs/OPS_RUNTIME_REPORT.md there)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from tasks.remediation.drawing import Picture
from tasks.remediation.report import Section, counted
from tasks.remediation.table import Cell
from tasks.runtime_report.report import Report
from tasks.runtime_report.stages import StageTotal
from tasks.runtime_report.steps import UNKNOWN, Step


def sections(report: Report, picture: Picture) -> list[Section]:
    """The parts of the report; the picture is of the percentiles."""
    return [
        Section("Objective", objective(report)),
        Section("Constraints: what is not known", bullets(report.unknown or ["Everything could be asked."])),
        Section("Scene selection", scenes(report)),
        Section("Inventory", "", tuple(inventory(report))),
        Section("Execution", bullets(report.notes), tuple(execution(report))),
        Section("Summary", "", tuple(summary(report.steps)), picture),
        Section("By stage", "", tuple(by_stage(report.stages))),
        Section("What is promised", "", tuple(promised(report))),
        Section("Against the time before", bullets(changed(report)), tuple(against(report))),
        Section("Cloud Run", "", tuple(cloud_run(report))),
        Section("Minutes of GPU", gpu_words(report), tuple(gpu(report))),
        Section(
            "Adjustments", bullets([one.sentence() for one in report.proposals] or ["No other timeout is proposed."])
        ),
        Section("Next actions", bullets(next_actions(report))),
    ]


def objective(report: Report) -> str:
    """Of what it tells."""
    before = f"{report.window.before:%Y-%m-%d %H:%M}"
    return (
        f"How long everything took from {report.window.words()}, against its timeouts and what is promised, and against the "
        f"same time before (from {before} UTC). Made {report.made_at:%Y-%m-%d %H:%M} UTC."
    )


def scenes(report: Report) -> str:
    """Which scenes it is about."""
    if report.scenes is None:
        return "Unknown: the log could not be read."
    return (
        f"Every scene that the log names: {report.scenes:,}. How many objects and robots each has is not in the log, so "
        "whether 150 objects and two robots were among them is unknown."
    )


def inventory(report: Report) -> Iterable[Mapping[str, Cell]]:
    """What was read."""
    asked = report.executions
    since = report.window.since.timestamp()
    yield {"what": "events of workflows (bp_metric)", "number": number(report.entries)}
    yield {
        "what": "runs of jobs with a duration",
        "number": number(sum(one.runs for one in report.steps)) if report.entries is not None else UNKNOWN,
    }
    yield {"what": "Genie Sim SLA violations", "number": number(report.sla_violations)}
    for is_job, what in ((False, "executions of workflows"), (True, "executions of Cloud Run jobs")):
        known = any(one.is_job == is_job for one in asked.ran) or not asked.unknown
        yield {"what": what, "number": number(len(asked.of(since, is_job=is_job)) if known else None)}
    jobs = sum(map(Counter.total, asked.cluster.values())) if asked.cluster is not None else None
    yield {"what": "GPU Jobs in the cluster now", "number": number(jobs)}


def execution(report: Report) -> Iterable[Mapping[str, Cell]]:
    """Starts and ends by the log."""
    for one in report.starts:
        yield {
            "job": one.job or UNKNOWN,
            "workflow": one.workflow or UNKNOWN,
            "started": f"{one.started:,}",
            "ended": f"{one.ended:,}",
            "without a duration": f"{one.unmeasured:,}",
            "no end logged": f"{one.not_ended:,}",
            "overdue": f"{one.overdue:,}",
            "start failed": f"{one.not_started:,}",
        }


def summary(steps: Iterable[Step]) -> Iterable[Mapping[str, Cell]]:
    """The template's table, with how many runs each row rests on."""
    for one in steps:
        yield {
            "stage": one.stage,
            "job": one.job,
            "timeout (s)": f"{one.timeout:,.0f}" if one.timeout else UNKNOWN,
            "P50 (s)": seconds(one.p50),
            "P90": seconds(one.p90),
            "P95": seconds(one.p95),
            "P99": seconds(one.p99),
            "P95 usage": percent(one.usage_p95),
            "timed out": number(one.timed_out),
            "failed": number(one.failed),
            "runs": f"{number(one.runs)}{few(one)}",
        }


def by_stage(stages: Iterable[StageTotal]) -> Iterable[Mapping[str, Cell]]:
    """All runs of a stage's jobs together."""
    for one in stages:
        yield {
            "stage": one.stage,
            "P50 (s)": seconds(one.p50),
            "P90": seconds(one.p90),
            "P95": seconds(one.p95),
            "P99": seconds(one.p99),
            "runs": number(one.runs),
            "failed": number(one.failed),
            "minutes": f"{one.minutes:,.0f}",
        }


def few(step: Step) -> str:
    """What a percentile of few runs is worth."""
    if step.runs >= 100:
        return ""
    return " (few for P95)" if step.runs < 20 else " (few for P99)"


def promised(report: Report) -> Iterable[Mapping[str, Cell]]:
    """Service levels."""
    for one in report.levels:
        yield {
            "promise": one.name,
            "kept": UNKNOWN if one.good is None else f"{one.good:.2f} %",
            "of": number(one.events),
            "burn rate": UNKNOWN if one.burn_rate is None else f"{one.burn_rate:.1f}",
            "worst 24 h of the budget": UNKNOWN if one.worst_day is None else f"{one.worst_day:.1f} %",
            "state": one.state,
            "of what": one.why,
        }


def against(report: Report) -> Iterable[Mapping[str, Cell]]:
    """Each step beside itself before."""
    for one in report.compared:
        step = one.step
        yield {
            "step": step.name,
            "P50 before": seconds(one.p50_before),
            "P50": seconds(step.p50),
            "P95 before": seconds(one.p95_before),
            "P95": seconds(step.p95),
            "runs before": number(one.runs_before) if one.p50_before is not None else UNKNOWN,
            "runs": f"{step.runs:,}",
            "differs": UNKNOWN if one.p50_before is None else "yes" if one.changed else "no",
        }


def changed(report: Report) -> list[str]:
    """When durations changed."""
    return [one.sentence() for one in report.changes] or ["No step changed at a moment that can be named."]


def cloud_run(report: Report) -> Iterable[Mapping[str, Cell]]:
    """Jobs by Cloud Run itself."""
    for one in report.job_runs:
        yield {
            "job": one.job,
            "executions": f"{one.executions:,}",
            "failed": f"{one.failed:,}",
            "cancelled": f"{one.cancelled:,}",
            "running": f"{one.running:,}",
            "tasks begun again": f"{one.retried:,}",
            "Cloud Run's own limit (s)": f"{one.limit:,}" if one.limit else UNKNOWN,
        }


def gpu_words(report: Report) -> str:
    """How the minutes are to be read."""
    if report.entries is None:
        return "Unknown: the log could not be read."
    if not any(one.gpu for one in report.steps):
        return "Nothing that runs on a GPU of the cluster ended in this time."
    return "From the start of the job to its end, with the waiting for a node and for the build: an upper bound, one GPU each."


def gpu(report: Report) -> Iterable[Mapping[str, Cell]]:
    """Minutes of GPU by step."""
    for one in report.steps:
        if one.gpu:
            share = 100 * one.failed_minutes / one.minutes if one.minutes else 0.0
            yield {
                "stage": one.stage,
                "job": one.job,
                "runs": f"{one.runs:,}",
                "minutes": f"{one.minutes:,.0f}",
                "of failed runs": f"{one.failed_minutes:,.0f} ({share:.0f} %)",
            }


def next_actions(report: Report) -> list[str]:
    """What is to be done."""
    actions = report.reasons()
    actions += [f"Watch {one.name}: P95 uses {percent(one.usage_p95)} of its timeout." for one in report.warned()]
    if report.proposals:
        actions.append(
            "A timeout is in the workflow's YAML (timeout_seconds and how often it polls), for Cloud Run also in the job "
            "(--task-timeout), and in the catalogue's overlay; change all of them, then make this report again."
        )
    return actions or ["Nothing."]


def bullets(sentences: Iterable[str]) -> str:
    """A list in Markdown."""
    return "\n".join(f"- {one}" for one in sentences)


def number(value: int | None) -> str:
    """`1,234`, or `unknown`."""
    return UNKNOWN if value is None else f"{value:,}"


def seconds(value: float | None) -> str:
    """`12.3`, or `unknown`."""
    return UNKNOWN if value is None else f"{value:,.1f}"


def percent(part: float | None) -> str:
    """`83 %`, or `unknown`."""
    return UNKNOWN if part is None else f"{100 * part:.0f} %"


def sentence(report: Report) -> str:
    """`12 steps, 3 promises kept of 3, 1 timeout to change`."""
    kept = sum(one.state in ("kept", "burns") for one in report.levels)
    known = sum(one.state not in ("unknown", "too few") for one in report.levels)
    runs = number(sum(one.runs for one in report.steps)) if report.entries is not None else UNKNOWN
    parts = [
        f"{runs} runs of {counted(len(report.steps), 'step')}",
        f"{kept} of {counted(known, 'promise')} kept" if known else "no promise can be judged",
        f"{counted(len(report.proposals), 'timeout')} to change",
        *([f"{counted(len(report.unknown), 'thing')} unknown"] if report.unknown else []),
    ]
    return f"{report.window.words()}: {', '.join(parts)}"
