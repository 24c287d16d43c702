"""The rival duel rules: each finds the winner, so that what the benchmark compares is only how soon."""

from __future__ import annotations

import pytest

from benchmarks.llm_po_rivals import RIVALS
from tests.llm_po.test_balance import check_that_it_finds_the_winner


@pytest.mark.parametrize("name", RIVALS)
def test_every_rival_finds_the_winner_wherever_it_stands(name):
    check_that_it_finds_the_winner(RIVALS[name])
