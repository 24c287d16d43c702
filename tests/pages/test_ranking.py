"""The ranking of an experiment as a person meets it: table, chart, groups, and files that are read again."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from pages.parts.experiment.ranking import forest, groups_text, notes, ranking_frame, ranking_of
from pages.parts.experiment.verdicts import outcome, sentence, toward
from pages.parts.look import DARK, LIGHT
from poets_core.errors import InvalidComparisons, InvalidInput
from poets_core.llm_po.comparison import Comparison
from poets_core.llm_po.experiment import Experiment
from poets_core.llm_po.ranking import ranking as made
from poets_core.runs import going_on
from poets_core.runs.event_fields import jsonable
from poets_core.runs.events import Finished, VerdictReached
from poets_core.runs.laboratory_events import Extended
from poets_core.runs.sql import SqlStore
from poets_core.runs.views.fold import fold
from poets_core.runs.views.ranking import (
    RankingView,
    rank_text,
    ranking_csv,
    ranking_json,
    ranking_view,
    read_ranking,
)
from tests.pages import written_experiment as we
from tests.pages.test_pages import opened, said

POLICIES = "pages/analyse/policies.py"
CLEAR = [(0, 1, "first"), (0, 2, "first"), (1, 2, "first")] * 40 + [(0, 1, "tie")]


def ranking(told: list[we.Told], names: tuple[str, ...] = we.NAMES, **more: object) -> RankingView:
    """The ranking of these comparisons."""
    experiment = Experiment(names, 0.1)
    for i, j, word in told:
        bad = word == "both-bad"
        experiment.record(Comparison(names[i], names[j], "tie" if bad else word, both_bad=bad))  # type: ignore[arg-type]
    return ranking_view(jsonable(made.ranking_of(experiment, pairs=True, **more)))  # type: ignore[arg-type]


def test_the_page_ranks_all_policies_and_says_how_sure_it_is(store: SqlStore) -> None:
    run = we.write(store, we.spec(), [*we.course(CLEAR), *we.verdict("winner", "branch 0", len(CLEAR))])
    at = opened(POLICIES, run=run)
    table = next(d.value for d in at.dataframe if "rank" in d.value)
    assert table["rank"].tolist() == ["1st", "2nd", "3rd"]
    assert table["policy"].tolist() == ["branch 0", "branch 1", "reference"]
    assert table["group"].tolist() == [1, 2, 3]
    assert table["ties"].tolist() == [1, 1, 0]
    assert "both bad" not in table
    assert "All intervals hold together" in said(at)
    assert "Every rank is certain." in said(at)


def test_ranking_by_something_else_changes_table_and_words(store: SqlStore) -> None:
    run = we.write(store, we.spec(), [*we.course(CLEAR), *we.verdict("winner", "branch 0", len(CLEAR))])
    at = opened(POLICIES, run=run)
    assert "number of policies that beat this one" in said(at)
    at.segmented_control(key=f"ranked-by-{run}").set_value("mean").run()
    assert not at.exception
    assert "preferred more often" in said(at)


def test_the_ranking_of_a_run_is_what_its_worker_reported(store: SqlStore) -> None:
    run = we.write(store, we.spec(), [*we.course(CLEAR), *we.verdict("winner", "branch 0", len(CLEAR))])
    view = fold(store.read(run)).experiment
    assert view is not None
    found = ranking_of(view)
    assert found is not None
    assert found.top("duels", 1) == (["branch 0"], ["branch 0"])
    assert found.top("duels", 2)[0] == ["branch 0", "branch 1"]


def test_a_ranking_by_a_model_says_whose_it_is_in_page_and_file(store: SqlStore) -> None:
    run = we.write(store, we.spec(), [*we.course(CLEAR), *we.verdict("winner", "branch 0", len(CLEAR))])
    view = fold(store.read(run)).experiment
    assert view is not None
    found = ranking_of(replace(view, facts={**view.facts, "judge_model": "m*"}))
    assert found is not None
    assert [n for n in notes(found) if "of people it says nothing" in n and "*" in n]
    assert read_ranking(ranking_json(found)).according_to == "m*"
    plain = ranking_of(view)
    assert plain is not None
    assert not any("people" in n for n in notes(plain))


def test_files_read_back_as_they_were() -> None:
    found = ranking([*CLEAR, (0, 1, "both-bad")], ("=cmd()", "b", "c"))
    assert read_ranking(ranking_json(found, "run")) == found
    rows = list(csv.DictReader(io.StringIO(ranking_csv(found).decode())))
    assert [r["policy"] for r in rows] == ["'=cmd()", "b", "c"]
    assert (rows[0]["both_bad"], rows[0]["ties"], rows[2]["both_bad"]) == ("1", "1", "0")
    low, mean, high = (float(rows[1][name]) for name in ("mean_low", "mean", "mean_high"))
    assert low < mean < high == found.policies[1].mean[2]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda d: d | {"format": "another"}, "format 'poets ranking 1'"),
        (lambda d: d | {"groups": {"duels": [[0, 0]], "mean": None, "bradley-terry": None}}, "groups that are not"),
        (lambda d: d | {"by": "luck"}, "ranked by 'luck'"),
        (lambda d: d | {"delta": "1e999"}, "the number 1e999"),
        (lambda d: {k: v for k, v in d.items() if k != "policies"}, "KeyError"),
        (lambda d: [d], "format"),
    ],
)
def test_a_file_that_is_no_ranking_is_refused(spoil, says) -> None:  # type: ignore[no-untyped-def]
    data = json.loads(ranking_json(ranking(CLEAR)))
    with pytest.raises(InvalidComparisons, match=says):
        read_ranking(json.dumps(spoil(data)).encode())


def test_a_chart_has_one_mark_for_each_policy_inside_its_interval() -> None:
    found = ranking(CLEAR)
    for by in found.offered():
        panel = forest(found, by, DARK)
        assert sum(len(t["x"]) for t in panel.traces) == 3
        assert all(e >= 0 for t in panel.traces for e in (*t["error_x"]["array"], *t["error_x"]["arrayminus"]))
        assert len({t["marker"]["symbol"] for t in panel.traces}) == 3  # groups differ by more than colour
        assert "branch 0 1st" in panel.alt


def test_what_nothing_bounds_is_drawn_to_the_end_and_said() -> None:
    found = ranking([(0, 1, "first")] * 3)
    panel = forest(found, "bradley-terry", LIGHT)
    assert panel.traces[0]["error_x"]["array"][0] is not None
    assert "–" in ranking_frame(found, "bradley-terry")["Bradley-Terry score"].tolist()[0]
    assert groups_text(found, "duels").startswith("**One group**")


def test_a_cycle_is_not_ranked_by_scores_and_a_pair_of_one_order_is_named() -> None:
    cycle = ranking([(0, 1, "first"), (1, 2, "first"), (2, 0, "first")] * 150)
    assert cycle.offered() == ["duels", "mean"]
    assert "contradict Bradley-Terry scores" in notes(cycle)[0]
    one = replace(ranking(CLEAR), uncertified=(("a*b", "c"),))
    assert "a\\*b and c" in notes(one)[0]


def test_ranks_are_written_as_people_say_them() -> None:
    assert [rank_text(r) for r in ((1, 1), (2, 3), (11, 12), (21, 112))] == [
        "1st",
        "2nd to 3rd",
        "11th to 12th",
        "21st to 112th",
    ]


def test_the_best_two_are_said_as_such() -> None:
    verdict = VerdictReached("top", None, 0.1, 50, ("a", "b"))
    assert sentence(verdict, None) == (
        "success",
        "The best 2 are **a** and **b** with error at most 10 %, after 50 comparisons: each is beaten by fewer than 2 "
        "others.",
    )
    assert outcome(verdict).endswith("best 2: **a** and **b**")
    metrics = {"top": {"k": 2, "delta": 0.1}, "policies": ["a", "b", "c", "d"], "left": ["a", "b", "c"]}
    open_ = sentence(None, metrics | {"comparisons": 9})[1]
    assert "among the best 2 is not **d**" in open_
    assert "which 2 of **a**, **b** or **c**" in open_
    spec = we.spec(names=("a", "b", "c", "d"))
    assert toward(metrics | {"comparisons": 9}, spec.experiment)[0] == 0.5  # type: ignore[union-attr]


def test_an_experiment_for_the_best_two_shows_its_ranking_and_no_evidence_for_one(store: SqlStore) -> None:
    run = we.write(store, we.spec(top=2), we.course(CLEAR))
    at = opened(POLICIES, run=run)
    assert [h.value for h in at.header if h.value.startswith(("Ranking", "Evidence"))] == ["Ranking"]


# -- going on ------------------------------------------------------------


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Runs for which a worker would have been started."""
    started: list[str] = []
    monkeypatch.setattr(going_on, "launch", lambda store, run: started.append(run))
    return started


