"""Settings that came later leave the fingerprints of what ran before them as they were."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from poets_core.errors import InvalidSpec
from poets_core.spec import METHODS, SearchSpec, parse_spec, read_spec
from poets_core.spec.presets import LATER, decisive

OLD = Path(__file__).parent / "old"
BEFORE = {
    "artificial_7q": "40e1efdffc6e97a634e05f5d09ec4c38f8b9bb4dc4fd65032c28c52ef2dd080b",
    "ehrlich": "542361a0b056cfc079814f9292d87db05a2d8388f597fd684d0c5a5c32ad6171",
    "instability": "5e088c864aa77493b7df1085e363238d5421e02113443e5bd5a64b3f0049d222",
    "tfim_6": "9a01140a044d09742d5eb72d4e49fdb1e19f98f067c1791825fa30d927f56585",
}
"""SHA-256 of what decides each old example, as the revision before the exact fit (3cedb5e^) computed it."""


def spec(search: dict[str, Any] | None = None, backbone: dict[str, Any] | None = None) -> SearchSpec:
    made = parse_spec({"problem": {"name": "x"}, "search": search or {}, "backbone": backbone or {}})
    assert isinstance(made, SearchSpec)
    return made


def fingerprint(made: SearchSpec) -> str:
    return hashlib.sha256(json.dumps(decisive(made), sort_keys=True).encode()).hexdigest()


@pytest.mark.parametrize("name", BEFORE)
def test_old_examples_have_the_fingerprints_of_then(name: str) -> None:
    made = read_spec(OLD / f"{name}.json")
    assert isinstance(made, SearchSpec)
    assert fingerprint(made) == BEFORE[name]


def test_a_search_with_settings_of_its_own_has_the_fingerprint_of_then() -> None:
    search = {"branches": 4, "beta": 0.3, "bootstrap": False, "tempering": 1.0}
    made = parse_spec(
        {
            "problem": {"name": "protein/gb1"},
            "seed": 3,
            "search": search,
            "backbone": {"branch_from": 1, "width": 64},
        }
    )
    assert isinstance(made, SearchSpec)
    assert fingerprint(made) == "df219328085eee4edb887ff04ad5e7dbe7edf812b3f2cd8be05a87af27607643"


NEW: list[tuple[str, Any]] = [
    ("fit", "exact"),
    ("whole_space", True),
    ("climb", 3),
    ("reference_weight", 0.5),
    ("reference_share", 0.1),
    ("bootstrap", False),
]


@pytest.mark.parametrize(("name", "other"), NEW)
def test_a_later_setting_counts_as_soon_as_it_is_another(name: str, other: Any) -> None:
    before = LATER["poets"][name]
    assert decisive(spec({name: before})) == decisive(spec({n: v for n, v in LATER["poets"].items() if n != name}))
    assert name not in decisive(spec({name: before}))["search"]
    changed = decisive(spec({name: other}))["search"]
    assert changed.pop(name) == other
    assert changed == decisive(spec({name: before}))["search"]


@pytest.mark.parametrize("method", LATER)
def test_later_settings_are_settings_of_their_method(method: str) -> None:
    assert set(LATER[method]) <= set(METHODS[method].model_fields)
    for name, value in LATER[method].items():
        assert getattr(spec({"method": method, name: value}).search, name) == value


@pytest.mark.parametrize("method", ["poets", "ga", "gp"])
def test_features_that_were_not_chosen_tell_nothing_apart(method: str) -> None:
    search = {"method": method}
    default = decisive(spec(search))
    assert "features" not in default["backbone"]
    designed = decisive(spec(search, {"features": "designed"}))
    assert designed["backbone"].pop("features") == "designed"
    assert designed == default


@pytest.mark.parametrize(
    ("search", "backbone", "field"),
    [
        ({"fit": "closely"}, {}, "search.fit"),
        ({"climb": -1}, {}, "search.climb"),
        ({"climb": 21}, {}, "search.climb"),
        ({"reference_weight": -0.1}, {}, "search.reference_weight"),
        ({"method": "ga", "fit": "exact"}, {}, "search.fit"),
        ({}, {"features": "random"}, "backbone.features"),
    ],
)
def test_what_these_settings_cannot_be(search: dict[str, Any], backbone: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidSpec) as error:
        parse_spec({"version": 2, "kind": "search", "problem": {"name": "x"}, "search": search, "backbone": backbone})
    assert list(error.value.fields) == [field]
