"""What a problem gives is learnt before the first proposal, by every method; corrections take the place of what was."""

from __future__ import annotations

import math

import numpy as np
import pytest

from poets_core.protocols import Search
from poets_core.search.loop import Given as GivenStep
from poets_core.search.loop import Updated, play
from poets_core.spec import METHODS as KNOWN
from poets_core.spec import Budget
from poets_core.types import BEFORE, Given, Observation
from tests.search.sites import Sites, build
from tests.search.test_rivals import FAST

METHODS = tuple(KNOWN)


def gave(n: int, seed: int = 0) -> tuple[Given, ...]:
    """The values of n random designs."""
    table = Sites().table
    rows = np.random.default_rng(seed).choice(sorted(table), n, replace=False)
    return tuple(Given(str(d), table[str(d)], details={"row": k + 2}) for k, d in enumerate(rows))


def played(search: Search, problem: Sites, rounds: int, batch: int = 8) -> list[object]:
    return list(play(search, problem, budget=Budget(rounds=rounds, batch=batch), seed=0))


@pytest.mark.parametrize("method", METHODS)
def test_every_method_learns_them_first_and_never_asks_for_them(method, tmp_path):
    problem = Sites(given=gave(100))
    search = build(tmp_path, problem, method=method, **({} if method == "poets" else FAST))
    steps = played(search, problem, 2)
    assert isinstance(steps[0], GivenStep)
    updated = [s for s in steps if isinstance(s, Updated)]
    assert [s.round for s in updated] == [BEFORE, 0, 1]
    assert [c.design for c in updated[0].candidates] == [g.design for g in problem.given]
    assert [o.value[0] for o in updated[0].observations] == [g.value for g in problem.given]
    assert all(math.isfinite(c.reference_log_prob) for c in updated[0].candidates)
    asked = [c.design for s in updated[1:] for c in s.candidates]
    assert len(asked) == 16
    assert not {g.design for g in problem.given} & set(asked)
    assert search.round == 2


@pytest.mark.parametrize("method", ["poets", "gp"])
def test_a_first_round_by_what_was_learnt_is_better_than_one_by_nothing(method, tmp_path):
    means = []
    for given in ((), gave(100)):
        problem = Sites(given=given)
        first = played(build(tmp_path / f"{len(given)}", problem, method=method), problem, 1, 40)
        means.append(np.mean([o.value[0] for o in first[-2].observations]))
    assert means[1] > means[0] + 0.5


def test_what_the_backbone_cannot_write_is_left_out(tmp_path):
    problem = Sites(given=gave(5))
    outside = Given("WWW", 99.0)  # no token of it
    problem.given = (problem.given[0], outside, *problem.given[1:])
    problem.table["WWW"] = 99.0
    candidates = build(tmp_path, problem).given()
    assert [c.id for c in candidates] == ["g0", "g2", "g3", "g4", "g5"]


@pytest.mark.parametrize("method", ["poets", "grpo", "gp"])
def test_a_correction_takes_the_place_of_what_was_told(method, tmp_path):
    """A search that was corrected goes on as one that was told the truth, but for what it had learnt of the error."""
    problem = Sites()
    search = build(tmp_path, problem, method=method, **({} if method == "poets" else FAST))
    candidates = search.ask(8)
    told = [Observation(c.id, (problem.table[c.design],), (0.0,), True, "") for c in candidates]
    wrong = [Observation(candidates[0].id, (99.0,), (0.0,), True, ""), *told[1:]]
    search.tell(candidates, wrong)
    search.update()
    weights = search.history.weights.copy()
    search.tell([candidates[0]], [told[0]])
    assert search.round == 1
    assert len(search.history) == 8
    assert search.history.values[0] == told[0].value[0]
    assert search.history.elites(1) != [candidates[0].design] or max(o.value[0] for o in told) == told[0].value[0]
    # taken back altogether: nothing is learnt of it any more, until it is measured again
    search.tell([candidates[0]], [Observation(candidates[0].id, (math.nan,), (0.0,), False, "failed", missing=True)])
    assert not search.history.known[0]
    assert (search.history.weights[:, 0] == 0).all()
    search.tell([candidates[0]], [told[0]])
    assert (search.history.weights == weights).all()
    state = {name: array.copy() for name, array in search.state().items()}
    other = build(tmp_path, problem, method=method, **({} if method == "poets" else FAST))
    other.restore(state, [(candidates, wrong), ([candidates[0]], [told[0]])])
    assert other.ask(8) == search.ask(8)


@pytest.mark.parametrize("method", METHODS)
def test_a_first_round_of_which_nothing_is_known_is_no_end(method, tmp_path):
    """Every well failed: nothing is learnt, and the next round is proposed as the first was."""
    problem = Sites()
    search = build(tmp_path, problem, method=method, **({} if method == "poets" else FAST))
    assert search.ask(8)
    assert search.update().metrics == {}
    assert search.round == 1
    other = build(tmp_path, problem, method=method, **({} if method == "poets" else FAST))
    other.restore({name: array.copy() for name, array in search.state().items()}, [])
    candidates = search.ask(8)
    assert other.ask(8) == candidates
    assert len({c.design for c in candidates}) == 8
    told = [Observation(c.id, (problem.table[c.design],), (0.0,), True, "") for c in candidates]
    for one in (search, other):
        one.tell(candidates, told)
        one.update()
    # taken back by corrections, all of it
    nothing = [Observation(c.id, (math.nan,), (math.nan,), False, "failed", missing=True) for c in candidates]
    search.tell(candidates, nothing)
    search.update()
    assert search.round == 3
    assert len(search.ask(8)) == 8
