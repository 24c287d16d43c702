"""How many mutations a first design has, whatever the number of sites."""

from __future__ import annotations

import numpy as np
import pytest

from domains.catalog import load
from domains.protein.prior import KEEP, kept


@pytest.mark.parametrize(("sites", "chance"), [(1, KEEP), (4, KEEP), (5, KEEP), (8, 0.5), (40, 0.9), (200, 0.98)])
def test_many_sites_keep_most_of_their_letters(sites: int, chance: float) -> None:
    assert kept(sites) == pytest.approx(chance)
    assert kept(sites, 0.95) >= 0.95


def test_first_designs_of_a_whole_protein_are_near_it() -> None:
    parent = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPDAQFEVV"
    problem = load("protein/campaign", parent=parent)
    designs = problem.library(400, rng=np.random.default_rng(0))
    changed = [sum(a != b for a, b in zip(d, parent, strict=True)) for d in designs]
    assert 2.0 < np.mean(changed) < 4.5
    assert max(changed) < 14
