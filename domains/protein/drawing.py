"""How protein sequences are drawn: residues coloured by chemistry, mutations marked.

The drawing is SVG text, in which every letter of a design is escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from domains.entry import Drawing
from domains.palette import (
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    YELLOW,
    Colours,
    ink_on,
)
from domains.protein.alphabet import mutations
from domains.protein.naming import numbers_of

CLASSES: tuple[tuple[str, str, str], ...] = (
    ("hydrophobic", "AVILM", ORANGE),
    ("aromatic", "FWY", PURPLE),
    ("polar", "STNQ", GREEN),
    ("positive", "KRH", BLUE),
    ("negative", "DE", VERMILLION),
    ("small or special", "GP", YELLOW),
    ("cysteine", "C", SKY),
)
"""Residue classes by side chain: name, letters, colour."""

CELL, GAP, ROW, BLOCK = 24, 8, 52, 10
KEY_ROW = 18
NARROW, WIDE = 400, 1000
"""Pixels of a row of the colour key."""


def residue_class(letter: str) -> tuple[str, str]:
    """Return (class name, colour) of a residue; unknown letters are grey and called so."""
    for name, letters, colour in CLASSES:
        if letter in letters:
            return name, colour
    return "not a residue", "#9BA7B4"


def draw(
    design: str, *, facts: Mapping[str, Any], details: Mapping[str, Any], colours: Colours, narrow: bool
) -> Drawing | None:
    """Draw a sequence, see `domains.entry.Draw`; the wild type and its positions are in `facts`."""
    design = design.strip()
    if not design.isalpha():
        return None
    wild_type = str(facts.get("wild_type") or "")
    positions = list(facts.get("positions") or [])
    note = ""
    # A design of another length has no mutations with names.
    if wild_type and len(wild_type) == len(design):
        changed = mutations(design, wild_type, numbers_of(design, positions))
        note = f"Against the wild type {wild_type}: {' '.join(changed) or 'no mutation'}"
    return Drawing(
        svg=sequence_svg(design, colours, wild_type, positions, per_row=15 if narrow else 30),
        says=f"sequence {design} of {len(design)} residues, coloured by chemistry",
        note=note,
        key=legend_svg(colours, NARROW if narrow else WIDE),
        key_says=", ".join(f"{name} {letters}" for name, letters, _ in CLASSES),
    )


def sequence_svg(
    design: str, colours: Colours, wild_type: str = "", positions: Sequence[int] = (), per_row: int = 30
) -> str:
    """Draw a sequence in blocks of ten, numbered, with mutated residues framed and marked by a triangle.

    Args:
        design: residues; anything else is drawn grey.
        colours: of the page.
        wild_type: residues to compare with; ignored where the length differs.
        positions: number of each position in the parent; 1, 2, 3, ... where empty.
        per_row: residues a line.

    Returns:
        SVG text.
    """
    numbers = numbers_of(design, positions)
    parent = wild_type if len(wild_type) == len(design) else ""
    rows = -(-len(design) // per_row) or 1
    columns = min(per_row, max(len(design), 1))
    width = columns * CELL + (columns - 1) // BLOCK * GAP + 8
    parts = []
    for i, letter in enumerate(design):
        row, column = divmod(i, per_row)
        x, y = 4 + column * CELL + column // BLOCK * GAP, row * ROW + 18
        name, colour = residue_class(letter)
        changed = bool(parent) and parent[i] != letter
        frame = f'stroke="{colours.text}" stroke-width="2.5"' if changed else 'stroke="none"'
        label = f"{letter}{numbers[i]}, {name}" + (f", wild type {parent[i]}" if changed else "")
        parts.append(
            f"<g><title>{escape(label)}</title>"
            f'<rect x="{x + 1}" y="{y}" width="{CELL - 3}" height="{CELL}" rx="4" fill="{colour}" {frame}/>'
            f'<text x="{x + CELL / 2 - 0.5}" y="{y + 17}" text-anchor="middle" font-size="14" fill="{ink_on(colour)}">'
            f"{escape(letter)}</text>"
        )
        if changed:
            parts.append(f'<path d="M{x + 7} {y + 31} l5 -5 l5 5 z" fill="{colours.text}"/>')
        if column % BLOCK == 0 or (positions and len(design) <= BLOCK):
            parts.append(
                f'<text x="{x + CELL / 2}" y="{y - 5}" text-anchor="middle" font-size="10" fill="{colours.muted}">'
                f"{numbers[i]}</text>"
            )
        parts.append("</g>")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{rows * ROW}" '
        f'viewBox="0 0 {width} {rows * ROW}" font-family="monospace" font-weight="600">{"".join(parts)}</svg>'
    )


def legend_svg(colours: Colours, width: int = 0) -> str:
    """Draw the colour key of the residue classes.

    Args:
        colours: of the page.
        width: pixels of a row, so that it can be read where there is little room; 0 for one row.
    """
    x, y, widest, parts = 0, 0, 0, []
    for name, letters, colour in CLASSES:
        text = f"{name} ({letters})"
        wide = 34 + round(6.3 * len(text))
        if width and x and x + wide > width:
            x, y = 0, y + KEY_ROW
        parts.append(
            f'<rect x="{x}" y="{y + 3}" width="12" height="12" rx="3" fill="{colour}"/>'
            f'<text x="{x + 17}" y="{y + 13}" font-size="12" fill="{colours.muted}">{text}</text>'
        )
        x += wide
        widest = max(widest, x)
    size = f'width="{widest}" height="{y + KEY_ROW}" viewBox="0 0 {widest} {y + KEY_ROW}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif">{"".join(parts)}</svg>'
