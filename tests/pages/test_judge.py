"""Judge as a person meets it, without a browser: blind pairs, buttons, second opinions, undo."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from pages.parts.judge import desk as judge_desk
from pages.parts.judge.queue import agreed, next_pair, sent
from poets_core.runs.events import Event, StateChanged, Withdrawn
from poets_core.runs.lease import Command, Lease
from poets_core.runs.sql import SqlStore
from poets_core.runs.views.fold import fold
from tests.logs import recorded
from tests.pages import written_experiment as we
from tests.pages.test_pages import address, opened, said

JUDGE = "pages/analyse/judge.py"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker answers here and nobody clicks twice: nothing is worth waiting for."""
    monkeypatch.setattr(judge_desk, "PATIENCE", 0.0)
    monkeypatch.setattr(judge_desk, "SETTLE", 0.0)


@pytest.fixture
def run(store: SqlStore) -> str:
    """An experiment with two open pairs, whose worker is this process."""
    body = [*we.prepared(), we.asked(0, 0, 1), we.asked(1, 2, 0)]
    return we.write(store, we.spec(open_pairs=2), body, release=False)


def told(store: SqlStore, run: str) -> list[dict[str, object]]:
    """What the page has sent."""
    return [dict(c.body) for c in store.commands(run) if c.command == "judge"]


def worker(store: SqlStore, run: str, *events: Event) -> None:
    """Append what a worker would."""
    store.append(Lease(run, 1, "w"), list(events))


def shown(at: AppTest) -> str:
    """The pair on the screen, by what the page keeps of it."""
    return str(at.session_state[f"desk-{address(at, 'run')}-{address(at, 'judge')}"].shown)


def test_a_judge_gives_a_name_first_and_the_address_keeps_it(store: SqlStore, run: str) -> None:
    at = opened(JUDGE, run=run)
    assert not [b for b in at.button if b.key == "answer-first"]
    at.text_input(key="judge-name").set_value(" Ada ")
    next(b for b in at.button if b.label == "Start judging").click().run()
    assert not at.exception
    assert address(at, "judge") == "Ada"
    assert "You are **Ada**" in said(at)
    assert at.button(key="answer-first")
    at.button(key="change-judge").click().run()
    assert "judge" not in at.query_params


def test_the_pair_is_blind_and_in_the_order_asked(store: SqlStore, run: str) -> None:
    at = opened(JUDGE, run=run, judge="Ada")
    text = said(at) + "".join(str(c.value) for c in at.code) + "".join(b.label for b in at.button)
    for name in we.NAMES:
        assert name not in text
    images = [str(i.proto) for i in at.get("image")]
    assert "sequence ACDEFGHIKLMNPQ" in images[0]
    assert "sequence CDEFGHIKLRSTV" in images[1]
    assert "0 of 3 policies are ruled out" in str([p.proto.text for p in at.get("progress")])


def test_answers_are_sent_once_each_and_the_next_pair_follows(store: SqlStore, run: str) -> None:
    at = opened(JUDGE, run=run, judge="Ada")
    at.button(key="answer-first").click().run()
    assert told(store, run) == [{"index": 0, "outcome": "first", "judge": "Ada"}]
    assert shown(at) == "1"
    at.button(key="answer-tie").click().run()
    assert told(store, run)[1:] == [{"index": 1, "outcome": "tie", "judge": "Ada"}]
    assert "Your answer is on its way" in said(at)
    assert not [b for b in at.button if b.key == "answer-first"]
    assert store.status(run).state == "running"  # an answer steers nothing
    worker(store, run, we.compared(0, 0, 1, "first", answer=1), we.compared(1, 2, 0, "tie", answer=2))
    worker(store, run, we.asked(2, 1, 2))
    at.run()
    assert shown(at) == "2"
    assert "You have judged 2 pairs" in said(at)
    at.button(key="answer-second").click().run()
    at.button(key="answer-undo").click().run()
    assert [b["outcome"] for b in told(store, run)] == ["first", "tie", "second", "undo"]


def test_what_was_undone_is_said_once_the_worker_has_taken_it_back(store: SqlStore, run: str) -> None:
    at = opened(JUDGE, run=run, judge="Ada")
    assert not [b for b in at.button if b.key == "answer-undo"]
    at.button(key="answer-first").click().run()
    worker(store, run, we.compared(0, 0, 1, "first", answer=1))
    at.run()
    at.button(key="answer-undo").click().run()
    assert told(store, run)[-1] == {"index": -1, "outcome": "undo", "judge": "Ada"}
    assert "Taking back your last answer" in said(at)
    worker(store, run, Withdrawn(0, "Ada", 2))
    at.run()
    assert "Taken back: “A is better”, your answer to pair 0." in said(at)


