"""The price of length: what each branch pays, and whose designs are edited."""

from __future__ import annotations

import numpy as np
import pytest

from poets_core.search.history import History
from poets_core.search.poets.price import priced
from poets_core.search.selection import tempered_rank
from poets_core.types import Candidate, Observation


@pytest.mark.parametrize("tempering", [0.5, 1.0, 2.0])
def test_after_tempering_every_branch_has_paid_its_own_price(tempering: float) -> None:
    rng = np.random.default_rng(0)
    rewards, lengths = rng.normal(size=(5, 7)), rng.random(7)
    wanted = rewards - priced(2.0, lengths, 5, tempering)
    for k, price in enumerate((0.0, 0.5, 1.0, 1.5, 2.0)):
        paid = tempered_rank(rewards, k, tempering) - tempered_rank(wanted, k, tempering)
        np.testing.assert_allclose(paid, price * lengths, atol=1e-12)


def test_where_all_follow_the_mean_they_pay_the_mean_and_one_branch_pays_half() -> None:
    lengths = np.array([0.0, 0.5, 1.0])
    np.testing.assert_allclose(priced(2.0, lengths, 3, 0.0), np.outer([1, 1, 1], lengths))
    np.testing.assert_allclose(priced(2.0, lengths, 1, 0.5), [lengths])


def _history(values: list[float], lengths: list[int], direction: str = "maximise") -> History:
    history = History(direction, "z", 0, 0)  # type: ignore[arg-type]
    told = [
        Candidate(f"0-{k}", 0, -1, "reference", 0, f"d{k}", "", "", 0.0, 0.0, 0.0, 0.0, (1,) * n)
        for k, n in enumerate(lengths)
    ]
    answers = [Observation(c.id, (v,), (0.0,), v == v, "") for c, v in zip(told, values, strict=True)]
    history.add(told, answers, None)
    return history


def test_elites_at_a_price_are_good_designs_of_every_length() -> None:
    # d0 is the best and the longest, d1 nearly as good and short, d2 poor and shortest; d3 is dominated by d1.
    history = _history([1.0, 0.9, 0.2, 0.5, float("nan")], [10, 4, 1, 8, 1])
    assert history.elites(5) == ["d0", "d1", "d3", "d2"]
    assert history.elites(5, price=0.0, longest=10) == history.elites(5)
    found = history.elites(5, price=8.0, longest=10)
    assert found.index("d3") == 3
    assert set(found[:3]) == {"d0", "d1", "d2"}
    assert "d4" not in found


def test_elites_at_a_price_of_a_minimised_value() -> None:
    history = _history([-1.0, -0.9, -0.2, -0.5], [10, 4, 1, 8], "minimise")
    assert set(history.elites(3, price=8.0, longest=10)) == {"d0", "d1", "d2"}
