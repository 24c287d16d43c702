"""Learn as a person meets it, without a browser: the answer first, panels, answers as text, empty states, the form."""

from __future__ import annotations

import csv
import io
import os
from dataclasses import replace
from typing import Any

import pytest

from pages.parts.look import DARK, LIGHT
from pages.parts.rewards import charts
from pages.parts.rewards.settings import build_rewards, effort, shown_settings, starting
from pages.parts.rewards.take import figures_csv
from pages.parts.rewards.verdict import past_best, verdict
from poets_core.runs import process
from poets_core.runs.artifacts import write_atomic
from poets_core.runs.event_fields import VerdictFacts
from poets_core.runs.events import ArtifactMade, ContestPlayed, Failed, Finished
from poets_core.runs.sql import SqlStore
from poets_core.runs.views.fold import fold
from poets_core.spec import TaskSettings, TaskSpec
from poets_core.spec.reward_settings import READ_BY, TITLES
from tests.pages import written_rewards as wr
from tests.pages.test_pages import address, opened, said

LEARN = "pages/search/learn.py"


def view_of(store: SqlStore, shares: list[float], **more: Any) -> Any:
    return fold(store.read(wr.write(store, wr.events(shares, **more))))


def test_the_answer_comes_first_with_what_it_is_measured_by(store: SqlStore) -> None:
    run = wr.write(store, [*wr.events([0.2, 0.3, 0.4, 0.44]), Finished("budget")])
    at = opened(LEARN, run=run)
    # 100 answers of each level: (0.44 + 0.22) / 2 now, (0.12 + 0.06) / 2 before
    assert at.subheader[0].value.startswith(
        "33 % of the answers to 50 held-out prompts are right after 4 rounds, 9 % of the untrained model's: 24"
    )
    cards = {m.label: (m.value, m.delta) for m in at.metric}
    assert cards["Held-out solved"] == ("33 %", "untrained 9 %")
    assert cards["Held-out reward"] == ("0.33", "untrained 0.09")
    assert cards["Gap"][0] == "0.21"
    assert cards["Answers learnt from"] == ("256", "of 256")
    assert cards["All-equal groups"] == ("25 %", "of the last round")
    text = said(at)
    assert "8 prompts were read" in text
    titles = {h.value for h in at.header}
    assert {"Reward: learnt or learnt by heart", "Solved, by difficulty", "Answers, side by side", "Export"} <= titles
    assert {"figures-csv", "answers-csv"} <= {b.key for b in at.get("download_button")}


def test_answers_are_text_and_stand_beside_the_untrained_one(store: SqlStore) -> None:
    at = opened(LEARN, run=wr.write(store, [*wr.events([0.3]), Finished("budget")]))
    texts = [t.value for t in at.text]
    assert texts[:4] == ["gcd 12 18=", "4", "**6** <b>x</b>", "2"]
    markdown = "".join(m.value for m in at.markdown)
    assert "<b>x</b>" not in markdown
    assert "half of it" in said(at)
    at.selectbox(key=f"sample-{address(at, 'run')}").set_value(1).run()
    assert "(an empty answer)" in [t.value for t in at.text]
    assert "no idea" in said(at)


@pytest.mark.parametrize(
    ("shares", "untrained", "begins"),
    [
        ([], None, "Nothing is judged yet."),
        ([], 0.12, "The untrained model solves 9 % of the 50 held-out prompts."),
        ([0.13], 0.12, "10 % of the answers"),
    ],
)
def test_before_there_is_much_to_say(store: SqlStore, shares: list[float], untrained: Any, begins: str) -> None:
    at = opened(LEARN, run=wr.write(store, wr.events(shares, untrained)))
    assert at.subheader[0].value.startswith(begins)
    assert ("may be chance" in at.subheader[0].value) == bool(shares)


def test_a_run_that_is_past_its_best_says_so(store: SqlStore) -> None:
    fell, rose = (view_of(store, shares) for shares in ([0.2, 0.9, 0.3], [0.2, 0.3, 0.9]))
    assert "after 2 rounds" in past_best(fell.rewards, fell.rounds)
    assert past_best(rose.rewards, rose.rounds) == ""


def test_what_the_verifier_could_not_tell_is_said_with_its_reason(store: SqlStore) -> None:
    body = wr.events([0.3], unknown=5, unknown_why={"it crashed": 5})
    at = opened(LEARN, run=wr.write(store, body))
    assert any("could not tell of 5 of 64 answers" in w.value and "it crashed" in w.value for w in at.warning)


