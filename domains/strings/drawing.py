"""A string as coloured letters, `PER_ROW` side by side, as SVG."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from domains.entry import Drawing
from domains.palette import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION, YELLOW, Colours, ink_on

COLOURS = (GREEN, BLUE, ORANGE, VERMILLION, SKY, PURPLE, YELLOW, GREY)
"""Of the letters of an alphabet in their order, and again from the beginning: the letter itself stands in each box."""
PER_ROW, MOST = 40, 2000


def draw(
    design: str, *, facts: Mapping[str, Any], details: Mapping[str, Any], colours: Colours, narrow: bool
) -> Drawing | None:
    """Draw a design; None if it is no string of the problem's letters. See `domains.entry.Draw`."""
    letters = str(facts.get("letters", ""))
    if not 0 < len(design) <= MOST or not set(design) <= set(letters):
        return None
    return Drawing(svg(design, letters, PER_ROW // 2 if narrow else PER_ROW), f"the string {design}")


def svg(design: str, letters: str, per_row: int) -> str:
    """Return a box for each letter."""
    boxes = []
    for i, letter in enumerate(design):
        x, y = 22 * (i % per_row), 26 * (i // per_row)
        colour = COLOURS[letters.index(letter) % len(COLOURS)]
        boxes.append(
            f'<rect x="{x}" y="{y}" width="20" height="22" rx="3" fill="{colour}"/>'
            f'<text x="{x + 10}" y="{y + 16}" text-anchor="middle" fill="{ink_on(colour)}">{escape(letter)}</text>'
        )
    width, height = 22 * min(per_row, len(design)), 26 * -(-len(design) // per_row)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="monospace" font-size="14">{"".join(boxes)}</svg>'
    )
