"""Whether what is written can be read: contrast as WCAG 2.2 counts it, out of the colours that are configured."""

from __future__ import annotations

import tomllib

import pytest

from domains.palette import INK
from pages.parts.look import DARK, LIGHT, Look
from tests.pages.conftest import ROOT

READABLE, VISIBLE = 4.5, 3.0
"""Least contrast of text, and of what is no text (an outline, a line)."""
THEME = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
BOTH = pytest.mark.parametrize(("name", "look"), [("light", LIGHT), ("dark", DARK)])


def luminance(colour: str) -> float:
    """Relative luminance of ``"#RRGGBB"``."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, 1 to 21."""
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_the_recommendation() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


@BOTH
def test_text_captions_and_links_can_be_read_on_every_ground(name: str, look: Look) -> None:
    theme = THEME[name]
    for ground in (theme["backgroundColor"], theme["secondaryBackgroundColor"], look.paper):
        for ink in (theme["textColor"], theme["linkColor"], look.text, look.muted):
            assert contrast(ink, ground) >= READABLE, (ink, ground)


@BOTH
def test_primary_buttons_can_be_read_and_seen(name: str, look: Look) -> None:
    theme = THEME[name]
    assert contrast("#FFFFFF", theme["primaryColor"]) >= READABLE  # their letters are white
    assert contrast(theme["primaryColor"], theme["backgroundColor"]) >= VISIBLE


@BOTH
def test_the_colours_of_the_charts_are_those_of_the_theme(name: str, look: Look) -> None:
    assert look.paper == THEME[name]["backgroundColor"]
    assert look.text == THEME[name]["textColor"]
    assert all(contrast(colour, look.paper) >= READABLE for colour in (look.text, look.muted))
    assert contrast(INK, "#B8C1CB") >= READABLE
