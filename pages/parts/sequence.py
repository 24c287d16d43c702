"""A protein sequence as a drawing: residues coloured by chemistry, mutations marked.

Drawn as SVG and shown as an image: generated text never becomes markup of the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from pages.parts.look import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION, YELLOW, Look

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


def residue_class(letter: str) -> tuple[str, str]:
    """Return (class name, colour) of a residue; unknown letters are grey and called so."""
    for name, letters, colour in CLASSES:
        if letter in letters:
            return name, colour
    return "not a residue", "#9BA7B4"


def mutations(design: str, wild_type: str, positions: Sequence[int] = ()) -> list[str]:
    """Name the mutations of a design, e.g. ``["D40W"]``.

    Args:
        design: residues.
        wild_type: residues at the same positions; "" when there is no wild type.
        positions: number of each position in the parent; 1, 2, 3, ... where empty.

    Returns:
        Substitutions in order. A design of another length has no such names, so none are given.
    """
    if len(design) != len(wild_type):
        return []
    numbers = positions if len(positions) == len(design) else range(1, len(design) + 1)
    return [f"{a}{k}{b}" for a, b, k in zip(wild_type, design, numbers, strict=True) if a != b]


def sequence_svg(design: str, look: Look, wild_type: str = "", positions: Sequence[int] = (), per_row: int = 30) -> str:
    """Draw a sequence in blocks of ten, numbered, with mutated residues framed and marked by a triangle.

    Args:
        design: residues; anything else is drawn grey.
        look: colours of the theme.
        wild_type: residues to compare with; ignored where the length differs.
        positions: number of each position in the parent; 1, 2, 3, ... where empty.
        per_row: residues a line.

    Returns:
        SVG text.
    """
    numbers = list(positions) if len(positions) == len(design) else list(range(1, len(design) + 1))
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
        frame = f'stroke="{look.text}" stroke-width="2.5"' if changed else 'stroke="none"'
        label = f"{letter}{numbers[i]}, {name}" + (f", wild type {parent[i]}" if changed else "")
        ink = "#FFFFFF" if colour in (BLUE, VERMILLION) else "#11161D"
        parts.append(
            f"<g><title>{escape(label)}</title>"
            f'<rect x="{x + 1}" y="{y}" width="{CELL - 3}" height="{CELL}" rx="4" fill="{colour}" {frame}/>'
            f'<text x="{x + CELL / 2 - 0.5}" y="{y + 17}" text-anchor="middle" font-size="14" fill="{ink}">'
            f"{escape(letter)}</text>"
        )
        if changed:
            parts.append(f'<path d="M{x + 7} {y + 31} l5 -5 l5 5 z" fill="{look.text}"/>')
        if column % BLOCK == 0 or (positions and len(design) <= BLOCK):
            parts.append(
                f'<text x="{x + CELL / 2}" y="{y - 5}" text-anchor="middle" font-size="10" fill="{look.muted}">'
                f"{numbers[i]}</text>"
            )
        parts.append("</g>")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{rows * ROW}" '
        f'viewBox="0 0 {width} {rows * ROW}" font-family="monospace" font-weight="600">{"".join(parts)}</svg>'
    )


def legend_svg(look: Look) -> str:
    """Draw the colour key of the residue classes."""
    x, parts = 0, []
    for name, letters, colour in CLASSES:
        text = f"{name} ({letters})"
        parts.append(
            f'<rect x="{x}" y="3" width="12" height="12" rx="3" fill="{colour}"/>'
            f'<text x="{x + 17}" y="13" font-size="12" fill="{look.muted}">{text}</text>'
        )
        x += 34 + round(6.3 * len(text))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{x}" height="18" font-family="sans-serif">'
    return head + "".join(parts) + "</svg>"
