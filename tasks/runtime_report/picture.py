"""The percentiles as a picture: a bar for each step in parts of its timeout, which is one line through all of them.

SVG of plain text like the timeline of an incident: it needs nothing from outside, is light and dark, and is told in words.
"""

from __future__ import annotations

from collections.abc import Sequence

from blocks.service_levels import ServiceLevels
from tasks.remediation.drawing import described, printable
from tasks.runtime_report.steps import Step

WIDTH, ROW, TOP, LEFT, RIGHT = 960, 34, 76, 330, 210
MOST_ROWS = 30
"""Steps that are drawn, those that use most of their timeout; the table has them all."""
SCALE = 1.25
"""Parts of the timeout that fit: a run that was ended by it took a little longer."""
STYLE = """
.page{fill:#fff}.text{fill:#1f2328}.dim{fill:#59636e}.line{stroke:#d1d9e0}.p50{fill:#0969da}.p90{fill:#54aeff}
.p99{fill:#b6e3ff}.limit{stroke:#cf222e;stroke-width:2}.bad{fill:#cf222e}
@media (prefers-color-scheme: dark){.page{fill:#0d1117}.text{fill:#f0f6fc}.dim{fill:#9198a1}.line{stroke:#3d444d}
.p50{fill:#79c0ff}.p90{fill:#1f6feb}.p99{fill:#0c2d6b}.limit{stroke:#ff7b72}.bad{fill:#ff7b72}}
"""


def percentiles_svg(title: str, steps: Sequence[Step], service: ServiceLevels) -> str:
    """The picture. Without steps it says so."""
    rows, left_out = drawn(steps)
    height = TOP + ROW * max(len(rows), 1) + 28
    named, words = described(title, alt_text(steps))
    body = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
        f'{named} font-family="system-ui,sans-serif" font-size="12">',
        words,
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{height}"/>',
        f'<text class="text" x="24" y="24" font-size="15" font-weight="600">{printable(title)}</text>',
        *legend(),
        *axis(height, service),
        *(part for number, one in enumerate(rows) for part in row_of(number, one, service)),
        f'<line class="limit" x1="{place(1):.1f}" y1="{TOP - 10}" x2="{place(1):.1f}" y2="{height - 22}"/>',
    ]
    if not rows:
        body.append(f'<text class="dim" x="24" y="{TOP + 20}">No duration is known.</text>')
    if left_out:
        body.append(
            f'<text class="dim" x="24" y="{height - 8}">{left_out} more steps are in the table, not here</text>'
        )
    return "\n".join([*body, "</svg>"]) + "\n"


def drawn(steps: Sequence[Step]) -> tuple[list[Step], int]:
    """The steps that have a row, in their order, and how many are left out."""
    if len(steps) <= MOST_ROWS:
        return list(steps), 0
    most = sorted(steps, key=lambda one: -(one.usage_p95 or 0.0))[:MOST_ROWS]
    return [one for one in steps if one in most], len(steps) - MOST_ROWS


def place(part: float) -> float:
    """Where a part of the timeout is across the picture."""
    return LEFT + min(part, SCALE) / SCALE * (WIDTH - LEFT - RIGHT)


def legend() -> list[str]:
    """What the colours are."""
    parts, x = [], float(LEFT)
    for name, words in (("p50", "to P50"), ("p90", "to P90"), ("p99", "to P99")):
        parts.append(f'<rect class="{name}" x="{x:.0f}" y="38" width="14" height="10"/>')
        parts.append(f'<text class="dim" x="{x + 19:.0f}" y="47">{words}</text>')
        x += 80
    parts.append(f'<line class="limit" x1="{x}" y1="36" x2="{x}" y2="50"/>')
    parts.append(f'<text class="dim" x="{x + 8}" y="47">the timeout</text>')
    return parts


def axis(height: int, service: ServiceLevels) -> list[str]:
    """Lines at half of the timeout and where warnings begin."""
    parts = []
    for percent in (0.0, 50.0, service.usage_warning_percent, 100.0):
        x = place(percent / 100)
        parts.append(f'<line class="line" x1="{x:.1f}" y1="{TOP - 10}" x2="{x:.1f}" y2="{height - 22}"/>')
        parts.append(f'<text class="dim" x="{x:.1f}" y="{TOP - 14}" text-anchor="middle">{percent:g} %</text>')
    return parts


def row_of(number: int, step: Step, service: ServiceLevels) -> list[str]:
    """A name, a bar of three parts, and the P95 in words."""
    y = TOP + ROW * number
    bad = step.timed_out or 100 * (step.usage_p95 or 0.0) > service.usage_critical_percent
    parts = [
        f'<text class="text" x="24" y="{y + 12}">{printable(cut(step.job))}</text>',
        f'<text class="dim" x="24" y="{y + 26}" font-size="10">{printable(cut(step.workflow or "unknown workflow", 48))}, '
        f"{step.runs:,} runs</text>",
    ]
    if step.timeout:
        edge = place(0)
        for name, value in (("p50", step.p50), ("p90", step.p90), ("p99", step.p99)):
            end = max(place(value / step.timeout), edge)
            parts.append(f'<rect class="{name}" x="{edge:.1f}" y="{y + 4}" width="{end - edge:.1f}" height="18"/>')
            edge = end
    words = f"{step.p95:,.0f} s of {step.timeout:,.0f} s" if step.timeout else f"{step.p95:,.0f} s, no timeout known"
    x, colour = WIDTH - RIGHT + 8, "bad" if bad else "text"
    parts.append(f'<text class="{colour}" x="{x}" y="{y + 12}">P95 {words}</text>')
    more = [f"{step.timed_out:,} timed out"] if step.timed_out else []
    more += [f"{step.failed:,} failed"] if step.failed else []
    if more:
        parts.append(f'<text class="{colour}" x="{x}" y="{y + 26}" font-size="10">{", ".join(more)}</text>')
    return parts


def cut(text: str, most: int = 42) -> str:
    """A name that fits."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def alt_text(steps: Sequence[Step]) -> str:
    """The same in words, for whoever does not see the picture."""
    rows, left_out = drawn(steps)
    if not rows:
        return "No duration is known."
    told = "; ".join(
        f"{one.name}: P50 {one.p50:,.0f} s, P90 {one.p90:,.0f} s, P95 {one.p95:,.0f} s, P99 {one.p99:,.0f} s, "
        + (f"P95 uses {100 * one.usage_p95:.0f} % of the timeout" if one.usage_p95 is not None else "timeout unknown")
        for one in rows
    )
    more = f" {left_out} more steps are in the table." if left_out else ""
    return f"Percentiles of each step's duration against its timeout. {told}.{more}"
