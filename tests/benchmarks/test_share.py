"""Every mean of best values that a benchmark prints has the share of runs at the optimum beside it."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import alde, search, search_report
from benchmarks.campaign import Played
from benchmarks.gb1 import figures


def line(method: str, seed: int, best: float | None, landscape: str = "ehrlich-15") -> dict[str, Any]:
    values = [0.25, None, best]
    told = {"landscape": landscape, "method": method, "seed": seed, "values": values, "rounds": []}
    return told | {"cpu_seconds": 1.0, "short": True}


def test_the_map_counts_runs_at_the_optimum_and_says_so_beside_the_best() -> None:
    lines = [line("ga", s, 1.0 if s < 3 else 0.9) for s in range(4)] + [line("prior", 0, None)]
    found = search.collect(lines, "ehrlich-15", dict.fromkeys(range(4), 1.0))
    share = found["ga"][search.REACHED]
    assert (share["reached"], share["n"]) == (3, 4)
    assert (share["low"], share["high"]) == pytest.approx((0.3006, 0.9544), abs=1e-4)
    assert found["prior"][search.REACHED]["reached"] == 0
    page = search_report.section("ehrlich-15", found, lines, "x.svg", "")
    head, row = (next(x for x in page.splitlines() if x.startswith(s)) for s in ("| method", "| ga"))
    cells = dict(zip(head.split(" | "), row.split(" | "), strict=True))
    assert cells["optimum reached"] == "3 of 4 (30–95 %)"
    assert cells["best"] == "0.975 ± 0.025"


def test_where_values_have_a_unit_of_their_own_the_stated_optimum_still_counts_and_divides_nothing() -> None:
    lines = [line("ga", s, v, "artificial-7q") for s, v in enumerate((6.921, 6.0))]
    found = search.collect(lines, "artificial-7q", {0: 6.921, 1: 6.921})["ga"]
    assert found["best"]["mean"] == pytest.approx((6.921 + 6.0) / 2)
    assert "regret" not in found
    assert found[search.REACHED]["reached"] == 1


def test_nothing_is_claimed_where_the_optimum_is_not_stated() -> None:
    lines = [line("ga", s, 0.4, "tfim-6") for s in range(2)]
    found = search.collect(lines, "tfim-6", {0: None, 1: None})
    assert search.REACHED not in found["ga"]
    assert search.REACHED not in search_report.section("tfim-6", found, lines, "x.svg", "")


def test_stored_values_are_compared_at_the_digits_that_they_keep() -> None:
    optimum = 8.76196535571  # stored as 8.761965, below it
    lines = [line("ga", 0, round(optimum, search.DIGITS), "gb1")]
    share = search.share_of(lines, {0: optimum})
    assert share is not None
    assert share.reached == 1


def test_the_protocol_of_a_given_first_round_and_the_frozen_benchmark_count_them_too() -> None:
    rows = [
        {"method": "genetic", "seed": s, "best": [0.2, b], "not in the table": 0, "cpu_seconds": 1.0}
        for s, b in enumerate((1.0, 0.7, 1.0))
    ]
    share = alde.results_of(rows, ["genetic"])["genetic"]["at the maximum"]
    assert (share["reached"], share["n"], round(share["low"], 2)) == (2, 3, 0.21)
    assert figures(Played([1.0, 4.0], ["", ""], [{}, {}], 0.0, 0.0), 4.0)["reached"]
    assert not figures(Played([1.0, float("nan")], ["", ""], [{}, {}], 0.0, 0.0), 4.0)["reached"]
