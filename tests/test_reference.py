"""What the documentation prints from the code is what the code says."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from poets_core.runs.events import KINDS
from scripts.reference import ROOT, attributes, events, outdated, placed


def test_the_pages_say_what_the_code_says() -> None:
    assert sorted(map(str, outdated())) == [], "run python -m scripts.reference"


def test_the_table_of_events_has_every_kind_and_field() -> None:
    lines = events().splitlines()[2:]
    assert [line.split("|")[1].strip(" `") for line in lines] == list(KINDS)
    verdict = next(line for line in lines if line.startswith("| `verdict`"))
    assert all(f"`{name}`" in verdict for name in ("kind", "policy", "why"))  # those of the base class too


def test_a_field_without_an_explanation_is_found() -> None:
    @dataclass
    class Bare:
        """Something.

        Attributes:
            one: explained, over
                two lines.
        """

        one: int
        two: int

    with pytest.raises(ValueError, match="two"):
        attributes(Bare)


def test_a_section_is_put_between_its_marks() -> None:
    page = "a\n<!-- x: printed by python -m scripts.reference -->\nold\n<!-- end of x -->\nz\n"
    assert placed(page, "x", "new") == page.replace("old", "new")
    with pytest.raises(ValueError, match="once each, got 0"):
        placed("nothing", "x", "new")


def test_the_front_door_is_short_and_its_pictures_are_small() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120
    assert (ROOT / "docs" / "picture.png").stat().st_size < 300_000
    large = [p.name for p in (ROOT / "docs" / "results").rglob("*.svg") if p.stat().st_size > 200_000]
    assert large == []


def test_links_in_the_documentation_lead_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    links = [(p, m) for p in pages for m in re.findall(r"\]\(([^)#\s]+)[^)]*\)", p.read_text(encoding="utf-8"))]
    lost = [f"{p.relative_to(ROOT)}: {m}" for p, m in links if "://" not in m and not (p.parent / m).exists()]
    assert len(links) > 50
    assert lost == []
