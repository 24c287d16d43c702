"""Numbers in forms: what stands in a field is what is read, and nothing starts while one is wrong."""

from __future__ import annotations

import pytest

from pages.parts.number_field import read_number, shown
from pages.parts.settings import settings_of
from poets_core.runs.sql import SqlStore
from poets_core.spec import Bounds, Budget, PoetsSettings
from tests.pages.test_pages import LAUNCH, opened, said

KEY = "protein/ehrlich-default"


@pytest.mark.parametrize(
    ("text", "kind", "number"),
    [("12", int, 12), (" 7 ", int, 7), ("1e3", int, 1000), ("-3", int, -3), ("0.5", float, 0.5), ("1e-3", float, 1e-3),
     (".25", float, 0.25), ("\N{MINUS SIGN}2", float, -2.0), ("4", float, 4.0), ("9" * 30, int, int("9" * 30))],
)  # fmt: skip
def test_numbers_as_people_write_them(text: str, kind: type, number: float) -> None:
    assert read_number(text, kind) == number
    assert type(read_number(text, kind)) is kind


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [("", int, "empty field"), ("many", int, "“many”"), ("nan", float, "“nan”"), ("inf", float, "“inf”"),
     ("1e999", float, "too large"), ("0,5", float, "decimal point"), ("1,000", int, "no comma"),
     ("1.5", int, "decimals"),
     ("1_000", int, "“1_000”"),
     ("0x10", int, "“0x10”"), ("٣", int, "“٣”"), ("1 2", int, "“1 2”")],
)  # fmt: skip
def test_what_is_no_number_is_said(text: str, kind: type, words: str) -> None:
    found = read_number(text, kind)
    assert isinstance(found, str)
    assert words in found


def test_limits_in_words_are_those_of_the_spec() -> None:
    said_of = {s.name: str(s.bounds) for model in (Budget, PoetsSettings) for s in settings_of("x", model).values()}
    assert said_of["batch"] == "1 to 4,096"
    assert said_of["beta"] == "above 0, at most 10"
    assert said_of["reset_every"] == "at least 0"
    assert str(Bounds(ge=8, le=512, multiple_of=8)) == "8 to 512, a multiple of 8"
    assert (shown(1 / 3), shown(5e-3), shown(12), shown(None)) == ("0.3333", "0.005", "12", "")


@pytest.mark.parametrize(
    ("field", "label", "wrong", "right"),
    [
        (f"{KEY}-budget-batch", "Designs per round", ("5000", "0", "", "12,5", "nan", "1e99"), "16"),
        (f"{KEY}-poets-search-beta", "Stay close to the base model", ("0", "11", "NaN", "0,1", "-"), "0.2"),
        (f"{KEY}-poets-seed", "Seed", ("-1", "2147483648", "1.5"), "7"),
        ("protein/ehrlich-length", "Length", ("3", "257", "x"), "20"),
    ],
)
def test_start_is_off_while_a_number_is_wrong_and_says_which(
    store: SqlStore, launched: list[str], field: str, label: str, wrong: tuple[str, ...], right: str
) -> None:
    at = opened(LAUNCH, problem="protein/ehrlich", preset="default")
    for text in wrong:
        at.text_input(key=field).set_value(text).run()
        assert at.button(key="start").disabled, text
        assert len(at.error) == 1, text
        assert f"right: {label}" in at.warning[-1].value
    assert launched == store.runs() == []
    at.text_input(key=field).set_value(right).run()
    assert not at.error
    assert not at.button(key="start").disabled


def test_limits_stand_under_the_fields(store: SqlStore) -> None:
    text = said(opened(LAUNCH, problem="protein/ehrlich", preset="default"))
    for words in ("1 to 4,096", "Above 0, at most 10", "4 to 256"):
        assert words in text
