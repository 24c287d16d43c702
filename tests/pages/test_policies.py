"""Policies as a person meets it, without a browser: verdicts, empty states, files, lists, the form."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.parts.experiment.charts import evidence_bars, evidence_lines
from pages.parts.experiment.effort import saving, settled
from pages.parts.experiment.odds import odds, odds_axis
from pages.parts.experiment.settings import build_experiment
from pages.parts.experiment.tables import chosen, verdict_json
from pages.parts.experiment.verdicts import standing, title_of
from pages.parts.look import LIGHT
from pages.parts.text import plain
from poets_core.runs.events import Failed, Finished, VerdictReached
from poets_core.runs.sql import SqlStore
from poets_core.runs.views.fold import fold
from poets_core.spec import JUDGES, parse_spec
from tests.pages import written
from tests.pages import written_experiment as we
from tests.pages.test_pages import address, opened, said

POLICIES = "pages/analyse/policies.py"
WON = [(0, 1, "first"), (2, 0, "second"), (1, 2, "tie"), *[(0, 1, "first"), (0, 2, "first")] * 6]
ROBIN = {"mean": 40.0, "standard_error": 2.0, "runs": 20, "capped": 0}


def links(at: AppTest) -> list[str]:
    """Labels of the links of a page."""
    return [link.proto.label for link in at.get("page_link")]


def test_a_verdict_is_said_in_one_sentence_with_its_figures(store: SqlStore) -> None:
    run = we.write(store, we.spec(), [*we.course(WON, round_robin=ROBIN), *we.verdict("winner", "branch 0", 15)])
    at = opened(POLICIES, run=run)
    assert at.success[0].value == "**branch 0** is the best policy with error at most 30 %, after 15 comparisons."
    cards = {m.label: (m.value, m.delta) for m in at.metric}
    assert cards["Comparisons"] == ("15", "of at most 200")
    assert cards["Ties"] == ("1", "7% of them")
    assert cards["Ruled out"] == ("2 of 3", "certified")
    assert cards["Saved"] == ("62%", "round-robin: 40")
    policies = next(d.value for d in at.dataframe if "may be the best" in d.value)
    assert policies["policy"].tolist()[0] == "branch 0"
    assert policies["may be the best"].tolist() == ["yes", "ruled out", "ruled out"]
    assert policies["wins"].tolist()[0] == 14
    assert not [b for b in at.button if b.key in ("pause", "resume")]
    files = {"comparisons-csv", "ranking-csv", "ranking-json", "verdict-json"}
    assert {b.key for b in at.get("download_button")} == files


def test_no_policy_that_beats_all_others_is_a_verdict(store: SqlStore) -> None:
    at = opened(POLICIES, run=we.write(store, we.spec(), [*we.course(WON), *we.verdict("none", None, 15)]))
    assert at.success[0].value == "No policy beats all others with error at most 30 %, after 15 comparisons."


def test_a_verdict_that_is_withheld_is_nowhere_called_certified(store: SqlStore) -> None:
    why = "'branch 0' was shown first in all 15 of its rows: order of presentation and quality cannot be told apart"
    end = [VerdictReached("undecided", None, None, 15, (), "order", {}, why=why), Finished("verdict")]
    at = opened(POLICIES, run=we.write(store, we.spec(), [*we.course(WON), *end]))
    assert at.warning[0].value.startswith(
        "Undecided after 15 comparisons: no winner is certified. 'branch 0' was shown"
    )
    assert {m.label: m.delta for m in at.metric}["Ruled out"] == "by the counts alone"
    assert "it is withheld" in said(at)
    assert "the verdict is in" not in said(at)


CLEAR = [(0, 1, "first")] * 5 + [(0, 1, "second")] + [(0, 2, "first")] * 16 + [(2, 1, "second")]


def test_undecided_says_what_is_certified_what_is_not_and_what_would_settle_it(store: SqlStore) -> None:
    body = [*we.course(CLEAR, round_robin=ROBIN), *we.verdict("undecided", None, 23, ("branch 0", "branch 1"))]
    at = opened(POLICIES, run=we.write(store, we.spec(), body))
    text = at.warning[0].value
    assert text.startswith("Undecided after 23 comparisons: no winner is certified.")
    assert "Certified with error at most 30 %: the best is not **reference**." in text
    assert "Not certified: which of **branch 0** and **branch 1** is." in text
    assert re.search(r"To settle it: about \d+ more pairs of \*\*branch 0\*\* against \*\*branch 1\*\*", text)
    assert "nothing is claimed" not in said(at)
    cards = {m.label: (m.value, m.delta) for m in at.metric}
    assert cards["Saved"] == ("–", "only with a verdict")  # round-robin was simulated, and yet nothing is saved
    assert cards["Ruled out"] == ("1 of 3", "certified")
    view = fold(store.read(store.runs(kind="experiment")[0].id)).experiment
    assert view is not None
    panel = saving(view.metrics or {}, LIGHT, view.comparisons, settled=settled(view.verdict))
    assert panel.title == "Comparisons needed"
    assert "no verdict" in panel.alt


def test_one_policy_left_without_a_verdict_is_not_called_the_best(store: SqlStore) -> None:
    body = [*we.course(WON[:12]), *we.verdict("undecided", None, 12, ("branch 0",))]
    metrics = body[-3].metrics | {"left": ["branch 0"]}
    text = " ".join(standing(metrics))
    assert "if one policy beats every other, it is **branch 0**. Not certified: that it does." in text


@pytest.mark.parametrize(
    ("nats", "words"),
    [
        (0.0, "1:1"),
        (math.log(63), "63:1"),
        (math.log(2.25), "2.2:1"),
        (-math.log(4), "1:4"),
        (99.0, "over 1,000,000:1"),
    ],
)
def test_evidence_is_said_in_odds(nats: float, words: str) -> None:
    assert odds(nats) == words


def test_axes_of_evidence_have_ticks_in_odds_however_short_they_are() -> None:
    assert odds_axis(-1.0, 2.0)["ticktext"] == ["1:2", "1:1", "2:1", "5:1"]
    assert odds_axis(-3.0, 6.0)["ticktext"] == ["1:10", "1:1", "10:1", "100:1"]
    assert odds_axis(0.0, 60.0)["ticktext"] == ["1:1", "10<sup>7</sup>:1", "10<sup>14</sup>:1", "10<sup>21</sup>:1"]


def test_no_page_of_an_experiment_speaks_of_nats(store: SqlStore) -> None:
    body = we.course(WON)
    for judge in ("person", "oracle"):
        run = we.write(store, we.spec(judge, assume_condorcet=judge == "oracle"), body)
        assert "nats" not in said(opened(POLICIES, run=run))
    metrics = body[-1].metrics
    for assumed in (True, False):
        panels = [evidence_bars(metrics, LIGHT, assumed), evidence_lines(metrics, [], LIGHT, assumed)]
        panels.append(evidence_lines(metrics, [(15, metrics["evidence"], metrics["shown"])], LIGHT, assumed))
        for panel in panels:
            assert "nats" not in json.dumps([panel.title, panel.help, panel.traces, panel.layout, panel.alt])


def test_a_title_names_the_policies(store: SqlStore) -> None:
    spec = we.spec("replay", ("x", "y", "z")).model_copy(update={"label": ""})
    run = we.write(store, spec, we.course(WON[:3], ("x", "y", "z")))
    assert "Which is best: x, y or z?" in opened(POLICIES, run=run).title[0].value.replace("\\", "")
    many = we.spec("replay", tuple("abcdefg")).model_copy(update={"label": ""})
    assert title_of(many) == "Which is best: a, b, c, d and 3 more?"
    assert links(opened(POLICIES))[-1] == "**Which is best: x, y or z?**"


def test_the_list_says_who_won_and_finished_experiments_show_full_bars(store: SqlStore) -> None:
    we.write(store, we.spec(), [*we.course(WON), *we.verdict("winner", "branch 0", 15)])
    we.write(store, we.spec(), [*we.course(WON[:4]), *we.verdict("undecided", None, 4, ("branch 0",))])
    we.write(store, we.spec(), we.course(WON[:4]), release=False)
    at = opened(POLICIES)
    text = said(at)
    assert "**branch 0** won" in text
    assert "undecided" in text
    bars = [(p.proto.value, p.proto.text) for p in at.get("progress")]
    assert bars == [(2, "4 of at most 200"), (100, "4 comparisons"), (100, "15 comparisons")]
    among_runs = [(p.proto.value, p.proto.text) for p in opened().get("progress")]
    assert among_runs == [(2, "4 of 200 comparisons"), (100, "4 comparisons"), (100, "15 comparisons")]


def test_an_experiment_that_was_renamed_stands_under_its_new_name(store: SqlStore) -> None:
    run = we.write(store, we.spec(), we.course(WON[:3]))
    assert "**Which branch?**" in links(opened(POLICIES))
    store.rename(run, "Plate 7")
    assert "**Plate 7**" in links(opened(POLICIES))
    assert "**Which branch?**" not in links(opened(POLICIES))


def test_names_that_are_cut_in_the_summary_are_counted(store: SqlStore) -> None:
    at = opened(POLICIES, new="log")
    rows = "".join(f"p,policy {k},policy {k + 1},a\n" for k in range(11))
    at.file_uploader(key="log").upload(
        "log.csv", f"prompt,policy_a,policy_b,outcome\n{rows}".encode(), "text/csv"
    ).run()
    assert any(t.value.endswith("policy 7 and 4 more") for t in at.text)


def test_names_and_responses_are_text_and_never_markup(store: SqlStore) -> None:
    names = ("*bold*", "<b>x</b>", "[link](http://x)")
    body = we.course([(0, 1, "first"), (0, 2, "first")], names, "<script>alert(1)</script> *p*")
    at = opened(POLICIES, run=we.write(store, we.spec("replay", names), body))
    assert "\\*bold\\*" in at.info[0].value
    assert "<b>x</b>" not in "".join(str(e.value) for e in (*at.markdown, *at.caption, *at.info))


def test_an_experiment_that_has_not_begun_and_one_that_failed_say_so(store: SqlStore) -> None:
    run = we.write(store, we.spec("oracle"), we.prepared(), release=False)
    at = opened(POLICIES, run=run)
    assert not [e for e in at.main if e.type == "bidi_component"]  # no empty charts
    assert at.caption[0].value.startswith("Ehrlich function · 3 policies · judged by measuring")
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
        at = opened(page)
        text = said(at) + "".join(link.proto.label for link in at.get("page_link"))
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
    at.text_input(key="branches-criterion").set_value(" which would you order? ")
    at.checkbox(key="branches-double_check").set_value(True)
    at.text_input(key="experiment-label").set_value("mine").run()
    at.button(key="start-experiment").click().run()
    assert not at.exception
    (row,) = store.runs(kind="experiment")
    spec = store.spec(row.id)
    assert launched == [row.id]
    assert [(p.name, p.run, p.branch) for p in spec.experiment.policies] == [
        ("untrained model", search, -1),
        ("model 1", search, 0),
        ("model 2", search, 1),
    ]
    assert spec.problem == store.spec(search).problem
    assert (spec.experiment.judge, spec.experiment.delta, spec.experiment.assume_condorcet) == ("person", 0.2, True)
    assert (spec.label, spec.experiment.open_pairs) == ("mine", 2)
    assert (spec.experiment.criterion, spec.experiment.double_check) == ("which would you order?", True)
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
    assert any(f"{plain('{input}')} once" in e.value for e in at.error)
    assert at.button(key="start-experiment").disabled
    at.text_area(key="prompts-sum-template-0").set_value("{input}!").run()
    at.button(key="start-experiment").click().run()
    assert not at.exception
    spec = store.spec(launched[0]).experiment
    assert (spec.source, spec.task, spec.judge, spec.model) == ("prompts", "sum", "reference", "smollm2")
    assert spec.budget == 20_000  # the rule's judgements are free, and most of them are ties
    assert [(p.name, p.prompt) for p in spec.policies][::2] == [("bare", "{input}!"), ("mine", "What is {input}?")]
    assert len(spec.policies) == 3


def test_a_judge_that_the_spec_allows_is_offered(
    store: SqlStore, launched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """docs/howto/add-a-judge.md: its name, its judgement, its words; without words it stands by its name."""
    monkeypatch.setitem(JUDGES, "prompts", (*JUDGES["prompts"], "shorter"))
    radio = opened(POLICIES, new="prompts").radio(key="judge-prompts")
    rule, model = "the task's rule: the right answer wins", "a language model, asked in both orders"
    assert radio.options == [rule, "me, in the browser", model, "shorter"]


def test_a_log_is_previewed_and_its_policies_are_named(store: SqlStore, launched: list[str]) -> None:
    at = opened(POLICIES, new="log")
    assert at.button(key="start-experiment").disabled
    assert "Upload the log" in said(at)
    upload = at.file_uploader(key="log")
    upload.upload("log.csv", b"policy_a,policy_b\nx,y\n", "text/csv").run()
    assert "Expected a column that says which policy was preferred" in at.error[0].value
    assert at.button(key="start-experiment").disabled
    data = b"prompt,policy_a,policy_b,outcome\np,x,y,a\np,y,z,tie\n"
    at.file_uploader(key="log").upload("log.csv", data, "text/csv").run()
    assert "2 comparisons of 3 policies count; 1 tie." in said(at)
    at.button(key="start-experiment").click().run()
    assert not at.exception
    spec = store.spec(launched[0]).experiment
    assert [p.name for p in spec.policies] == ["x", "y", "z"]
    assert spec.mapping.words == {"a": "first", "tie": "tie"}
    assert Path(spec.log).read_bytes() == data
