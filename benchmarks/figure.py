"""Line charts with intervals as SVG text, for pages in docs/: no browser and no plotting package is needed."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import numpy as np

from poets_core.types import F8

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#666666", "#8C564B", "#7A7A00", "#4B0082")
DASHES = ("", "7 3", "2 3", "7 3 2 3", "12 3", "12 3 2 3")
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 380, 56, 190, 34, 44
POINTS = 120


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers that cover an interval."""
    step = 10.0 ** np.floor(np.log10(max(high - low, 1e-12) / most))
    step = next(s for s in (step, 2 * step, 5 * step, 10 * step, 20 * step) if (high - low) / s <= most)
    first = int(np.ceil(low / step))
    return [k * float(step) for k in range(first, int(np.floor(high / step + 1e-9)) + 1)]


def line_chart(title: str, curves: Mapping[str, F8], *, x: str, y: str) -> str:
    """Draw the mean of each group with its standard error, over calls.

    Args:
        title: heading.
        curves: by name, f8 (seeds, calls).
        x, y: names of the axes, units included.
    """
    means = {k: c.mean(0) for k, c in curves.items()}
    errors = {k: c.std(0, ddof=1) / len(c) ** 0.5 if len(c) > 1 else np.zeros(c.shape[1]) for k, c in curves.items()}
    calls = max(len(m) for m in means.values())
    low = min(float((means[k] - errors[k]).min()) for k in curves)
    high = max(float((means[k] + errors[k]).max()) for k in curves)
    pad = 0.03 * (high - low or 1.0)
    low, high = low - pad, high + pad

    def px(call: F8) -> F8:
        return np.asarray(LEFT + (call - 1) / max(calls - 1, 1) * (WIDTH - LEFT - RIGHT))

    def py(value: F8) -> F8:
        return np.asarray(HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM))

    def path(xs: F8, ys: F8) -> str:
        return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(xs, ys, strict=True))

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="sans-serif" font-size="12"><title>{escape(title)}</title>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="20" font-size="14" font-weight="bold">{escape(title)}</text>',
    ]
    for v in ticks(low, high):
        at = float(py(np.array(v)))
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}" stroke="#dddddd"/>')
        out.append(f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{v:.4g}</text>')
    for v in ticks(1, calls):
        at = float(px(np.array(v)))
        out.append(f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{v:.4g}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x)}</text>')
    middle = (TOP + HEIGHT - BOTTOM) / 2
    out.append(f'<text transform="translate(14,{middle}) rotate(-90)" text-anchor="middle">{escape(y)}</text>')
    for k, (name, mean) in enumerate(means.items()):
        at = np.unique(np.linspace(0, len(mean) - 1, POINTS).round().astype(np.int64))
        xs, colour, dash = px(at + 1.0), COLOURS[k % len(COLOURS)], DASHES[k % len(DASHES)]
        upper, lower = py((mean + errors[name])[at]), py((mean - errors[name])[at])
        ring = f"{path(xs, upper)} {path(xs[::-1], lower[::-1])}"
        out.append(f'<polygon points="{ring}" fill="{colour}" opacity="0.13"/>')
        style = f'fill="none" stroke="{colour}" stroke-width="2"' + (f' stroke-dasharray="{dash}"' if dash else "")
        out.append(f'<polyline points="{path(xs, py(mean[at]))}" {style}/>')
        row, column = TOP + 8 + 18 * k, WIDTH - RIGHT + 12
        out.append(f'<line x1="{column}" x2="{column + 26}" y1="{row}" y2="{row}" {style}/>')
        out.append(f'<text x="{column + 32}" y="{row + 4}">{escape(name)}</text>')
    return "\n".join([*out, "</svg>", ""])
