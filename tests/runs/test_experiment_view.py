"""Folding an experiment's events: any split gives the same view, and the numbers are those of a plain recount."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poets_core.errors import InvalidComparisons
from poets_core.runs.answers import read_answer
from poets_core.runs.event_fields import PresentedPair, jsonable
from poets_core.runs.events import (
    Asked,
    Compared,
    Prepared,
    Recorded,
    Skipped,
    Updated,
    VerdictReached,
    Withdrawn,
)
from poets_core.runs.export import comparisons_csv
from poets_core.runs.status import RunStatus
from poets_core.runs.views.experiment import MOST_POINTS
from poets_core.runs.views.fold import RunView, fold, summary
from tests.logs import claimed, recorded

STATUS = RunStatus("running", "", "", 1, "w", "h", 1, 0.0, 0.0, "")
NAMES = ("a", "b", "c")


def prepared() -> Prepared:
    facts = {"policies": [{"name": n} for n in NAMES], "judge": "person", "warnings": ["careful"]}
    return Prepared(None, experiment=facts)


def asked(*indices: int) -> Asked:
    return Asked(
        tuple(PresentedPair(i, NAMES[i % 3], NAMES[(i + 1) % 3], i, f"p{i}", (f"={i}", f"r{i}")) for i in indices)
    )


def compared(index: int, outcome: str, judge: str = "j", answer: int | None = 1, second: bool = False) -> Compared:
    first, other = NAMES[index % 3], NAMES[(index + 1) % 3]
    return Compared(index, first, other, outcome, judge, answer, second, {"n": index})  # type: ignore[arg-type]


def updated(n: int) -> Updated:
    metrics = {"comparisons": n, "evidence": [0.1 * n, 0.0, None], "shown": [0.0, 1.0, 2.0], "left": ["a"]}
    return Updated(n, metrics, seconds=0.1)


@st.composite
def logs(draw: Any) -> list[Recorded]:
    """A log that a worker could write: answers, second opinions, undos and skips in any possible order."""
    events, state, asked_so_far, counted = [claimed()], {}, 0, 0
    events.append(prepared())
    for n in range(1, draw(st.integers(1, 40))):
        open_ = [i for i, said in state.items() if said is not None and not said]
        done = [i for i, said in state.items() if said]
        what = draw(st.sampled_from(["ask", "answer", "second", "undo", "skip"]))
        if what == "answer" and open_:
            i = draw(st.sampled_from(open_))
            state[i] = {"j": draw(st.sampled_from(["first", "second", "tie"]))}
            counted += 1
            events += [compared(i, state[i]["j"], "j", n), updated(counted)]
        elif what == "second" and done and "k" not in state[i := draw(st.sampled_from(done))]:
            state[i]["k"] = draw(st.sampled_from(["first", "second", "tie"]))
            events.append(compared(i, state[i]["k"], "k", n, True))
        elif what == "undo" and done:
            i = draw(st.sampled_from(done))
            state[i] = {}
            counted -= 1
            events.append(Withdrawn(i, "j", n))
        elif what == "skip" and open_:
            i = draw(st.sampled_from(open_))
            state[i] = None
            events.append(Skipped(i, "j", n))
        elif what == "ask":
            more = range(asked_so_far, asked_so_far + draw(st.integers(1, 3)))
            asked_so_far = more.stop
            state |= {i: {} for i in more}
            events.append(asked(*more))
    return recorded(events)


@settings(max_examples=200, deadline=None)
@given(logs(), st.lists(st.integers(0, 60), max_size=4))
def test_any_split_gives_the_same_view(events: list[Recorded], cuts: list[int]) -> None:
    whole, view, last = fold(events), RunView(), 0
    for cut in [*sorted(cuts), len(events)]:
        before, kept = view, copy.deepcopy(view)
        view = fold(events[last : max(cut, last)], view)
        assert before == kept  # the view that was handed in is not changed
        last = max(cut, last)
    assert view == whole


@settings(max_examples=200, deadline=None)
@given(logs())
def test_numbers_agree_with_a_plain_recount(events: list[Recorded]) -> None:
    view = fold(events).experiment
    assert view is not None
    said: dict[int, str] = {}
    skipped, handed = set(), []
    for e in events:
        if e.kind == "asked":
            handed += [p.index for p in e.event.pairs]
        elif e.kind == "compared" and not e.event.second_opinion:
            said[e.event.index] = e.event.outcome
        elif e.kind == "withdrawn":
            del said[e.event.index]
        elif e.kind == "skipped":
            skipped.add(e.event.index)
    assert view.comparisons == len(said)
    assert view.ties == sum(word == "tie" for word in said.values())
    assert [p.index for p in view.open] == [i for i in handed if i not in said and i not in skipped]
    assert {p.index: p.outcome for p in view.pairs.values() if p.outcome} == said
    answers = [e.event.answer for e in events if e.kind in ("compared", "withdrawn", "skipped")]
    assert view.answered == max(answers, default=0)


def test_history_keeps_few_points_and_the_last() -> None:
    events = [prepared(), *(updated(n) for n in range(1, 3000))]
    view = fold(recorded(events)).experiment
    assert view is not None
    assert MOST_POINTS / 2 <= len(view.history) <= MOST_POINTS
    assert view.history[0][0] == 1
    assert view.history[-1][0] == 2999
    counts = [n for n, _, _ in view.history]
    assert counts == sorted(set(counts))


def test_agreement_is_cohens_kappa() -> None:
    """By hand: 4 of 5 equal; chance .6 * .4 + .4 * .6 = .48, kappa (.8 - .48) / (1 - .48)."""
    one, other = ["first", "first", "first", "second", "second"], ["first", "first", "second", "second", "second"]
    events = [prepared(), asked(*range(5))]
    events += [compared(i, word) for i, word in enumerate(one)]
    events += [compared(i, word, "k", 9, True) for i, word in enumerate(other)]
    view = fold(recorded(events)).experiment
    assert view is not None
    (found,) = view.agreement()
    assert (found.judges, found.pairs, found.equal) == (("j", "k"), 5, 0.8)
    assert found.kappa == pytest.approx(0.32 / 0.52)
    assert view.judges == {"j": 5, "k": 5}
    assert view.comparisons == 5


def test_a_withdrawn_answer_leaves_the_other_judges_opinion() -> None:
    events = [prepared(), asked(0), compared(0, "first"), compared(0, "tie", "k", 2, True)]
    events.append(Withdrawn(0, "j", 3))
    view = fold(recorded(events)).experiment
    assert view is not None
    assert [p.index for p in view.open] == [0]
    assert view.pairs[0].opinions == {"k": "tie"}
    assert (view.comparisons, view.pairs[0].outcome, view.answered) == (0, None, 3)


def test_summary_and_csv() -> None:
    verdict = VerdictReached("winner", "a", 0.1, 1, ("a",))
    view = fold(recorded([prepared(), asked(0), compared(0, "first"), updated(1), verdict]))
    found = jsonable(summary(view, STATUS))
    assert (found["state"], found["comparisons"], found["ties"], found["left"]) == ("running", 1, 0, ["a"])
    assert found["verdict"] == verdict.to_json()
    assert view.calls == 1
    assert view.experiment is not None
    lines = comparisons_csv(view.experiment).decode().splitlines()
    assert lines[1].startswith("0,a,b,first,j,False,0,p0,'=0,r0")  # a spreadsheet would take =0 for a formula


@pytest.mark.parametrize(
    "body",
    [
        {"index": 0, "outcome": "draw", "judge": "j"},
        {"index": 0, "judge": "j"},
        {"index": 0, "outcome": "tie", "judge": " "},
        {"index": 0, "outcome": "tie", "judge": "j" * 81},
        {"index": -1, "outcome": "tie", "judge": "j"},
        {"index": True, "outcome": "tie", "judge": "j"},
        {"index": "0", "outcome": "tie", "judge": "j"},
    ],
)
def test_what_is_no_answer_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(InvalidComparisons, match="Expected"):
        read_answer(body)
