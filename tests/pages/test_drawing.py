"""How pages come to a drawing, and what they show where there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import streamlit as st

from domains.entry import Drawing
from pages.parts import drawing
from pages.parts.look import DARK, LIGHT


def test_each_science_draws_its_own_designs() -> None:
    protein = drawing.drawn("ACDW", {"name": "protein/ehrlich", "facts": {"wild_type": "ACDE"}}, LIGHT, narrow=False)
    assert protein is not None
    assert "E4W" in protein.note
    circuit = drawing.drawn("ry 2 a*", {"name": "quantum/tfim-6"}, DARK, {"angles": [0.5]}, narrow=True)
    assert circuit is not None
    assert "0.16π" in circuit.svg
    assert DARK.muted in circuit.svg


@pytest.mark.parametrize("info", [None, {}, {"name": "gone/away", "facts": {}}, {"name": "language/sum"}])
def test_what_no_science_draws_is_text(info: Mapping[str, Any] | None) -> None:
    assert drawing.drawn("ACDW", info, LIGHT, narrow=False) is None


def test_a_drawing_that_fails_leaves_the_design_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(design: str, **about: Any) -> Drawing:
        raise KeyError("*wires*")

    said: list[str] = []
    monkeypatch.setattr(drawing, "drawing_of", lambda problem: broken)
    monkeypatch.setattr(st, "caption", said.append)
    assert drawing.drawn("ACDW", {"name": "protein/ehrlich"}, LIGHT, narrow=False) is None
    assert said == [r"The drawing failed: '\*wires\*'"]
