"""How pages come to a drawing, and what they show where there is none."""

from __future__ import annotations

from typing import Any

import pytest
import streamlit as st

from domains.entry import Drawing
from pages.parts import drawing
from pages.parts.look import DARK, LIGHT
from poets_core.types import Objective, ProblemInfo


def info(name: str, **facts: Any) -> ProblemInfo:
    return ProblemInfo(name, name.split("/")[0], "Title", (Objective("value", ""),), facts=facts)


def test_each_science_draws_its_own_designs() -> None:
    protein = drawing.drawn("ACDW", info("protein/ehrlich", wild_type="ACDE"), LIGHT, narrow=False)
    assert protein is not None
    assert "E4W" in protein.note
    circuit = drawing.drawn("ry 2 a*", info("quantum/tfim-6"), DARK, {"angles": [0.5]}, narrow=True)
    assert circuit is not None
    assert "0.16π" in circuit.svg
    assert DARK.muted in circuit.svg


@pytest.mark.parametrize("problem", [None, info("gone/away"), info("language/sum")])
def test_what_no_science_draws_is_text(problem: ProblemInfo | None) -> None:
    assert drawing.drawn("ACDW", problem, LIGHT, narrow=False) is None


def test_a_drawing_that_fails_leaves_the_design_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(design: str, **about: Any) -> Drawing:
        raise KeyError("*wires*")

    said: list[str] = []
    monkeypatch.setattr(drawing, "drawing_of", lambda problem: broken)
    monkeypatch.setattr(st, "caption", said.append)
    assert drawing.drawn("ACDW", info("protein/ehrlich"), LIGHT, narrow=False) is None
    assert said == [r"The drawing failed: '\*wires\*'"]
