"""Costs of responses, and rows that come later: what is read, what is left out, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from poets_core.errors import InvalidComparisons
from poets_core.llm_po.log import read_rows, read_table
from poets_core.llm_po.log.costs import mean_costs
from poets_core.llm_po.log.further import further_rows
from poets_core.llm_po.sample import Sample
from poets_core.spec.log_mapping import LogMapping

MAPPING = LogMapping(
    first="a",
    second="b",
    outcome=("w",),
    words={"1": "first", "2": "second", "0": "tie"},
    prompt="q",
    judge="j",
    first_cost="ca",
    second_cost="cb",
)
HEAD = "q,j,a,b,w,ca,cb\n"


def table(tmp_path: Path, lines: str, name: str = "log.csv"):  # type: ignore[no-untyped-def]
    path = tmp_path / name
    path.write_text(HEAD + lines)
    return read_table(path)


def test_costs_are_the_mean_of_each_policys_responses(tmp_path: Path) -> None:
    rows = read_rows(table(tmp_path, "p1,,x,y,1,10,200\np2,,y,x,2,100,\np3,,x,y,0,n/a,0.5\n"), MAPPING, None).rows
    assert mean_costs([rows]) == {"x": 10.0, "y": pytest.approx(300.5 / 3)}
    assert mean_costs([rows, rows[:1]]) == {"x": 10.0, "y": pytest.approx(500.5 / 4)}


@pytest.mark.parametrize(
    ("cell", "says"),
    [("-1", "got '-1'"), ("cheap", "got 'cheap': a cell with text"), ("<5", "got '<5'"), ("inf", "got 'inf'")],
)
def test_a_cell_that_is_no_cost_is_refused_with_its_row(tmp_path: Path, cell: str, says: str) -> None:
    with pytest.raises(InvalidComparisons, match=f"(?s)0 or more in row 3 of column 'cb'.*{says}"):
        read_rows(table(tmp_path, f"p1,,x,y,1,1,2\np2,,x,y,1,1,{cell}\n"), MAPPING, None)


def test_costs_follow_the_policy_where_it_was_shown_second(tmp_path: Path) -> None:
    mapping = MAPPING.model_copy(update={"shown": "second"})
    row = read_rows(table(tmp_path, "p1,,x,y,1,10,200\n"), mapping, None).rows[0]
    assert (row.first, row.costs) == ("y", (200.0, 10.0))


def test_further_rows_keep_their_numbers_and_copies_across_files_do_not_count(tmp_path: Path) -> None:
    first = table(tmp_path, "p1,,x,y,1,1,2\np2,,x,y,2,1,2\n")
    more = table(tmp_path, "p2,,x,y,2,1,2\np3,,x,y,1,1,2\np4,,x,z,1,1,2\n", "more.csv")
    rows = further_rows([first], more, MAPPING, ["x", "y"])
    assert [(r.prompt, r.number) for r in rows] == [("p3", 3)]


def test_what_is_wrong_with_further_rows_is_said_with_their_own_numbers(tmp_path: Path) -> None:
    first = table(tmp_path, "p1,,x,y,1,1,2\np2,,x,y,2,1,2\n")
    with pytest.raises(InvalidComparisons, match="'perhaps' in 1 row, first in row 2"):
        further_rows([first], table(tmp_path, "p3,,x,y,perhaps,1,2\n", "more.csv"), MAPPING, ["x", "y"])
    (tmp_path / "other.csv").write_text("q,left,right,w\np,x,y,1\n")
    with pytest.raises(InvalidComparisons, match="Expected a column of the log, got 'a'"):
        further_rows([first], read_table(tmp_path / "other.csv"), MAPPING, ["x", "y"])


def sample(tmp_path: Path, lines: str) -> Sample:
    return Sample(read_rows(table(tmp_path, lines), MAPPING, None).rows, ["x", "y"], 0)


def further(tmp_path: Path, lines: str):  # type: ignore[no-untyped-def]
    return read_rows(table(tmp_path, lines, "more.csv"), MAPPING, None).rows


def test_a_counted_cluster_is_closed_and_new_ones_stay_together(tmp_path: Path) -> None:
    found = sample(tmp_path, "p1,,x,y,1,,\np1,,x,y,2,,\np2,,x,y,1,,\n")
    before = [found.replay.upcoming("x", "y", n).index for n in range(3)]
    count, said = found.add(further(tmp_path, "p2,,x,y,1,,\np3,,x,y,1,,\np3,,y,x,2,,\n"))
    assert count == 2
    assert said == ["1 row is left out: the prompt was counted before."]
    assert found.dependence.pairs["x", "y"].units[-1] == (4, 5)
    # Rows that were there keep their order, and the new ones come behind them.
    assert [found.replay.upcoming("x", "y", n).index for n in range(3)] == before
    assert {found.replay.upcoming("x", "y", n).index for n in (3, 4)} == {4, 5}
    assert found.facts.decided is None
    assert np.array_equal(found.replay.left, [[0, 5], [5, 0]])


def test_a_pair_that_was_counted_singly_takes_one_row_a_cluster(tmp_path: Path) -> None:
    """x and y have a prompt for every row; another pair's rows share theirs, so that the log depends."""
    rows = read_rows(table(tmp_path, "p1,,x,y,1,,\np9,,x,z,1,,\np9,,x,z,2,,\n"), MAPPING, None).rows
    found = Sample(rows, ["x", "y", "z"], 0)
    count, said = found.add(further(tmp_path, "p3,,x,y,1,,\np3,,x,y,2,,\np4,,x,z,2,,\np4,,x,z,2,,\n"))
    assert count == 2
    assert "rows were counted singly" in said[0]
    assert found.dependence.pairs["x", "y"].plain


@pytest.mark.parametrize(
    ("first", "more", "says"),
    [
        ("p1,,x,y,1,,\n", "p2,,x,y,1,,\np2,,x,y,2,,\n", "hold several rows"),
        ("p1,,x,y,1,,\n", "p1,,x,y,2,,\n", "1 row is left out: the prompt"),
        (
            "".join(f"p{i},j{k},x,y,1,,\n" for i in range(12) for k in range(12)),
            "q1,k1,x,y,1,,\n",
            "whose clusters do not cross",
        ),
    ],
)
def test_rows_that_cannot_be_joined_are_refused(tmp_path: Path, first: str, more: str, says: str) -> None:
    found = sample(tmp_path, first)
    before = found.rows, found.dependence
    with pytest.raises(InvalidComparisons, match=says):
        found.add(further(tmp_path, more))
    assert (found.rows, found.dependence) == before


def test_rows_of_equal_costs_are_no_copies(tmp_path: Path) -> None:
    """Nothing but policies, outcome and costs: two honest judgments may look alike."""
    path = tmp_path / "log.csv"
    path.write_text("a,b,w,ca,cb\nx,y,1,100,100\nx,y,1,100,100\n")
    mapping = MAPPING.model_copy(update={"prompt": "", "judge": ""})
    assert len(read_rows(read_table(path), mapping, None).rows) == 2
