"""How protein sequences are drawn: residues coloured by chemistry, mutations marked.

The drawing is SVG text, in which every letter of a design is escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from domains.protein.naming import labels_of
from domains.protein.substitutions import substitutions

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
FLANK = 4
"""Constant residues that are drawn on either side of a site."""
KEY_ROW = 18
NARROW, WIDE = 400, 1000
"""Pixels of a row of the colour key."""


def residue_class(letter: str) -> tuple[str, str]:
    """Return (class name, colour) of a residue; unknown letters are grey and called so."""
    for name, letters, colour in CLASSES:
        if letter in letters:
            return name, colour
    return "not a residue", "#9BA7B4"


@dataclass(frozen=True)
class _Cell:
    """One residue of a drawing, or a gap between two parts of a protein.

    Attributes:
        letter: residue; "…" for residues that are left out.
        number: as people write it; site: whether it varies.
        own: the parent's letter, "" where it is not known.
    """

    letter: str
    number: str
    site: bool = True
    own: str = ""


def draw(
    design: str, *, facts: Mapping[str, Any], details: Mapping[str, Any], colours: Colours, narrow: bool
) -> Drawing | None:
    """Draw a sequence, see `domains.entry.Draw`; the wild type, its sites and the parent are in `facts`."""
    design = design.strip()
    if not design.isalpha():
        return None
    wild_type = str(facts.get("wild_type") or "")
    note = ""
    # A design of another length has no mutations with names.
    if wild_type and len(wild_type) == len(design):
        changed = substitutions(design, wild_type, labels_of(design, facts))
        note = f"Against the wild type {shortened(wild_type)}: {' '.join(changed) or 'no mutation'}"
    cells = _around_sites(design, facts)
    named = bool(facts.get("sites") or facts.get("positions"))
    whole = f", {len(design)} sites of a protein of {len(str(facts.get('parent')))} residues" if cells else ""
    if not cells:
        cells = _plain(design, wild_type, labels_of(design, facts))
    return Drawing(
        svg=_cells_svg(cells, colours, 15 if narrow else 30, every=bool(whole) or (named and len(design) <= BLOCK)),
        says=f"sequence {design} of {len(design)} residues, coloured by chemistry{whole}",
        note=note,
        key=legend_svg(colours, NARROW if narrow else WIDE),
        key_says=", ".join(f"{name} {letters}" for name, letters, _ in CLASSES),
    )


def shortened(sequence: str) -> str:
    """Return a sequence as a sentence may quote it."""
    return sequence if len(sequence) <= 40 else f"{sequence[:37]}..."


def sequence_svg(
    design: str, colours: Colours, wild_type: str = "", positions: Sequence[int | str] = (), per_row: int = 30
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
    cells = _plain(design, wild_type, labels_of(design, {"positions": positions}))
    return _cells_svg(cells, colours, per_row, every=bool(positions) and len(design) <= BLOCK)


def _plain(design: str, wild_type: str, labels: Sequence[str]) -> list[_Cell]:
    parent = wild_type if len(wild_type) == len(design) else [""] * len(design)
    return [_Cell(a, label, True, own) for a, label, own in zip(design, labels, parent, strict=True)]


def _around_sites(design: str, facts: Mapping[str, Any]) -> list[_Cell]:
    """Return the residues of the whole protein around its sites, none where the protein is not known."""
    parent, index = str(facts.get("parent") or ""), facts.get("site_index") or ()
    if len(index) != len(design) or len(parent) <= len(design) or not all(0 <= int(i) < len(parent) for i in index):
        return []
    labels = dict(zip(map(int, index), labels_of(design, facts), strict=True))
    letters = dict(zip(map(int, index), design, strict=True))
    near = {i + k for i in letters for k in range(-FLANK, FLANK + 1) if 0 <= i + k < len(parent)}
    cells, last = [], -1
    for i in sorted(near):
        # One residue that is left out takes as much room as the sign for it.
        cells += [_Cell(parent[i - 1], "", False)] if i - last == 2 else [_Cell("…", "", False)] * (i - last > 2)
        own = parent[i] if parent[i].isalpha() else ""
        cells.append(_Cell(letters[i], labels[i], True, own) if i in letters else _Cell(parent[i], "", False))
        last = i
    return cells + [_Cell("…", "", False)] * (last < len(parent) - 1)


def _cells_svg(cells: Sequence[_Cell], colours: Colours, per_row: int, *, every: bool) -> str:
    """Draw cells; those that vary are coloured, numbered all or once in a block, and marked where they are mutated."""
    rows = -(-len(cells) // per_row) or 1
    columns = min(per_row, max(len(cells), 1))
    width = columns * CELL + (columns - 1) // BLOCK * GAP + 8
    parts = []
    for i, cell in enumerate(cells):
        row, column = divmod(i, per_row)
        x, y = 4 + column * CELL + column // BLOCK * GAP, row * ROW + 18
        parts.append(_cell_svg(cell, x, y, colours))
        if cell.number and (every or column % BLOCK == 0):
            parts.append(
                f'<text x="{x + CELL / 2}" y="{y - 5}" text-anchor="middle" font-size="10" fill="{colours.muted}">'
                f"{escape(cell.number)}</text>"
            )
        parts.append("</g>")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{rows * ROW}" '
        f'viewBox="0 0 {width} {rows * ROW}" font-family="monospace" font-weight="600">{"".join(parts)}</svg>'
    )


def _cell_svg(cell: _Cell, x: float, y: float, colours: Colours) -> str:
    """Draw one residue; its group is left open."""
    name, colour = residue_class(cell.letter)
    middle = x + CELL / 2 - 0.5
    if not cell.site:
        label = "residues left out" if cell.letter == "…" else f"{cell.letter}, constant"
        return (
            f"<g><title>{escape(label)}</title>"
            f'<text x="{middle}" y="{y + 17}" text-anchor="middle" font-size="14" fill="{colours.muted}">'
            f"{escape(cell.letter)}</text>"
        )
    changed = bool(cell.own) and cell.own != cell.letter
    frame = f'stroke="{colours.text}" stroke-width="2.5"' if changed else 'stroke="none"'
    label = f"{cell.letter}{cell.number}, {name}" + (f", wild type {cell.own}" if changed else "")
    mark = f'<path d="M{x + 7} {y + 31} l5 -5 l5 5 z" fill="{colours.text}"/>' if changed else ""
    return (
        f"<g><title>{escape(label)}</title>"
        f'<rect x="{x + 1}" y="{y}" width="{CELL - 3}" height="{CELL}" rx="4" fill="{colour}" {frame}/>'
        f'<text x="{middle}" y="{y + 17}" text-anchor="middle" font-size="14" fill="{ink_on(colour)}">'
        f"{escape(cell.letter)}</text>{mark}"
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