def test_an_undone_pair_is_shown_again(store: SqlStore, run: str) -> None:
    at = opened(JUDGE, run=run, judge="Ada")
    at.button(key="answer-first").click().run()
    worker(store, run, we.compared(0, 0, 1, "first", answer=1))
    at.run()
    at.button(key="answer-undo").click().run()
    worker(store, run, Withdrawn(0, "Ada", 2))
    at.run()
    at.button(key="answer-skip").click().run()  # of the pair on the screen
    at.run()
    assert shown(at) in ("0", "1")
    assert {b["index"] for b in told(store, run)} <= {0, 1, -1}


def test_other_judges_are_offered_answered_pairs_as_second_opinions(store: SqlStore, run: str) -> None:
    worker(store, run, we.compared(0, 0, 1, "first", answer=1), we.compared(1, 2, 0, "tie", answer=2))
    assert "No pair is open for you" in said(opened(JUDGE, run=run, judge="Ada"))
    at = opened(JUDGE, run=run, judge="Bea")
    assert "Second opinion" in said(at)
    at.button(key="answer-skip").click().run()  # nobody else need know
    assert told(store, run) == []
    assert shown(at) == "1"
    at.button(key="answer-second").click().run()
    assert told(store, run) == [{"index": 1, "outcome": "second", "judge": "Bea"}]
    worker(store, run, we.compared(1, 2, 0, "second", judge="Bea", second=True, answer=3))
    at.run()
    assert "others agree with you on 0 of 1 shared pairs" in said(at)


def test_a_double_click_does_not_answer_the_next_pair(
    store: SqlStore, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge_desk, "SETTLE", 3600.0)
    at = opened(JUDGE, run=run, judge="Ada")
    at.button(key="answer-first").click().run()
    assert told(store, run) == []


def test_a_paused_experiment_takes_no_answers(store: SqlStore, run: str) -> None:
    worker(store, run, StateChanged("paused"))
    at = opened(JUDGE, run=run, judge="Ada")
    assert "Nothing is computed until you resume" in said(at)
    assert not [b for b in at.button if b.key == "answer-first"]


def test_the_verdict_ends_judging_and_leads_to_the_policies(store: SqlStore, run: str) -> None:
    worker(store, run, we.compared(0, 0, 1, "first", answer=1), *we.verdict("winner", "branch 0", 1))
    at = opened(JUDGE, run=run, judge="Ada")
    assert "The verdict is in" in said(at)
    assert "branch 0" not in said(at)
    assert not [b for b in at.button if b.key == "answer-first"]


def test_ways_in_and_runs_that_nobody_judges(store: SqlStore) -> None:
    assert "No experiment waits" in said(opened(JUDGE))
    run = we.write(store, we.spec("oracle"), we.prepared())
    assert "Nobody is asked to judge" in said(opened(JUDGE, run=run))
    assert "There is no run" in opened(JUDGE, run="20990101-000000-aaaa").error[0].value
    we.write(store, we.spec(), we.prepared(), release=False)
    assert "wait for people" in said(opened(JUDGE))


def test_what_is_next_follows_from_the_view_and_what_is_under_way() -> None:
    events = [*we.prepared(), we.asked(0, 0, 1), we.asked(1, 0, 2), we.asked(2, 1, 2), we.compared(0, 0, 1, "first")]
    view = fold(recorded(events)).experiment
    assert view is not None

    def command(seq: int, index: int, outcome: str, judge: str = "Ada") -> Command:
        return Command(seq, "judge", {"index": index, "outcome": outcome, "judge": judge}, 0.0, None)  # type: ignore[arg-type]

    assert sent([command(1, 1, "tie"), command(2, 2, "first", "Bea")], "Ada", view).answers == {1: "tie"}
    assert sent([command(1, 0, "tie")], "Ada", view).answers == {}  # answered already: it will be ignored
    back = sent([command(1, 1, "tie"), command(2, -1, "undo"), command(3, -1, "undo")], "Ada", view)
    assert (back.answers, back.undos) == ({1: "tie"}, 2)
    assert [next_pair(view, "Ada", w)[0] and next_pair(view, "Ada", w)[0].index for w in ((), (1,), (1, 2))] == [
        1, 2, None,
    ]  # fmt: skip
    pair, second = next_pair(view, "Bea", (1, 2))
    assert (pair is not None and pair.index, second) == (0, True)
    assert agreed(view, "Ada") == (0, 0)
