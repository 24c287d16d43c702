"""A chart as SVG: points and lines over two axes. The same numbers give the same bytes; text in it is escaped."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 720, 320, 78, 46, 14, 16
MOST = 2000
"""Points of a series that are drawn; of more, every so manieth and the last."""
INK, MUTED = "#1B2430", "#5B6775"
GREY, BLUE, ORANGE, GREEN = "#8894A0", "#0072B2", "#D55E00", "#009E73"
"""Of series; the last three are of Okabe and Ito's palette."""


@dataclass(frozen=True)
class Series:
    """What is drawn.

    Attributes:
        name: in the key.
        points: (x, y), finite.
        colour: of Okabe and Ito's palette.
        line: whether points are joined by steps; else they are dots.
        dashed: whether the line is dashed, and straight from point to point.
    """

    name: str
    points: Sequence[tuple[float, float]]
    colour: str
    line: bool = False
    dashed: bool = False


def chart(series: Sequence[Series], x: str, y: str, says: str) -> str:
    """Return a chart as an SVG element; "" where no series has a point.

    Args:
        series: drawn in order, later ones above.
        x, y: names of the axes, with their units.
        says: what it shows, in words, for those who cannot see it.
    """
    known = [s for s in series if s.points]
    if not known:
        return ""
    xs, ys = ([p[i] for s in known for p in s.points] for i in (0, 1))
    across, up = _ticks(min(xs), max(xs)), _ticks(min(ys), max(ys))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(says)}" font-family="sans-serif" font-size="12" fill="{INK}">'
    ]
    box = _Box(across[0], across[-1], up[0], up[-1])
    for tick in across:
        at = box.x(tick)
        parts.append(f'<line x1="{at:.1f}" y1="{TOP}" x2="{at:.1f}" y2="{HEIGHT - BOTTOM}" stroke="#E3E7EC"/>')
        parts.append(f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{tick:g}</text>')
    for tick in up:
        at = box.y(tick)
        parts.append(f'<line x1="{LEFT}" y1="{at:.1f}" x2="{WIDTH - RIGHT}" y2="{at:.1f}" stroke="#E3E7EC"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{tick:g}</text>')
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x)}</text>')
    parts.append(
        f'<text transform="translate(16 {middle}) rotate(-90)" text-anchor="middle" fill="{MUTED}">{escape(y)}</text>'
    )
    parts += [_drawn(s, box) for s in known]
    return "".join([*parts, "</svg>", _key(known)])


@dataclass(frozen=True)
class _Box:
    """Where values lie on the paper."""

    left: float
    right: float
    low: float
    high: float

    def x(self, value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - self.left) / (self.right - self.left)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - self.low) / (self.high - self.low)


def _ticks(low: float, high: float) -> list[float]:
    """Return about six round numbers, the first at most `low` and the last at least `high`."""
    if not high - low > 1e-12 * max(abs(low), abs(high), 1e-300):  # all values alike
        low, high = low - (abs(low) or 1.0) / 2, high + (abs(high) or 1.0) / 2
    rough = (high - low) / 5
    scale = 10.0 ** math.floor(math.log10(rough))
    step = next(m * scale for m in (1, 2, 2.5, 5, 10) if m * scale >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12 - math.floor(math.log10(step))) for i in range(first, max(last, first + 1) + 1)]


def _drawn(series: Series, box: _Box) -> str:
    points = list(series.points)
    if len(points) > MOST:
        stride = -(-len(points) // MOST)
        points = [*points[:-1:stride], points[-1]]
    places = [(box.x(x), box.y(y)) for x, y in points]
    if not series.line:
        return "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{series.colour}"/>' for x, y in places)
    (x, y), *rest = places
    joined = "L{:.1f} {:.1f}" if series.dashed else "H{:.1f}V{:.1f}"
    path = f"M{x:.1f} {y:.1f}" + "".join(joined.format(a, b) for a, b in rest)
    dash = ' stroke-dasharray="6 4"' if series.dashed else ""
    return f'<path d="{path}" fill="none" stroke="{series.colour}" stroke-width="2"{dash}/>'


def _key(series: Sequence[Series]) -> str:
    marks = {(False, False): "●", (True, False): "▬", (True, True): "╌╌"}  # never colour alone
    names = (f'<span><b style="color:{s.colour}">{marks[s.line, s.dashed]}</b> {escape(s.name)}</span>' for s in series)
    return f'<p class="key">{" ".join(names)}</p>'
