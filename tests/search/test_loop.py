"""The round, written once: its order, what is charged, a round taken up again, and a search played by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from poets_core.errors import InvalidInput
from poets_core.keyed import rng_for
from poets_core.search.loop import (
    Asked,
    Asking,
    Ended,
    Evaluated,
    Evaluating,
    Pending,
    Step,
    Updated,
    Updating,
    observations,
    play,
)
from poets_core.spec import Budget
from poets_core.types import Evaluation
from tests.worker.fake import Digits, FakeSearch, fake_spec


def steps_of(rounds: int = 2, batch: int = 7, problem: Digits | None = None, **more: Any) -> list[Step]:
    search = more.pop("search", None) or FakeSearch(fake_spec())
    return list(play(search, problem or Digits(noise=0.3), budget=Budget(rounds=rounds, batch=batch), seed=0, **more))


def test_a_round_goes_ask_evaluate_tell_update() -> None:
    kinds = [type(s) for s in steps_of()]
    one = [Asking, Asked, *[Evaluating, Evaluated] * 3, Updating, Updated]  # seven candidates in chunks of three
    assert kinds == [*one, *one, Ended]


def test_nothing_happens_before_the_step_that_announces_it() -> None:
    """Whoever leaves at a step leaves a search that did not do it yet."""
    search, asked = FakeSearch(fake_spec()), []
    problem = Digits()
    evaluate = problem.oracle.evaluate
    problem.oracle.evaluate = lambda *a, **k: asked.append(a) or evaluate(*a, **k)  # type: ignore[method-assign, func-returns-value]
    for step in play(search, problem, budget=Budget(rounds=1, batch=3), seed=0):
        if isinstance(step, Evaluating):
            assert asked == []
        if isinstance(step, Updating):
            assert (len(asked), search.told, search.round) == (1, [], 0)
        if isinstance(step, Updated):
            assert (len(search.told), search.round) == (1, 1)


def test_every_candidate_is_observed_and_the_oracle_sees_designs_only() -> None:
    seen = [s for s in steps_of(rounds=4) if isinstance(s, Updated)]
    for step in seen:
        assert [o.candidate for o in step.observations] == [c.id for c in step.candidates]
        for c, o in zip(step.candidates, step.observations, strict=True):
            assert o.valid == (bool(c.design) and "9" not in c.design)
            assert o.valid or math.isnan(o.value[0])
            assert bool(o.reason) != o.valid
    assert any(not c.design for s in seen for c in s.candidates)


def test_the_oracles_randomness_depends_on_seed_round_and_chunk() -> None:
    step = next(s for s in steps_of() if isinstance(s, Evaluated) and (s.round, s.chunk) == (1, 2))
    known = [c for c in step.candidates if c.design]
    answer = Digits(noise=0.3).oracle.evaluate([c.design for c in known], [0], rng=rng_for(0, "oracle", 1, 2))
    told = {o.candidate: o.value[0] for o in step.observations}
    assert [told[c.id] for c in known] == pytest.approx(answer.values[:, 0], nan_ok=True, rel=0)


def test_a_round_that_was_cut_off_is_finished_first() -> None:
    whole = steps_of()
    asked = next(s for s in whole if isinstance(s, Asked))
    first = next(s for s in whole if isinstance(s, Evaluated))
    left = Pending(asked.candidates, {o.candidate: o for o in first.observations})
    again = steps_of(pending=left)
    # neither asked nor evaluated again, and the same from there on
    assert [type(s) for s in again[:2]] == [Evaluating, Evaluated]
    assert repr(again[1:6]) == repr([s for s in whole if s not in (asked, first)][3:8])
    assert repr(again[-1]) == repr(whole[-1])
    assert repr([s for s in again if isinstance(s, Updated)]) == repr([s for s in whole if isinstance(s, Updated)])


def test_calls_spent_elsewhere_shorten_the_search() -> None:
    lefts: list[int] = []

    def between(left: int) -> int:
        lefts.append(left)
        return 7 if len(lefts) == 2 else 0

    found = steps_of(rounds=4, between=between)
    assert lefts == [28, 21, 7, 0]
    assert [s.round for s in found if isinstance(s, Updated)] == [0, 1, 2]
    assert found[-1] == Ended("budget")
    assert [s.round for s in steps_of(rounds=4, spent=14) if isinstance(s, Updated)] == [0, 1]


def test_a_search_with_nothing_left_ends_it() -> None:
    found = steps_of(rounds=9, search=FakeSearch(fake_spec(), exhausted_after=2))
    assert found[-2:] == [Asking(2), Ended("exhausted")]


def test_values_of_the_wrong_shape_are_refused() -> None:
    def evaluate(candidates: Any, number: int, chunk: int) -> Evaluation:
        n = len(candidates)
        return Evaluation(np.zeros((n, 2)), np.zeros((n, 2)), np.ones(n, np.bool_), ("",) * n, ({},) * n)

    with pytest.raises(InvalidInput, match=r"Expected values of shape \(\d, 1\) from the oracle of fake/digits"):
        steps_of(evaluate=evaluate)


def test_a_search_is_played_by_hand() -> None:
    """Ask, measure, tell, update: the same search as the loop plays."""
    search = FakeSearch(fake_spec())
    for _ in range(2):
        candidates = search.ask(7)
        values = [float(sum(map(int, c.design))) if c.design and "9" not in c.design else None for c in candidates]
        search.tell(candidates, observations(candidates, values))
        search.update()
    looped = FakeSearch(fake_spec())
    steps_of(search=looped, problem=Digits())
    assert search.memory.tolist() == looped.memory.tolist()
    with pytest.raises(ValueError, match="Expected 7 values"):
        observations(candidates, [1.0])
