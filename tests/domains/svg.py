"""What tests read out of a drawing."""

from __future__ import annotations

from xml.etree import ElementTree

from domains.palette import Colours

DARK = Colours("#E6EAEE", "#9BA7B4", "#11161D")
HARMLESS = {"svg", "g", "rect", "text", "path", "title", "line", "circle"}
HOSTILE = ("<script>alert(1)</script>", '"&<>', "h 0\n<svg onload=x> 1")


def texts(svg: str) -> list[str]:
    """Visible texts of a drawing; reading it as XML checks that it is well formed."""
    return ["".join(e.itertext()) for e in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def tags(svg: str) -> set[str]:
    """Names of all elements of a drawing."""
    return {e.tag.split("}")[1] for e in ElementTree.fromstring(svg).iter()}