def test_a_failed_run_says_what_to_do(store: SqlStore) -> None:
    body = [*wr.events([]), Failed("InvalidInput", "Expected rewards, got none. Mend the verifier.")]
    at = opened(LEARN, run=wr.write(store, body))
    assert "Mend the verifier" in at.error[0].value
    assert any(b.key == "resume" for b in at.button)


def test_live_leads_to_learn_and_learn_shows_no_search(store: SqlStore) -> None:
    run = wr.write(store, wr.events([0.3]))
    at = opened("pages/search/live.py", run=run)
    assert at.subheader[0].value.startswith("22 % of the answers")
    from tests.pages import written

    at = opened(LEARN, run=written.write(store, written.events(1)))
    assert "does not learn from rewards" in at.info[0].value
    at = opened()
    assert "learns from rewards" in said(at)


@pytest.mark.parametrize("look", [LIGHT, DARK])
def test_panels_show_what_the_rounds_say(store: SqlStore, look: Any) -> None:
    view = view_of(store, [0.2, 0.3])
    rewards, rounds = view.rewards, view.rounds
    panel = charts.reward(rewards, rounds, look)
    by = {t["name"]: t for t in panel.traces}
    assert by["held-out prompts"]["x"] == [0, 1, 2]
    assert by["held-out prompts"]["y"] == pytest.approx([0.09, 0.15, 0.225])
    assert by["gap"]["y"] == pytest.approx([0.13, 0.15, 0.175])
    bars = charts.solved(rewards, rounds, look)
    assert bars.traces[0]["x"] == ["level 2", "level 10"]  # by number, not by letter
    assert bars.traces[1]["y"] == pytest.approx([30, 15])
    assert charts.distance(rewards, rounds, look).traces[0]["y"] == [0.5, 0.5]
    assert charts.divergence(rewards, rounds, look, 2).traces[0]["y"] == [0.2, 0.2]
    assert "trains one model" in charts.divergence(rewards, rounds, look, 1).alt
    assert charts.lessons(rounds, look).traces[0]["y"] == [25, 25]
    assert {len({t["line"]["dash"] for t in p.traces}) for p in (panel,)} == {3}


def test_panels_without_anything_say_why() -> None:
    from poets_core.runs.views.rewards import RewardsView

    nothing = RewardsView()
    for draw in (charts.reward, charts.distance, charts.solved):
        assert draw(nothing, [], LIGHT).traces == []
    assert "not judged" in charts.divergence(nothing, [], LIGHT, 4).alt
    assert "Nothing is judged yet" in verdict(nothing, [])


def test_figures_leave_as_a_table(store: SqlStore) -> None:
    rows = list(csv.DictReader(io.StringIO(figures_csv(view_of(store, [0.2, 0.3])).decode())))
    assert [r["round"] for r in rows] == ["0", "1", "2"]
    assert float(rows[2]["held_out_solved[10]"]) == pytest.approx(0.15)
    assert rows[0]["answers"] == ""


@pytest.mark.parametrize("method", TITLES)
def test_a_method_shows_the_settings_it_reads(method: str) -> None:
    names = {s.name for advanced in (False, True) for s in shown_settings(method, advanced=advanced)}
    assert names == {n for n in starting(method) if n != "method" and method in READ_BY.get(n, (method,))}
    task = {"name": "text/tiny", "params": {"task": "gcd"}}
    spec, wrong = build_rewards(task, {"rewards": starting(method), "backbone": {}, "given": {}})
    assert wrong == {}
    assert spec is not None
    assert effort(spec).learnt == spec.answers


