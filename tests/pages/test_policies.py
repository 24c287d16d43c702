"""Policies as a person meets it, without a browser: verdicts, empty states, files, lists, the form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pages.parts.experiment.settings import build_experiment
from pages.parts.experiment.tables import chosen, verdict_json
from poets_core.runs.events import Failed, Finished
from poets_core.runs.sql import SqlStore
from poets_core.runs.views.fold import fold
from poets_core.spec import parse_spec
from tests.pages import written
from tests.pages import written_experiment as we
from tests.pages.test_pages import address, opened, said

POLICIES = "pages/analyse/policies.py"
WON = [(0, 1, "first"), (2, 0, "second"), (1, 2, "tie"), *[(0, 1, "first"), (0, 2, "first")] * 6]
ROBIN = {"mean": 40.0, "standard_error": 2.0, "runs": 20, "capped": 0}


def test_a_verdict_is_said_in_one_sentence_with_its_figures(store: SqlStore) -> None:
    run = we.write(store, we.spec(), [*we.course(WON, round_robin=ROBIN), *we.verdict("winner", "branch 0", 15)])
    at = opened(POLICIES, run=run)
    assert at.success[0].value == "**branch 0** is the best policy with error at most 30 %, after 15 comparisons."
    cards = {m.label: (m.value, m.delta) for m in at.metric}
    assert cards["Comparisons"] == ("15", "of at most 200")
    assert cards["Ties"] == ("1", "7% of them")
    assert cards["Excluded"] == ("2 of 3", "")
    assert cards["Saved"] == ("62%", "round-robin: 40")
    policies = next(d.value for d in at.dataframe if "may be the winner" in d.value)
    assert policies["policy"].tolist()[0] == "branch 0"
    assert policies["may be the winner"].tolist() == ["yes", "excluded", "excluded"]
    assert policies["wins"].tolist()[0] == 14
    assert not [b for b in at.button if b.key in ("pause", "resume")]
    assert {b.key for b in at.get("download_button")} == {"comparisons-csv", "verdict-json"}


@pytest.mark.parametrize(
    ("kind", "left", "sentence"),
    [
        ("none", (), "No policy beats all others with error at most 30 %, after 15 comparisons."),
        (
            "undecided",
            ("branch 0", "reference"),
            "Undecided after 15 comparisons: nothing is claimed. Still possible: **branch 0**, **reference**.",
        ),
    ],
)
def test_verdicts_without_a_winner_claim_none(store: SqlStore, kind: str, left: tuple[str, ...], sentence: str) -> None:
    at = opened(POLICIES, run=we.write(store, we.spec(), [*we.course(WON), *we.verdict(kind, None, 15, left)]))
    assert sentence in [e.value for e in (*at.success, *at.warning)]


def test_names_and_responses_are_text_and_never_markup(store: SqlStore) -> None:
    names = ("*bold*", "<b>x</b>", "[link](http://x)")
    body = we.course([(0, 1, "first"), (0, 2, "first")], names, "<script>alert(1)</script> *p*")
    at = opened(POLICIES, run=we.write(store, we.spec("replay", names), body))
    assert "\\*bold\\*" in at.info[0].value
    assert "<b>x</b>" not in "".join(str(e.value) for e in (*at.markdown, *at.caption, *at.info))


def test_an_experiment_that_has_not_begun_and_one_that_failed_say_so(store: SqlStore) -> None:
    run = we.write(store, we.spec("oracle"), we.prepared(), release=False)
    at = opened(POLICIES, run=run)
    assert "No verdict yet: nothing has been compared." in said(at)
    assert at.button(key="pause")
    at.button(key="pause").click().run()
    assert [c.command for c in store.commands(run)] == ["pause"]
    assert "pausing" in said(at)
    wrong = "Expected outcome a, b or tie in row 17, got 'draw'."
    failed = [we.prepared()[0], Failed("InvalidComparisons", wrong)]
    at = opened(POLICIES, run=we.write(store, we.spec("replay"), failed))
    assert "row 17" in at.error[0].value
    assert at.button(key="resume")


def test_warnings_of_the_worker_are_shown(store: SqlStore) -> None:
    body = we.prepared(warnings=["The response shown first wins 62 % of the time."])
    at = opened(POLICIES, run=we.write(store, we.spec("oracle"), body))
    assert any("shown first wins 62 %" in w.value for w in at.warning)


def test_judges_agreement_counts_second_opinions_only(store: SqlStore) -> None:
    body = we.course(WON[:4])
    body += [we.compared(n, *WON[n][:2], word, judge="Bea", second=True) for n, word in ((0, "first"), (1, "first"))]
    run = we.write(store, we.spec(), body, release=False)
    at = opened(POLICIES, run=run)
    table = next(d.value for d in at.dataframe if "Cohen's κ" in d.value)
    assert table["pairs"].tolist() == [2]
    assert table["same answer"].tolist() == [50.0]
    assert {m.label: m.value for m in at.metric}["Comparisons"] == "4"
    view = fold(store.read(run)).experiment
    assert view is not None
    assert [p.index for p in chosen(view, "split")] == [1]


def test_the_list_of_comparisons_is_filtered(store: SqlStore) -> None:
    run = we.write(store, we.spec(), we.course(WON))
    at = opened(POLICIES, run=run)
    table = next(d.value for d in at.dataframe if "shown as A" in d.value)
    assert table["pair"].tolist() == list(range(14, -1, -1))
    assert table["preferred"].tolist()[-3:] == ["tie", "branch 0", "branch 0"]
    at.selectbox(key=f"show-{run}").set_value("ties").run()
    assert next(d.value for d in at.dataframe if "shown as A" in d.value)["pair"].tolist() == [2]


def test_the_verdict_file_recomputes_the_verdict(store: SqlStore) -> None:
    run = we.write(store, we.spec(), [*we.course(WON), *we.verdict("winner", "branch 0", 15)])
    view = fold(store.read(run)).experiment
    assert view is not None
    data = json.loads(verdict_json(view, store.spec(run), run))
    assert data["verdict"]["policy"] == "branch 0"
    again = we.metrics(data["metrics"]["policies"], WON, data["run_spec"]["experiment"]["delta"])
    for name in ("wins", "evidence", "shown", "left", "evidence_threshold", "shown_threshold"):
        assert data["metrics"][name] == again[name], name
    assert parse_spec(data["run_spec"]) == store.spec(run)


def test_experiments_are_listed_here_and_among_the_runs(store: SqlStore) -> None:
    assert "No experiment yet" in said(opened(POLICIES))
    run = we.write(store, we.spec(), we.course(WON[:3]), release=False)
    for page in (POLICIES, ""):
        text = said(opened(page))
        assert "Which branch?" in text
        assert run[-4:] in text
    at = opened("pages/search/live.py", run=run)
    assert "error at most 30 %" in said(at)  # Live leads to the page of the experiment


def test_a_search_is_no_experiment(store: SqlStore) -> None:
    at = opened(POLICIES, run=written.write(store, written.events(1)))
    assert "a search, not an experiment" in said(at)


def test_the_branches_of_a_finished_run_are_compared(store: SqlStore, launched: list[str]) -> None:
    at = opened(POLICIES, new="branches")
    assert "No finished run yet" in said(at)
    assert at.button(key="start-experiment").disabled
    search = written.write(store, [*written.events(1), Finished("budget")], label="s")
    other = written.write(store, [*written.events(1), Finished("budget")], label="t")
    at = opened(POLICIES, new="branches", **{"from": search})
    assert at.selectbox(key="experiment-run").value == search != other
    at.radio(key="judge-branches").set_value("person").run()
    at.text_input(key="branches-delta").set_value("0.2")
    at.checkbox(key="branches-assume_condorcet").set_value(True)
    at.text_input(key="experiment-label").set_value("mine").run()
    at.button(key="start-experiment").click().run()
    assert not at.exception
    (row,) = store.runs(kind="experiment")
    spec = store.spec(row.id)
    assert launched == [row.id]
    assert [(p.name, p.run, p.branch) for p in spec.experiment.policies] == [
        ("reference", search, -1),
        ("branch 0", search, 0),
        ("branch 1", search, 1),
    ]
    assert spec.problem == store.spec(search).problem
    assert (spec.experiment.judge, spec.experiment.delta, spec.experiment.assume_condorcet) == ("person", 0.2, True)
    assert (spec.label, spec.experiment.open_pairs) == ("mine", 2)
    assert address(at, "run") == row.id


def test_mistakes_stand_beside_the_fields_and_nothing_starts(store: SqlStore, launched: list[str]) -> None:
    search = written.write(store, [*written.events(1), Finished("budget")])
    at = opened(POLICIES, new="branches")
    at.text_input(key="branches-delta").set_value("0.0").run()
    assert any("above 0" in e.value for e in at.error)
    assert at.button(key="start-experiment").disabled
    at.text_input(key="branches-delta").set_value("0.1")
    at.multiselect(key=f"branches-{search}").set_value([0]).run()
    assert any("at least 2" in e.value for e in at.error)
    assert store.runs(kind="experiment") == []


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        ({"delta": 0.0}, "experiment.delta", "above 0, got 0.0."),
        ({"policies": [{"name": "a", "prompt": "{input}"}]}, "experiment.policies", "at least 2 items"),
        (
            {"policies": [{"name": n, "prompt": "{input}"} for n in ("a", "")]},
            "experiment.policies.1.name",
            "at least 1 character",
        ),
        ({"policies": [{"name": n, "prompt": "no place"} for n in "ab"]}, "experiment.policies", "{input} once"),
        ({"policies": [{"name": "a", "prompt": "{input}"}] * 2}, "experiment.policies", "more than once"),
        ({"judge": "person", "open_pairs": 9}, "experiment.open_pairs", "1 to 8"),
        ({"model": ""}, "experiment.model", "a task and a model"),
        ({"task": ""}, "experiment.task", "a task and a model"),
        ({"judge": "oracle"}, "experiment.judge", "judge 'reference' or 'person'"),
    ],
)
def test_what_is_wrong_has_its_place(change: dict[str, object], path: str, words: str) -> None:
    good = {"source": "prompts", "judge": "reference", "task": "sum", "policies": [
        {"name": n, "prompt": "{input}"} for n in "ab"
    ]}  # fmt: skip
    spec, errors = build_experiment(good)
    assert spec is not None
    assert errors == {}
    spec, errors = build_experiment(good | change)
    assert spec is None
    assert list(errors) == [path]
    assert words in errors[path]


def test_prompts_are_edited_added_and_removed(store: SqlStore, launched: list[str]) -> None:
    at = opened(POLICIES, new="prompts")
    at.selectbox(key="task").set_value("sum").run()
    at.button(key="prompts-sum-add").click().run()
    at.text_area(key="prompts-sum-template-3").set_value("What is {input}?")
    at.text_input(key="prompts-sum-name-3").set_value("mine")
    at.button(key="prompts-sum-remove-1").click().run()
    at.text_area(key="prompts-sum-template-0").set_value("nothing").run()
    assert any("input" in e.value and "once" in e.value for e in at.error)
    assert at.button(key="start-experiment").disabled
    at.text_area(key="prompts-sum-template-0").set_value("{input}!").run()
    at.button(key="start-experiment").click().run()
    assert not at.exception
    spec = store.spec(launched[0]).experiment
    assert (spec.source, spec.task, spec.judge, spec.model) == ("prompts", "sum", "reference", "smollm2")
    assert spec.budget == 20_000  # the rule's judgements are free, and most of them are ties
    assert [(p.name, p.prompt) for p in spec.policies][::2] == [("bare", "{input}!"), ("mine", "What is {input}?")]
    assert len(spec.policies) == 3


def test_a_log_is_previewed_and_its_policies_are_named(store: SqlStore, launched: list[str]) -> None:
    at = opened(POLICIES, new="log")
    assert at.button(key="start-experiment").disabled
    assert "Upload the log" in said(at)
    upload = at.file_uploader(key="log")
    upload.upload("log.csv", b"policy_a,policy_b\nx,y\n", "text/csv").run()
    assert "Add or rename: prompt, outcome" in at.error[0].value
    data = b"prompt,policy_a,policy_b,outcome\np,x,y,a\np,y,z,tie\n"
    at.file_uploader(key="log").upload("log.csv", data, "text/csv").run()
    assert "2 comparisons of 3 policies" in said(at)
    at.button(key="start-experiment").click().run()
    assert not at.exception
    spec = store.spec(launched[0]).experiment
    assert [p.name for p in spec.policies] == ["x", "y", "z"]
    assert Path(spec.log).read_bytes() == data
