"""Chosen designs below their parent, site by site; a dot stands for the parent's own residue."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from domains.palette import Colours, ink_on
from domains.protein.drawing import residue_class

CELL, ROW = 22, 24
MOST_ROWS = 200


def alignment_rows(designs: Sequence[str], parent: str) -> list[str]:
    """Return each design with a dot wherever it has the parent's residue; one of another length stays as it is."""
    out = []
    for design in designs:
        same = len(design) == len(parent)
        out.append("".join("." if same and a == parent[i] else a for i, a in enumerate(design)))
    return out


def alignment_text(names: Sequence[str], designs: Sequence[str], labels: Sequence[str], parent: str) -> str:
    """Return the alignment as plain text: numbers written downwards, then the parent, then a line a design."""
    width = max([len("parent"), *map(len, names)])
    deep = max(map(len, labels), default=0)
    lines = [" " * width + "  " + "".join(label.rjust(deep)[k] for label in labels) for k in range(deep)]
    lines += [f"{'parent'.ljust(width)}  {parent}"] if parent else []
    lines += [f"{n.ljust(width)}  {row}" for n, row in zip(names, alignment_rows(designs, parent), strict=True)]
    return "".join(f"{line}\n" for line in lines)


def alignment_svg(
    names: Sequence[str], designs: Sequence[str], labels: Sequence[str], parent: str, colours: Colours
) -> str:
    """Draw the alignment: mutated residues coloured by chemistry, the parent's as dots.

    Args:
        names: of the designs, any text.
        designs: letters at the sites; the first `MOST_ROWS` are drawn.
        labels: of the sites.
        parent: its letters there, ``""`` where they are not known.
        colours: of the page.
    """
    left = 12 + 7 * max([6, *(min(len(n), 24) for n in names)])
    parts = [
        f'<text transform="translate({left + CELL * k + CELL / 2 + 4:.1f} 34) rotate(-60)" font-size="10" '
        f'fill="{colours.muted}">{escape(label)}</text>'
        for k, label in enumerate(labels)
    ]
    rows = [("parent", parent, False)] if parent else []
    rows += [(n, d, True) for n, d in zip(names[:MOST_ROWS], alignment_rows(designs[:MOST_ROWS], parent), strict=True)]
    for r, (name, letters, chosen) in enumerate(rows):
        y = 40 + ROW * r
        parts.append(f'<text x="4" y="{y + 16}" font-size="12" fill="{colours.text}">{escape(name[:24])}</text>')
        for k, letter in enumerate(letters):
            x = left + CELL * k
            ink = colours.muted
            if chosen and letter != ".":
                _, colour = residue_class(letter)
                ink = ink_on(colour)
                parts.append(f'<rect x="{x}" y="{y}" width="{CELL - 2}" height="{ROW - 3}" rx="3" fill="{colour}"/>')
            parts.append(
                f'<text x="{x + CELL / 2 - 1:.1f}" y="{y + 16}" text-anchor="middle" font-size="13" fill="{ink}">'
                f"{escape(letter)}</text>"
            )
    width = left + CELL * max([len(labels), *map(len, designs)], default=1) + 8
    height = 48 + ROW * len(rows)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="monospace" font-weight="600">{"".join(parts)}</svg>'
    )
