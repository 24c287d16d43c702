"""Judge as a person meets it, without a browser: blind pairs, buttons, second opinions, undo."""

from __future__ import annotations

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from domains.entry import Named
from pages.parts.judge import desk as judge_desk
from pages.parts.judge.queue import agreed, open_for, second_for, sent
from pages.parts.judge.seats import SEAT, Seats
from poets_core.runs.doing import WAITING, Doing
from poets_core.runs.event_fields import PresentedPair
from poets_core.runs.events import Asked, Event, Failed, StateChanged, Withdrawn
from poets_core.runs.lease import Command, Lease
from poets_core.runs.sql import SqlStore
from poets_core.runs.views.fold import fold
from tests.logs import recorded
from tests.pages import written
from tests.pages import written_experiment as we
from tests.pages.test_pages import CANDIDATES, address, opened, said

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


def test_second_opinions_are_asked_for_where_double_checking_is_wanted(store: SqlStore) -> None:
    body = [*we.prepared(), we.asked(0, 0, 1), we.asked(1, 2, 0)]
    run = we.write(store, we.spec(open_pairs=2, double_check=True), body, release=False)
    worker(store, run, we.compared(0, 0, 1, "first", answer=1), we.compared(1, 2, 0, "tie", answer=2))
    assert "The next pair is being made" in said(opened(JUDGE, run=run, judge="Ada"))
    at = opened(JUDGE, run=run, judge="Bea")
    assert "Second opinion" in said(at)
    at.button(key="answer-skip").click().run()  # nobody else need know
    assert told(store, run) == []
    assert shown(at) == "1"
    at.button(key="answer-second").click().run()
    assert told(store, run) == [{"index": 1, "outcome": "second", "judge": "Bea"}]
    worker(store, run, we.compared(1, 2, 0, "second", judge="Bea", second=True, answer=3))
    at.run()
    assert "others agree with you on 0 of 1 shared pair" in said(at)
    assert shown(opened(JUDGE, run=run, judge="Cem")) == "0"  # the other one has been judged by two


def test_judges_share_the_pairs_and_nobody_is_asked_twice(store: SqlStore, run: str) -> None:
    ada, bea = (opened(JUDGE, run=run, judge=name) for name in ("Ada", "Bea"))
    assert (shown(ada), shown(bea)) == ("0", "1")
    assert "sharing with Bea" in said(ada.run())
    third = opened(JUDGE, run=run, judge="Cem")
    assert "Every open pair is with another judge (Ada, Bea)" in said(third)
    ada.button(key="answer-first").click().run()
    worker(store, run, we.compared(0, 0, 1, "first", answer=1), we.asked(2, 1, 2))
    assert shown(third.run()) == "2"  # who waits comes first
    ada.run()
    assert not [b for b in ada.button if b.key == "answer-first"]
    assert "Second opinion" not in said(bea.run()) + said(ada)


def test_a_pair_whose_answer_is_under_way_is_shown_to_nobody_else(store: SqlStore, run: str) -> None:
    """Ada's answer has been sent and not counted; she has gone on to the other pair."""
    ada = opened(JUDGE, run=run, judge="Ada")
    assert shown(ada) == "0"
    ada.button(key="answer-tie").click().run()
    assert shown(ada) == "1"
    bea = opened(JUDGE, run=run, judge="Bea")
    assert shown(bea) == "None"


def test_a_seat_is_kept_while_the_page_lives_and_given_on_when_it_is_closed() -> None:
    seats = Seats()
    assert seats.take("r", "Ada", [0, 1], None, now=0.0) == 0
    assert seats.take("r", "Bea", [0, 1], None, now=1.0) == 1
    assert seats.take("other", "Bea", [0], None, now=1.0) == 0
    assert seats.take("r", "Cem", [0, 1], None, now=2.0) is None
    assert seats.take("r", "Dan", [0, 1], None, now=3.0) is None
    assert seats.others("r", "Ada", now=3.0) == ["Bea", "Cem", "Dan"]
    assert seats.take("r", "Dan", [0, 1, 2], None, now=4.0) is None  # Cem has waited longer
    assert seats.take("r", "Cem", [0, 1, 2], None, now=4.5) == 2
    for now in (30.0, 59.0):
        seats.take("r", "Bea", [], 1, now=now)  # drawn again
    assert seats.take("r", "Eve", [0, 1], None, now=0.0 + SEAT + 1) == 0  # Ada has gone
    assert seats.take("r", "Fay", [0, 1], None, now=0.0 + SEAT + 2) is None


