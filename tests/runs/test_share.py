"""The share of runs that found the best possible value, and its interval."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from poets_core.runs.views.share import Share, reaches


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (0, 8), (3, 8), (12, 20), (20, 20), (199, 1000)])
def test_the_interval_is_wilsons(k: int, n: int) -> None:
    told = binomtest(k, n).proportion_ci(0.95, method="wilson")
    assert (Share(k, n).low, Share(k, n).high) == pytest.approx((told.low, told.high), abs=1e-12)


def test_it_is_said_with_its_interval_and_claims_nothing_of_no_runs() -> None:
    assert str(Share.of([True, False, True])) == "2 of 3 (21–94 %)"
    assert Share.of([]).as_data() == {"reached": 0, "n": 0, "low": 0.0, "high": 1.0}
    assert str(Share(0, 0)) == "none"
    assert str(Share(0, 8)) == "0 of 8 (0–32 %)"


def test_the_optimum_is_reached_up_to_rounding_in_either_direction() -> None:
    assert reaches(8.76 - 1e-10, 8.76)
    assert not reaches(8.75, 8.76)
    assert reaches(-5.0 + 1e-10, -5.0, sign=-1.0)
    assert not reaches(-4.9, -5.0, sign=-1.0)
    assert not reaches(None, 1.0)
    assert not reaches(float("nan"), 1.0)
    assert reaches(8.761966, 8.7619658, rounding=1e-6)
    assert reaches(8.761965, 8.7619658, rounding=1e-6)
    assert not reaches(8.761965, 8.7619658)
