"""Order of presentation: pairs shown in one order, the test within pairs, and what is withheld."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats.contingency import expected_freq

from poets_core.keyed import rng_for
from poets_core.llm_po.comparison import Verdict
from poets_core.llm_po.log import Row
from poets_core.llm_po.order import one_order, order_effect, withheld


def rows_of(*groups):
    """Groups of (shown first, shown second, wins of the first, losses of the first), each row with a prompt."""
    out = []
    for first, second, wins, losses in groups:
        for outcome in ["first"] * wins + ["second"] * losses:
            n = len(out) + 1
            out.append(Row(n, n, f"p{n}", first, second, outcome, ("", ""), True))
    return out


@pytest.mark.parametrize(
    ("groups", "found"),
    [
        ([("A", "B", 20, 10)], {("A", "B"): ("A", "B", 30, 30)}),
        ([("B", "A", 38, 0), ("A", "B", 2, 0)], {("A", "B"): ("B", "A", 38, 40)}),  # nearly always
        ([("B", "A", 37, 0), ("A", "B", 3, 0)], {}),
        ([("A", "B", 7, 0)], {}),  # too few to say so
        ([("A", "B", 9, 9), ("B", "A", 9, 9), ("C", "A", 8, 0)], {("A", "C"): ("C", "A", 8, 8)}),
    ],
)
def test_pairs_that_were_shown_in_one_order(groups, found):
    orders = one_order(rows_of(*groups))
    assert {k: (o.first, o.second, o.rows, o.known) for k, o in orders.items()} == found


def test_the_test_within_pairs_is_mantel_and_haenszels():
    counts = [("A", "B", 14, 6), ("B", "A", 11, 19), ("A", "C", 9, 2), ("C", "A", 5, 7), ("B", "C", 30, 0)]
    found = order_effect(rows_of(*counts))
    gap = variance = 0.0
    for table in ([[14, 6], [19, 11]], [[9, 2], [7, 5]]):  # rows: who was shown first; columns: wins of A, losses
        n = np.sum(table)
        rows, columns = np.sum(table, axis=1), np.sum(table, axis=0)
        gap += table[0][0] - expected_freq(table)[0][0]
        variance += np.prod(rows) * np.prod(columns) / (n**2 * (n - 1))
    from scipy.stats import chi2

    assert found.p_value == pytest.approx(chi2.sf(gap**2 / variance, 1))
    assert (found.pairs, found.rows) == (2, 73)  # B against C has one order
    assert found.first == pytest.approx((50 * (14 / 20 + 11 / 30) + 23 * (9 / 11 + 5 / 12)) / 73 / 2)


def test_quality_is_no_order_effect_and_order_is():
    """A is better, and mostly first: the plain share of the first would blame the order."""
    better = rows_of(("A", "B", 81, 9), ("B", "A", 1, 9))
    assert order_effect(better).p_value > 0.5
    assert order_effect(better).first == pytest.approx(0.5)
    swayed = rows_of(("A", "B", 40, 10), ("B", "A", 40, 10))
    assert order_effect(swayed).p_value < 1e-6
    assert order_effect(swayed).first == pytest.approx(0.8)
    assert order_effect(rows_of(("A", "B", 3, 3))) is None


def test_p_values_are_uniform_without_an_effect():
    p = []
    for seed in range(300):
        n = rng_for(seed, "order").binomial(30, [0.8, 0.2])
        p.append(order_effect(rows_of(("A", "B", n[0], 30 - n[0]), ("B", "A", n[1], 30 - n[1]))).p_value)
    assert np.mean(np.array(p) < 0.1) == pytest.approx(0.1, abs=0.06)


WINNER = Verdict("winner", "A", 0.05, 30, ("A",))


def test_a_verdict_that_rests_on_one_order_is_withheld():
    orders = one_order(rows_of(("A", "B", 30, 0), ("C", "D", 9, 9)))
    verdict, why = withheld(WINNER, orders, assume=False)
    assert (verdict.kind, verdict.policy, verdict.error_bound, verdict.rule) == ("undecided", None, None, "order")
    assert "'A' was shown first in all 30 of its rows against 'B': order of presentation and quality" in why
    assert "'A' is the best policy with error at most 5 %; that holds only if" in why
    other = Verdict("winner", "E", 0.05, 30, ("E",))
    assert withheld(other, orders, assume=False) == (other, "")  # no duel of its own was shown in one order
    assert withheld(other, orders, assume=True)[0].kind == "undecided"
    none = Verdict("none", None, 0.05, 30, ())
    assert "By the counts alone, no policy beats all others" in withheld(none, orders, assume=False)[1]
    assert withheld(WINNER, {}, assume=False) == (WINNER, "")
