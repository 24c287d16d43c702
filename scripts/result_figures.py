"""Draw the plots of docs/results whose raw data are not kept: out of the tables' own figures, in docs/results/data.

    python -m scripts.result_figures          # writes docs/results/figures/*.svg; no browser, no plotting package

A CSV has a line a dot: panel, row, series, value, and low and high of its bar (empty where there is none). The
numbers are those of the page's table, nothing is computed. The regime map draws its own plots from every search
(benchmarks.search_report).
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from benchmarks.figure import COLOURS, ticks

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results"
WIDTH, LEFT, RIGHT, TOP, STEP, AXIS = 760, 230, 24, 58, 26, 46
SHAPES = ("circle", "diamond", "square", "up", "down", "cross", "ring")


@dataclass(frozen=True)
class Figure:
    """How one CSV is drawn.

    Attributes:
        name: of the CSV and of the SVG.
        title: heading; what: names of the axes, one a panel, units included.
        log: whether the axis is logarithmic.
        lines: values that are marked, with their names.
        low: value that a linear axis reaches down to; None fits the data.
    """

    name: str
    title: str
    what: tuple[str, ...]
    log: bool = False
    lines: tuple[tuple[float, str], ...] = ()
    low: float | None = None


@dataclass(frozen=True)
class Dot:
    """One value with its bar."""

    panel: str
    row: str
    series: str
    value: float
    low: float
    high: float


FIGURES = (
    Figure(
        "rivals",
        "POETS minus a rival, paired over seeds, 95 % interval: left of 0 POETS pays less",
        ("difference in cumulative regret [fractions of the maximum]",),
        lines=((0.0, ""),),
    ),
    Figure(
        "built-in-problems",
        "Best design found, mean ± standard error over five seeds",
        ("fraction of motifs satisfied", "minus the index", "minus the energy", "reward"),
        low=0.0,
    ),
    Figure(
        "calibration",
        "Share of new values within mean ± 2 deviations, late rounds",
        ("share",),
        lines=((0.9, "wanted at least"), (0.95, "right")),
        low=0.5,
    ),
    Figure(
        "small-data",
        "What a policy writes after 200 labels and 300 steps, mean ± standard error over 8 seeds",
        ("expected value of unseen variants [fraction of the largest]",),
        low=0.0,
    ),
    Figure(
        "best-policy",
        "Comparisons until the best policy's name is certain to 1 - δ, means of 200 runs",
        ("comparisons",),
        log=True,
    ),
    Figure(
        "lower-bound",
        "Mean comparisons over the lower bound, evidence balancing, 100 runs",
        ("times the lower bound T* kl(δ, 1 - δ)",),
        lines=((1.0, "bound"),),
        low=0.0,
    ),
    Figure(
        "instruction-induction",
        "Comparisons until the best of ten prompts is named (round-robin stops at 200,000)",
        ("charged comparisons, ties included, mean ± standard error over 20 seeds",),
        log=True,
    ),
    Figure("branch-engine", "The branch engine on a CPU: measured, and what was wanted", ("ratio",), log=True),
)


def read(path: Path) -> list[Dot]:
    """Read the dots of a figure."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Dot(r["panel"], r["row"], r["series"], v := float(r["value"]), float(r["low"] or v), float(r["high"] or v))
            for r in csv.DictReader(file)
        ]


def unique(names: Sequence[str]) -> list[str]:
    """Names in their first order."""
    return list(dict.fromkeys(names))


def mark(shape: str, x: float, y: float, colour: str) -> str:
    """Draw one dot; shapes differ, so that a reader needs no colour."""
    fill = f'fill="{colour}"'
    if shape in ("circle", "ring"):
        ring = f'fill="#ffffff" stroke="{colour}" stroke-width="2"'
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" {fill if shape == "circle" else ring}/>'
    if shape == "cross":
        path = f"M{x - 4:.1f},{y - 4:.1f} l8,8 M{x - 4:.1f},{y + 4:.1f} l8,-8"
        return f'<path d="{path}" stroke="{colour}" stroke-width="2.5"/>'
    around = {
        "diamond": ((0, -5.5), (5.5, 0), (0, 5.5), (-5.5, 0)),
        "square": ((-4, -4), (4, -4), (4, 4), (-4, 4)),
        "up": ((0, -5), (5, 4), (-5, 4)),
        "down": ((0, 5), (5, -4), (-5, -4)),
    }[shape]
    return f'<polygon points="{" ".join(f"{x + a:.1f},{y + b:.1f}" for a, b in around)}" {fill}/>'


