"""Colours that drawings share: the palette of Okabe and Ito, and the colours of a page.

The palette (2008) can be told apart by every common kind of colour vision.
"""

from __future__ import annotations

from dataclasses import dataclass

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILLION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
INK = "#11161D"
"""Letters on a coloured box, in both themes."""
GREY = "#B8C1CB"
"""A box that means nothing particular; `INK` is readable on it."""


@dataclass(frozen=True)
class Colours:
    """What a drawing needs to know about the page it is on.

    Attributes:
        text, muted, paper: CSS colours of letters, of what matters less, and of the background.
    """

    text: str
    muted: str
    paper: str


ON_WHITE = Colours("#1B2430", "#5B6775", "#FFFFFF")
"""For drawings that are saved to a file."""


def ink_on(colour: str) -> str:
    """Return the colour of letters that are readable on a box of this colour."""
    return "#FFFFFF" if colour in (BLACK, BLUE, VERMILLION) else INK
