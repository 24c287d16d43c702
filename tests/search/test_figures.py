"""The documented figures of a round are those that every method reports."""

from __future__ import annotations

import pytest

from poets_core.search.figures import FIGURES, figures_of
from poets_core.spec import METHODS
from tests.search.sites import Sites, build, play


def test_a_name_stands_once() -> None:
    names = [name for figure in FIGURES for name in figure.names]
    assert len(names) == len(set(names))
    assert {m for figure in FIGURES for m in figure.methods} <= {"all", *METHODS}


@pytest.mark.parametrize("method", METHODS)
def test_a_method_reports_what_is_documented(method: str, tmp_path) -> None:
    problem = Sites()
    how = {"exact_regret": True} if method == "poets" else {}
    reports = play(build(tmp_path, problem, method=method, **how), problem, rounds=2)[1]
    found = set(reports[-1].metrics)
    if method == "poets":  # some figures are those of the exact fit
        exact = build(tmp_path / "exact", problem, fit="exact", trunk="n-grams")
        found |= set(play(exact, problem, rounds=2)[1][-1].metrics)
    assert found == figures_of(method)