@pytest.mark.parametrize(
    ("task", "rewards", "field"),
    [
        ({"name": "text/tiny", "params": {}}, {}, "task.params.task"),
        ({"name": "text/tiny", "params": {"task": "gcd", "train": -1}}, {}, "task.params.train"),
        ({"name": "text/tiny", "params": {"task": "gcd"}}, {"beta": None}, "rewards.beta"),
        (None, {}, "task"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(task: Any, rewards: dict[str, Any], field: str) -> None:
    spec, wrong = build_rewards(task, {"rewards": starting("poets") | rewards, "backbone": {}, "given": {}})
    assert spec is None
    assert field in wrong


def test_the_form_starts_what_was_looked_at_and_nothing_else(
    store: SqlStore, launched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[Any] = []

    def look(spec: Any) -> tuple[dict[str, str], list[str]]:
        looks.append(spec)
        return (
            ({"rewards.max_tokens": "Expected prompts that leave room, got one."}, []) if len(looks) == 1 else ({}, [])
        )

    monkeypatch.setattr("pages.parts.rewards.form.examined", look)
    at = opened(LEARN)
    at.text_input(key="learn-poets-rounds").set_value("3").run()
    at.button(key="learn-start").click().run()
    assert not at.exception
    assert any("leave room" in e.value for e in at.error)
    assert launched == []
    assert store.runs(kind=None) == []
    assert at.button(key="learn-start").disabled
    at.text_input(key="learn-poets-max_tokens").set_value("20").run()
    at.button(key="learn-start").click().run()
    (row,) = store.runs(kind="rewards")
    assert launched == [row.id]
    spec = store.spec(row.id)
    assert (spec.rewards.rounds, spec.rewards.max_tokens, spec.task.params["task"]) == (3, 20, "chain_sum")
    assert address(at, "run") == row.id


def test_a_page_names_no_program_to_run(store: SqlStore) -> None:
    at = opened(LEARN, task="text/own")
    assert not [t for t in at.text_input if "Verifier" in (t.help or "")]
    assert "only in a spec file" in said(at)
    assert at.button(key="learn-start").disabled


def test_a_difference_is_as_sure_as_its_pairs_of_prompts_are(store: SqlStore) -> None:
    """The same shares: every prompt a little better is no chance, some much better and others worse may be."""
    steady = wr.learnt(0.3, held_out_right=[0.2 + 0.01 * (k % 3) for k in range(50)])
    mixed = wr.learnt(0.3, held_out_right=[float(k % 2) for k in range(50)])
    view = view_of(store, [0.3])
    before = view.rewards.untrained | {"held_out_right": [0.05] * 50}
    rewards = replace(view.rewards, untrained=before)
    said = [verdict(rewards, [replace(view.rounds[0], metrics=m)]) for m in (steady, mixed)]
    assert "give or take less than 1 (95 %)" in said[0]
    assert "give or take 14 (95 %)" in said[1]


@pytest.mark.parametrize(("way", "merged"), [("each", False), ("mean", True), ("winner", False)])
def test_models_are_prepared_by_a_worker(store: SqlStore, launched: list[str], way: str, merged: bool) -> None:
    run = wr.write(store, [*wr.events([0.3]), Finished("budget")])
    at = opened(LEARN, run=run)
    at.selectbox(key=f"way-{run}").set_value(way).run()
    if merged:
        at.checkbox(key=f"merged-{run}").set_value(True).run()
    at.button(key="prepare").click().run()
    assert not at.exception
    (task,) = launched
    made = store.spec(task).task
    assert (made.name, made.run, made.way, made.merged) == ("deploy", run, way, merged)
    assert address(at, "export") == task
    assert any("Rebuilding the models" in i.value for i in at.info)


def test_a_deployment_is_offered_with_what_was_found(store: SqlStore, launched: list[str]) -> None:
    run = wr.write(store, [*wr.events([0.3]), Finished("budget")])
    task = store.create(TaskSpec(task=TaskSettings(name="deploy", run=run, way="winner")))
    lease = store.claim(task, "w", os.getpid(), process.started(os.getpid()))
    assert lease is not None
    checksum = write_atomic(store.folder(task) / "artifacts" / "m.zip", b"models")
    won = VerdictFacts("winner", "branch 1", 0.1, 70, ("branch 1",))
    store.append(
        lease,
        [
            ContestPlayed(0, 140, (), {}, won),
            ArtifactMade("m.zip", "application/zip", "artifacts/m.zip", checksum, 1, 1, 2e-6, run, "peft"),
            Finished("task"),
        ],
    )
    store.release(lease)
    at = opened(LEARN, run=run, export=task)
    assert "Model 2 is the best, with error at most 10 %, after 70 comparisons" in at.success[0].value
    assert f"download-{task}" in {b.key for b in at.get("download_button")}


def test_graded_rewards_that_nobody_gets_in_full_are_said_as_means(store: SqlStore) -> None:
    view = view_of(store, [0.0], untrained=0.0, held_out_reward=0.43)
    rewards = replace(view.rewards, untrained=view.rewards.untrained | {"held_out_reward": 0.31})
    said = "The mean reward on 50 held-out prompts is 0.43 after 1 round, 0.31 of the untrained model."
    assert verdict(rewards, view.rounds) == said
