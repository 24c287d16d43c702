"""Words that pages show for names of the code."""

from __future__ import annotations

from pages.parts.words import model, number, quantity, short_model, times


def test_models_count_from_one_and_the_reference_is_untrained() -> None:
    assert [model(b) for b in (-1, 0, 7)] == ["untrained model", "model 1", "model 8"]
    assert [short_model(b) for b in (-1, 0)] == ["untrained", "1"]


def test_counts_have_their_noun_and_numbers_a_proper_minus() -> None:
    assert [times(n, "measurement") for n in (1, 9800)] == ["1 measurement", "9,800 measurements"]
    assert times(2, "child", "children") == "2 children"
    assert [number(v) for v in (-0.25, 12345.678, None)] == ["−0.25", "1.235e+04", "–"]
    assert number(-0.5, 2) == "−0.5"
    assert [quantity(name) for name in ("- energy", "half-life")] == ["− energy", "half-life"]
