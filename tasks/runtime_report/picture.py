"""The percentiles as a picture: a bar for each step in parts of its timeout, which is one line through all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import drawsvg as draw

from blocks.service_levels import ServiceLevels
from tasks.remediation.drawing import WIDTH, box, canvas, line, svg_of, words
from tasks.runtime_report.steps import Step

ROW, TOP, LEFT, RIGHT = 34, 76, 330, 210
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
    made = canvas(title, title, alt_text(steps), STYLE, height)
    made.extend([*legend(), *axis(height, service)])
    for number, one in enumerate(rows):
        made.extend(row_of(number, one, service))
    made.append(line("limit", place(1), TOP - 10, place(1), height - 22))
    if not rows:
        made.append(words("No duration is known.", 24, TOP + 20, "dim"))
    if left_out:
        made.append(words(f"{left_out} more steps are in the table, not here", 24, height - 8, "dim"))
    return svg_of(made)


def drawn(steps: Sequence[Step]) -> tuple[list[Step], int]:
    """The steps that have a row, in their order, and how many are left out."""
    if len(steps) <= MOST_ROWS:
        return list(steps), 0
    most = sorted(steps, key=lambda one: -(one.usage_p95 or 0.0))[:MOST_ROWS]
    return [one for one in steps if one in most], len(steps) - MOST_ROWS


def place(part: float) -> float:
    """Where a part of the timeout is across the picture."""
    return LEFT + min(part, SCALE) / SCALE * (WIDTH - LEFT - RIGHT)


def legend() -> Iterator[draw.DrawingElement]:
    """What the colours are."""
    x = LEFT
    for name in ("p50", "p90", "p99"):
        yield box(name, x, 38, 14, 10)
        yield words(f"to {name.upper()}", x + 19, 47, "dim")
        x += 80
    yield line("limit", x, 36, x, 50)
    yield words("the timeout", x + 8, 47, "dim")


def axis(height: int, service: ServiceLevels) -> Iterator[draw.DrawingElement]:
    """Lines at half of the timeout and where warnings begin."""
    for percent in (0.0, 50.0, service.usage_warning_percent, 100.0):
        x = place(percent / 100)
        yield line("line", x, TOP - 10, x, height - 22)
        yield words(f"{percent:g} %", x, TOP - 14, "dim", text_anchor="middle")


def row_of(number: int, step: Step, service: ServiceLevels) -> Iterator[draw.DrawingElement]:
    """A name, a bar of three parts, and the P95 in words."""
    y = TOP + ROW * number
    bad = step.timed_out or 100 * (step.usage_p95 or 0.0) > service.usage_critical_percent
    yield words(cut(step.job), 24, y + 12, "text")
    below = f"{cut(step.workflow or 'unknown workflow', 48)}, {step.runs:,} runs"
    yield words(below, 24, y + 26, "dim", font_size=10)
    if step.timeout:
        edge = place(0)
        for name, value in (("p50", step.p50), ("p90", step.p90), ("p99", step.p99)):
            end = max(place(value / step.timeout), edge)
            yield box(name, edge, y + 4, end - edge, 18)
            edge = end
    said = f"{step.p95:,.0f} s of {step.timeout:,.0f} s" if step.timeout else f"{step.p95:,.0f} s, no timeout known"
    x, colour = WIDTH - RIGHT + 8, "bad" if bad else "text"
    yield words(f"P95 {said}", x, y + 12, colour)
    more = [f"{step.timed_out:,} timed out"] if step.timed_out else []
    more += [f"{step.failed:,} failed"] if step.failed else []
    if more:
        yield words(", ".join(more), x, y + 26, colour, font_size=10)


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