def test_what_goes_on_is_said_while_there_is_no_pair(store: SqlStore) -> None:
    run = we.write(store, we.spec(), we.prepared(), release=False)
    for doing, words in (
        (Doing("answer", (1, 40)), "The model still writes: response 41 of 200 to prompt 2 of 3."),
        (Doing("load", run="r"), "The models of the run are being rebuilt"),
        (WAITING, "The first pair is being made."),
    ):
        store.progress(Lease(run, 1, "w"), doing)
        text = said(opened(JUDGE, run=run, judge="Ada"))
        assert words in text
        assert "No pair is open" not in text


def test_designs_come_with_criterion_parent_and_mutations(store: SqlStore) -> None:
    info = replace(written.info(wild_type="ACDEFGHIKLMNPQ"), name="protein/landscape")
    prepared = [we.prepared()[0], replace(we.prepared()[1], info=info)]
    pair = PresentedPair(0, "branch 0", "branch 1", 0, "", ("ACDEFGHIKLMNPW", "ACDEFGHIKLMNPQ"))
    run = we.write(store, we.spec(), [*prepared, Asked((pair,))], release=False)
    at = opened(JUDGE, run=run, judge="Ada")
    text = said(at)
    assert "Which sequence is better?" in [h.value for h in at.header]
    assert "The one with the **larger quality** (in share)" in text
    assert "Parent: the design that both are compared with" in text
    assert [t.value for t in at.text if "against the parent" in t.value] == [
        "Q14W (against the parent)", "wild type (against the parent)",
    ]  # fmt: skip
    run = we.write(store, we.spec(criterion="Which is easier to express?"), [*prepared, Asked((pair,))], release=False)
    at = opened(JUDGE, run=run, judge="Ada")
    assert "Which is easier to express?" in [t.value for t in at.text]
    assert "larger quality" not in said(at)


def test_a_science_that_cannot_name_a_design_says_so_without_a_path(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def naming(design: str, **_: object) -> Named:
        raise RuntimeError("cannot open /srv/inner/deep/place/names.txt")

    monkeypatch.setattr("pages.parts.run.naming.naming_of", lambda problem: naming)
    run = we.write(store, we.spec(), [*we.prepared(), we.asked(0, 0, 1)], release=False)
    text = said(opened(JUDGE, run=run, judge="Ada"))
    assert "Naming it failed: cannot open …/place/names.txt" in text
    search = written.write(store, written.events(1))
    (rows,) = (e for e in opened(CANDIDATES, run=search).main if e.type == "bidi_component")
    assert written.candidate(0, 0).design in rows.proto.json  # a design that cannot be named is still there to read


def test_names_of_judges_are_text(store: SqlStore, run: str) -> None:
    name = "![x](http://h/i.png)"
    hostile, other = opened(JUDGE, run=run, judge=name), opened(JUDGE, run=run, judge="Ada")
    for text in (said(hostile), said(other)):
        assert name not in text
        assert "x\\]" in text


def test_failed_experiments_are_not_offered(store: SqlStore) -> None:
    run = we.write(store, we.spec(), [*we.prepared(), Failed("InvalidSpec", "no model")])
    assert "No experiment waits" in said(opened(JUDGE))
    policies = "pages/analyse/policies.py"
    for at in (opened(), opened(policies), opened(policies, run=run)):
        assert not [x for x in at.get("page_link") if x.proto.label == "Judge"]


def test_pairs_left_are_said_in_words_and_never_in_nats(store: SqlStore) -> None:
    told_so_far = [(0, 1, "first")] * 4 + [(0, 2, "first")] * 4
    body = [*we.course(told_so_far), we.asked(8, 0, 1)]
    for assumed in (True, False):
        run = we.write(store, we.spec(assume_condorcet=assumed), body, release=False)
        assert [p.proto.text for p in opened(JUDGE, run=run, judge="Ada").get("progress")] == [
            "0 of 3 policies are ruled out · about 6 more pairs, if answers go on as they have"
        ]


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
    assert [open_for(view, "Ada", w) for w in ((), (1,), (1, 2))] == [[1, 2], [2], []]
    assert second_for(view, "Ada", ()) is None
    checked = second_for(view, "Bea", ())
    assert checked is not None
    assert checked.index == 0
    assert second_for(view, "Bea", (0,)) is None
    assert agreed(view, "Ada") == (0, 0)