def undecided(store: SqlStore, **fields: object) -> str:
    """A run that has spent its budget."""
    told = CLEAR[:3]
    verdict = we.verdict("undecided", None, 3)
    return we.write(store, we.spec(budget=3, **fields), [*we.course(told), *verdict[:-1], Finished("budget")])


def test_an_undecided_experiment_asks_how_far_to_go_on_and_sends_it(store: SqlStore, sent: list[str]) -> None:
    run = undecided(store)
    at = opened(POLICIES, run=run)
    field = at.number_input(key=f"more-budget-{run}")
    assert (field.value, field.min) == (6, 4)
    field.set_value(40).run()
    at.button(key="go-on").click().run()
    assert not at.exception
    assert sent == [run]
    assert [(c.command, dict(c.body)) for c in store.commands(run)] == [("extend", {"budget": 40, "log": ""})]
    assert store.status(run).resumable


def test_a_verdict_offers_no_going_on(store: SqlStore, sent: list[str]) -> None:
    run = we.write(store, we.spec(), [*we.course(CLEAR), *we.verdict("winner", "branch 0", len(CLEAR))])
    assert "go-on" not in {b.key for b in opened(POLICIES, run=run).button}
    with pytest.raises(InvalidInput, match="a verdict, which is final"):
        going_on.go_on(store, run, budget=4000)
    assert sent == []


def test_no_more_than_was_made_is_no_more(store: SqlStore, sent: list[str]) -> None:
    run = undecided(store)
    with pytest.raises(InvalidInput, match="more than the 3 comparisons that were made, got a budget of 3"):
        going_on.go_on(store, run, budget=3)
    with pytest.raises(InvalidInput, match="got a log"):
        going_on.go_on(store, run, log=("more.csv", b"a,b"))
    assert store.status(run).reason == "budget"


def test_what_was_added_or_refused_is_said(store: SqlStore) -> None:
    added = [
        Extended(9, 1, "more.csv", "0" * 64, 5, ("1 row is left out.",)),
        Extended(9, 2, refused="Expected *more*."),
    ]
    run = we.write(store, we.spec(budget=3), [*we.course(CLEAR[:3]), *added, Finished("budget")])
    at = opened(POLICIES, run=run)
    assert "5 further rows were added. 1 row is left out." in said(at)
    assert "Nothing was added: Expected \\*more\\*." in [w.value for w in at.warning]
    assert next(m.delta for m in at.metric if m.label == "Comparisons") == "of at most 9"
