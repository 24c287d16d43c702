"""What the documentation prints from the code is what the code says."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from poets_core.runs.events import KINDS
from scripts.reference import attributes, events, outdated, placed


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