class Axis:
    """Where a value lies, linear or logarithmic."""

    def __init__(self, values: Sequence[float], *, log: bool, low: float | None) -> None:
        self.log = log
        ends = [self._of(v) for v in values]
        first, last = min(ends), max(ends)
        pad = 0.04 * (last - first or 1.0)
        self.first, self.last = first - pad if low is None else min(low, first - pad), last + pad

    def _of(self, value: float) -> float:
        return math.log10(value) if self.log else value

    def at(self, value: float) -> float:
        """Return the place on the page."""
        return LEFT + (self._of(value) - self.first) / (self.last - self.first) * (WIDTH - LEFT - RIGHT)

    def marks(self) -> list[float]:
        """Round values that are written below."""
        if not self.log:
            return ticks(self.first, self.last, 7)
        wide = self.last - self.first > 2.5
        steps = [10.0**k * d for k in range(-3, 8) for d in ((1,) if wide else (1, 2, 5))]
        return [s for s in steps if self.first <= math.log10(s) <= self.last]


def legend(series: Sequence[str]) -> list[str]:
    """Draw the names of the series in one or two lines under the heading."""
    out, x, y = [], 16.0, 40.0
    for k, name in enumerate(series):
        wide = 30 + 7.0 * len(name)
        if x + wide > WIDTH - RIGHT:
            x, y = 16.0, y + 16
        out.append(mark(SHAPES[k % len(SHAPES)], x + 5, y, COLOURS[k % len(COLOURS)]))
        out.append(f'<text x="{x + 14:.0f}" y="{y + 4:.0f}">{escape(name)}</text>')
        x += wide
    return out


def draw(figure: Figure, dots: Sequence[Dot]) -> str:
    """Return the SVG of a figure: a row a name, a dot a series, panels below each other with axes of their own."""
    series = unique([d.series for d in dots])
    body: list[str] = legend(series)
    top = TOP + 16.0
    for what, panel in zip(figure.what, unique([d.panel for d in dots]), strict=True):
        mine = [d for d in dots if d.panel == panel]
        rows = unique([d.row for d in mine])
        body += _panel(figure, what, mine, rows, series, top)
        top += STEP * len(rows) + AXIS
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top:.0f}" role="img" '
        f'font-family="sans-serif" font-size="12"><title>{escape(figure.title)}</title>'
    )
    title = f'<text x="16" y="20" font-size="14" font-weight="bold">{escape(figure.title)}</text>'
    return "\n".join([head, f'<rect width="{WIDTH}" height="{top:.0f}" fill="#ffffff"/>', title, *body, "</svg>", ""])


def _panel(
    figure: Figure, what: str, dots: Sequence[Dot], rows: Sequence[str], series: Sequence[str], top: float
) -> list[str]:
    ends = [v for d in dots for v in (d.low, d.high)] + [v for v, _ in figure.lines]
    axis = Axis(ends, log=figure.log, low=figure.low)
    bottom = top + STEP * len(rows)
    out = []
    for v in axis.marks():
        x = axis.at(v)
        out.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top:.1f}" y2="{bottom:.1f}" stroke="#dddddd"/>')
        out.append(f'<text x="{x:.1f}" y="{bottom + 15:.1f}" text-anchor="middle">{v:,.6g}</text>')
    for v, name in figure.lines:
        x = axis.at(v)
        dash = 'stroke="#333333" stroke-dasharray="4 3"'
        out.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top:.1f}" y2="{bottom:.1f}" {dash}/>')
        anchor = "end" if name != figure.lines[-1][1] else "start"
        shift = -4 if anchor == "end" else 4
        out.append(f'<text x="{x + shift:.1f}" y="{top - 3:.1f}" text-anchor="{anchor}">{escape(name)}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    out.append(f'<text x="{middle}" y="{bottom + 32:.1f}" text-anchor="middle">{escape(what)}</text>')
    for k, row in enumerate(rows):
        y = top + STEP * (k + 0.5)
        out.append(f'<text x="{LEFT - 10}" y="{y + 4:.1f}" text-anchor="end">{escape(row)}</text>')
        here = [d for d in dots if d.row == row]
        for j, dot in enumerate(here):
            s = series.index(dot.series)
            level = y + (j - (len(here) - 1) / 2) * min(5.0, (STEP - 8) / max(len(here), 1))
            colour = COLOURS[s % len(COLOURS)]
            if dot.high > dot.low:
                a, b = axis.at(dot.low), axis.at(dot.high)
                bar = f'y1="{level:.1f}" y2="{level:.1f}" stroke="{colour}" stroke-width="2"'
                out.append(f'<line x1="{a:.1f}" x2="{b:.1f}" {bar}/>')
            out.append(mark(SHAPES[s % len(SHAPES)], axis.at(dot.value), level, colour))
    return out


def main() -> None:
    """Write every figure."""
    (RESULTS / "figures").mkdir(exist_ok=True)
    for figure in FIGURES:
        dots = read(RESULTS / "data" / f"{figure.name}.csv")
        (RESULTS / "figures" / f"{figure.name}.svg").write_text(draw(figure, dots), encoding="utf-8")


if __name__ == "__main__":
    main()
