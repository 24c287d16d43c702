"""Logo of designs: letters as high as their information, in bits.

Source: Schneider and Stephens, Nucleic Acids Research 18:6097 (1990), with its correction for few sequences.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from jaxtyping import Float64

from domains.palette import Colours
from domains.protein.alphabet import LETTERS, UNKNOWN, codes_of
from domains.protein.drawing import residue_class

COLUMN, HEIGHT, LEFT, BOTTOM = 26, 150, 34, 22
"""Pixels of a column, of the most bits, of the axis, of the labels."""
MOST = float(np.log2(20))


def information(designs: Sequence[str]) -> Float64[np.ndarray, "20 L"]:
    """Return the height of each letter at each site, in bits; rows in the order of `LETTERS`.

    Args:
        designs: of one length, at least one; others are left out.
    """
    length = len(designs[0]) if designs else 0
    kept = [d for d in designs if len(d) == length and UNKNOWN not in codes_of(d)]
    if not kept or not length:
        return np.zeros((20, length))
    codes = codes_of("".join(kept)).reshape(len(kept), length)
    share = np.stack([(codes == a).mean(0) for a in range(20)])
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = -np.nansum(np.where(share > 0, share * np.log2(share), 0.0), axis=0)
    # A few sequences look conserved by chance: that much is taken off.
    chance = 19 / (2 * np.log(2) * len(kept))
    return np.asarray(share * np.maximum(MOST - entropy - chance, 0.0))


def logo_svg(designs: Sequence[str], labels: Sequence[str], colours: Colours) -> str:
    """Draw the logo of some designs, as SVG text.

    Args:
        designs: the best n, letters at the sites.
        labels: of the sites.
        colours: of the page.
    """
    heights = information([d for d in designs if len(d) == len(labels)])
    width = LEFT + COLUMN * max(1, len(labels)) + 4
    parts = [
        f'<text x="{LEFT - 6}" y="{HEIGHT - HEIGHT * bits / MOST + 8:.1f}" text-anchor="end" font-size="10" '
        f'fill="{colours.muted}">{bits}</text>'
        for bits in (0, 1, 2, 3, 4)
    ]
    for k, label in enumerate(labels[: heights.shape[1]]):
        top = float(HEIGHT)
        x = LEFT + COLUMN * k
        for a in np.argsort(heights[:, k], kind="stable").tolist():
            high = float(heights[a, k]) / MOST * HEIGHT
            if high < 0.5:
                continue
            name, colour = residue_class(LETTERS[a])
            # A capital of a bold sans serif is 0.73 of its size high and wide: it is stretched to its box.
            place = f"translate({x + COLUMN / 2:.1f} {top:.2f}) scale({(COLUMN - 2) / 20:.3f} {high / 14.6:.4f})"
            parts.append(
                f'<g transform="{place}">'
                f"<title>{escape(label)} {LETTERS[a]}, {name}: {heights[a, k]:.2f} bits</title>"
                f'<text text-anchor="middle" font-size="20" font-weight="700" fill="{colour}">{LETTERS[a]}</text></g>'
            )
            top -= high
        parts.append(
            f'<text x="{x + COLUMN / 2:.1f}" y="{HEIGHT + 15}" text-anchor="middle" font-size="10" '
            f'fill="{colours.text}">{escape(label)}</text>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT + BOTTOM}" '
        f'viewBox="0 0 {width} {HEIGHT + BOTTOM}" font-family="sans-serif">{"".join(parts)}</svg>'
    )
